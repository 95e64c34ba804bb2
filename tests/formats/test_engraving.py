"""Engraved scores: every note is drawn, text stands where it should, and what is missing is said in one line."""

import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread

from lmn_music import load_corpus, read_piece, write_piece, write_roll
from lmn_music.errors import RenderingError
from lmn_music.formats import check_length, engraving
from lmn_music.formats.engraving import engrave
from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.performing import perform
from lmn_music.music.piece import KeySignature, Piece, Tempo
from lmn_music.music.sheet import write_out

SVG = "{http://www.w3.org/2000/svg}"
SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"


def drawn(root: ElementTree.Element, kind: str) -> int:
    return sum(kind in element.get("class", "").split() for element in root.iter(f"{SVG}g"))


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(line.itertext()) for line in root.iter(f"{SVG}text")]


def six_eight() -> Piece:
    """Two bars of 6/8 after a pickup, in E flat, each note on its own."""
    notes = tuple(Note(63 + number, Fraction(number, 2), Fraction(number + 1, 2)) for number in range(13))
    start = Fraction(0)
    return Piece(
        (Part(notes, "Fiddle", program=40),),
        tempos=(Tempo(start, 90.0),),
        metres=(Metre(start, 6, 8),),
        key_signatures=(KeySignature(start, -3, "major"),),
        pickup=Fraction(1, 2),
        title="Jig",
    )


def test_many_threads_engrave_as_one_does() -> None:
    """As the studio does for many clients."""
    with ThreadPoolExecutor(8) as pool:
        drawings = set(pool.map(engrave, [six_eight()] * 24))
    assert drawings == {engrave(six_eight())}


def test_every_note_is_drawn() -> None:
    root = ElementTree.fromstring(engrave(six_eight()))  # noqa: S314 -- our own
    assert drawn(root, "note") == 13
    assert drawn(root, "measure") == 3
    assert drawn(root, "beam") == 4
    assert drawn(root, "keyAccid") == 3
    assert drawn(root, "rest") == 0
    found = [text.replace("\u00a0", " ") for text in texts(root)]
    assert "Jig" in found
    assert "Fiddle" in found
    assert "\u2669. = 60" in found  # ninety quarters a minute, in dotted quarters
    (title,) = (line for line in root.iter(f"{SVG}text") if "".join(line.itertext()) == "Jig")
    assert title.get("text-anchor") == "middle"
    assert float(title.get("x", 0)) > 5000  # in the middle of the page


def test_a_chorale_is_drawn_in_four_voices(tmp_path: Path) -> None:
    song = load_corpus("chorales").test[3]
    write_roll(song, tmp_path / "song.score.svg")
    root = ElementTree.parse(tmp_path / "song.score.svg").getroot()  # noqa: S314 -- our own
    assert drawn(root, "staff") == 2 * drawn(root, "measure")
    assert drawn(root, "layer") == 4 * drawn(root, "measure")
    (choir,) = write_out(perform(song, tempo=90)).players
    signs = [sign for staff in choir.staves for voice in staff.voices for bar in voice.bars for sign in bar]
    assert drawn(root, "note") == sum(len(sign.pitches) for sign in signs)
    ties = [element.get("id") for element in root.iter(f"{SVG}g") if element.get("class") == "tie"]
    assert len(ties) == sum(sum(sign.tied) for sign in signs)  # one that goes over the end of a line is drawn twice
    write_roll(song, tmp_path / "again.score.svg")
    assert (tmp_path / "again.score.svg").read_bytes() == (tmp_path / "song.score.svg").read_bytes()


def test_a_picture_shows_the_same_on_white(tmp_path: Path) -> None:
    write_piece(six_eight(), tmp_path / "song.SCORE.png")
    picture = imread(tmp_path / "song.SCORE.png")
    assert 1200 < picture.shape[1] < 2400
    dark = picture[..., :3].mean(axis=2) < 0.5
    assert 0.01 < dark.mean() < 0.2
    assert dark[: len(dark) // 4].any()  # the title
    columns = np.flatnonzero(dark[: len(dark) // 6].any(axis=0))
    assert abs(columns.mean() - picture.shape[1] / 2) < picture.shape[1] / 10  # in the middle


@pytest.mark.parametrize("name", ["greensleeves", "old-hundredth", "o-du-lieber-augustin"])
def test_the_samples_are_engraved_without_a_rest_or_a_tie_too_many(name: str) -> None:
    piece = read_piece(SAMPLES / f"{name}.musicxml")
    root = ElementTree.fromstring(engrave(piece))  # noqa: S314 -- our own
    assert drawn(root, "note") == sum(len(part.notes) for part in piece.parts)
    assert drawn(root, "tie") == 0
    assert drawn(root, "rest") == 0


def test_a_score_that_no_page_holds_is_drawn_on_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engraving, "TALLEST", 1000)
    notes = tuple(Note(60 + number % 12, Fraction(number), Fraction(number + 1)) for number in range(200))
    root = ElementTree.fromstring(engrave(Piece((Part(notes),))))  # noqa: S314 -- our own
    assert drawn(root, "note") == 200
    assert len(root) > 1
    tops = [float(page.get("y", 0)) for page in root]
    heights = [float(page.get("height", "").removesuffix("px")) for page in root]
    assert tops == [sum(heights[:place]) for place in range(len(heights))]
    assert root.get("height") == f"{sum(heights):.0f}px"


@pytest.mark.parametrize(("module", "name"), [("verovio", "song.score.svg"), ("resvg_py", "song.score.png")])
def test_what_to_install_is_said(module: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RenderingError, match=r"pip install 'lmn-music\[score\]'"):
        write_piece(six_eight(), tmp_path / name)
    assert not list(tmp_path.iterdir())
    with pytest.raises(RenderingError, match=r"lmn-music\[score\]"):  # before a song is composed
        check_length(tmp_path / name, 16, 1)
