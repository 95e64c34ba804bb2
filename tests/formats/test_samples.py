"""The tunes that the package ships: as they are sung, and ready for what is made of them."""

import re
from pathlib import Path

import pytest

from lmn_music.formats import read_piece, write_piece
from lmn_music.music.melody import find_melody
from lmn_music.music.piece import Piece
from lmn_music.music.tonality import key_of
from lmn_music.resources import resource

FOLDER = resource("data", "samples")
# The tune from its beginning: steps of the key, counted from the tonic (0) up, with each note's length in quarters.
BEGINNINGS = {
    "ah-vous-dirai-je": ("C major", 24, "0 1 0 1 7 1 7 1 9 1 9 1 7 2 5 1 5 1 4 1 4 1 2 1 2 1 0 2"),
    "frere-jacques": ("C major", 8, "0 1 2 1 4 1 0 1 0 1 2 1 4 1 0 1 4 1 5 1 7 2"),
    "greensleeves": (
        "A minor",
        16,
        "0 .5 3 1 5 .5 7 .75 8 .25 7 .5 5 1 2 .5 -2 .75 0 .25 2 .5 3 1 0 .5 0 .75 -1 .25 0 .5",
    ),
    "irish-washerwoman": ("G major", 16, "7 .25 5 .25 4 .5 0 .5 0 .5 -5 .5 0 .5 0 .5 4 .5 0 .5 4 .5 7 .5 5 .5 4 .5"),
    "o-du-lieber-augustin": ("C major", 16, "7 1.5 9 .5 7 .5 5 .5 4 1 0 1 0 1 2 1 -5 1 -5 1 4 1 0 1 0 1"),
    "ode-to-joy": ("D major", 16, "4 1 4 1 5 1 7 1 7 1 5 1 4 1 2 1 0 1 0 1 2 1 4 1 4 1.5 2 .5 2 2"),
    "old-hundredth": ("G major", 8, "0 1 0 1 -1 1 -3 1 -5 1 0 1 2 1 4 1 4 1 4 1 4 1 2 1 0 1 5 1 4 1 2 1"),
    "speed-the-plough": ("A major", 16, "-5 .5 0 .25 2 .25 4 .25 5 .25 7 .25 9 .25 7 .25 4 .25"),
}
TONICS = {"C": 0, "D": 2, "G": 7, "A": 9}


def sample(name: str) -> Piece:
    return read_piece(FOLDER / f"{name}.musicxml")


def test_every_sample_is_listed() -> None:
    files = {path.name for path in FOLDER.iterdir()}
    assert files == {f"{name}.musicxml" for name in BEGINNINGS}
    page = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`([a-z-]+\.musicxml)`", page)) == files


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_sample_begins_as_it_is_sung(name: str) -> None:
    key, bars, beginning = BEGINNINGS[name]
    piece = sample(name)
    tune = find_melody(piece)
    tonic, mode = key.split()
    assert key_of(piece) == (TONICS[tonic], mode)
    assert tune.notes[-1].pitch % 12 == TONICS[tonic]  # each ends on its tonic
    numbers = [float(number) for number in beginning.split()]
    lowest = tune.notes[0].pitch - int(numbers[0])
    assert lowest % 12 == TONICS[tonic]
    expected = list(zip((lowest + int(step) for step in numbers[::2]), numbers[1::2], strict=True))
    found = [(note.pitch, float(note.end - note.onset)) for note in tune.notes]
    assert found[: len(expected)] == [(pitch, length) for pitch, length in expected]
    assert piece.bars()[-1].number == bars


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_sample_is_complete(name: str, tmp_path: Path) -> None:
    """No gaps; pickup and last bar make one bar; written as MIDI, the tune is the same."""
    piece = sample(name)
    (tune,) = piece.parts
    assert all(before.end == note.onset for before, note in zip(tune.notes, tune.notes[1:], strict=False))
    last = piece.bars()[-1]
    assert piece.end == piece.length == last.end - piece.pickup
    assert piece.tempos
    write_piece(piece, tmp_path / f"{name}.mid")
    back = read_piece(tmp_path / f"{name}.mid")
    assert back.parts[0].notes == tune.notes
    assert (back.metres, back.pickup, back.bars()) == (piece.metres, piece.pickup, piece.bars())
