"""The table of formats: a new one is one file and one entry."""

import importlib
import pkgutil
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from lmn_music import formats
from lmn_music.errors import LmnMusicError, RenderingError, ScoreError, UsageError
from lmn_music.formats import (
    FORMATS,
    Format,
    check_length,
    check_output,
    read_score,
    readable,
    readable_labels,
    writable,
    write_roll,
)
from tests.helpers import make_roll

TOY = '''
"""A toy format: one line of text for each frame, an x for each key that sounds."""

import numpy as np

from lmn_music.errors import RenderingError, ScoreError
from lmn_music.files import replacing
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.music.piece import Piece


def read_text(data, title):
    lines = data.decode().splitlines()
    if any(set(line) - set("x.") for line in lines):
        raise ScoreError("this is a letter", "unreadable (a letter)")
    frames = np.array([[sign == "x" for sign in line] for line in lines])
    return Piece.from_roll(PianoRoll(frames, 4, title))


def write_text(roll, path):
    with replacing(path) as temporary:
        temporary.write_text("".join("".join("x" if key else "." for key in frame) + "\\n" for frame in roll.frames))


def check_text(frames, frames_per_quarter, *, tempo):
    if frames > 100 * tempo:
        raise RenderingError("Too long for a page.")
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Add a format as an engineer would: a file, and an entry."""
    (tmp_path / "toy_text_format.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)
    text = importlib.import_module("toy_text_format")
    entry = Format("text", text.read_text, text.write_text, rolls=True, check=text.check_text, max_bytes=9000)
    monkeypatch.setitem(FORMATS, ".txt", entry)
    yield
    del sys.modules["toy_text_format"]


@pytest.mark.usefixtures("toy")
def test_a_new_format_is_read_and_written(tmp_path: Path) -> None:
    roll = make_roll(30, frames_per_quarter=4)
    write_roll(roll, tmp_path / "song.TXT", repeat_notes=True)
    assert (tmp_path / "song.TXT").read_text().startswith("." * 27)
    back = read_score(tmp_path / "song.TXT", 4)
    assert (back, back.title) == (roll, "song")


@pytest.mark.usefixtures("toy")
def test_a_new_format_is_in_help_texts_and_messages(tmp_path: Path) -> None:
    assert writable().endswith(".npz (piano-roll), .txt (text)")
    assert readable().endswith("piano-roll (.npz) or text (.txt)")
    assert readable_labels() == "MIDI, MusicXML, Humdrum, ABC, piano-roll or text"
    with pytest.raises(UsageError, match=r"\.txt \(text\)"):
        check_output(tmp_path / "song.mp3")
    with pytest.raises(ScoreError, match=r"or text \(\.txt\)") as caught:
        read_score(tmp_path / "song.mp3")
    assert caught.value.reason == "not a MIDI, MusicXML, Humdrum, ABC, piano-roll or text file"


@pytest.mark.usefixtures("toy")
def test_a_new_format_has_its_own_limits(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Anna")
    with pytest.raises(ScoreError, match=r"letter\.txt: this is a letter"):
        read_score(path)
    path.write_text("x" * 9001)
    with pytest.raises(ScoreError, match="more than 9000 bytes"):
        read_score(path)
    check_length(path, 999, 2, tempo=10)
    with pytest.raises(RenderingError, match="for a page"):
        check_length(path, 1001, 2, tempo=10)


def test_help_texts() -> None:
    assert writable() == (
        ".mid (MIDI), .musicxml (MusicXML), .abc (ABC), .score.svg, .score.png (engraved score), .wav (sound), "
        ".png, .svg (picture of the roll), .npz (piano-roll)"
    )
    assert readable().startswith(
        "MIDI (.mid, .midi, .smf, .kar, .rmi), MusicXML (.musicxml, .xml, .mxl), Humdrum (.krn), "
    )
    assert readable().endswith(" ABC (.abc) or piano-roll (.npz)")
    assert readable_labels() == "MIDI, MusicXML, Humdrum, ABC or piano-roll"


def test_what_is_only_read_is_not_written_and_the_other_way_round(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="what to write"):
        check_output(tmp_path / "song.mxl")
    write_roll(make_roll(4), tmp_path / "song.png")
    with pytest.raises(ScoreError, match="not a MIDI"):
        read_score(tmp_path / "song.png")


@pytest.mark.parametrize(
    ("name", "frames", "frames_per_quarter", "tempo", "error"),
    [
        ("song.mid", 10, 2, 3, "between 4 and 1000"),
        ("song.wav", 10, 2, 1001, "between 4 and 1000"),
        ("song.mid", 10, 40_000, 100, "at most 32767"),
        ("song.WAV", 20_000, 2, 100, "more than an hour"),
        ("song.png", 100_001, 2, 100, "at most 100000"),
    ],
)
def test_what_would_be_refused_is_known_before(
    name: str, frames: int, frames_per_quarter: int, tempo: float, error: str
) -> None:
    with pytest.raises(LmnMusicError, match=error):
        check_length(Path(name), frames, frames_per_quarter, tempo=tempo)


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_within_the_limits_passes(suffix: str) -> None:
    check_length(Path(f"song{suffix}"), 1000, 4, tempo=90)


def test_importing_the_package_is_cheap() -> None:
    heavy = ("matplotlib", "music21", "scipy", "pretty_midi", "mido", "torch", "numpy")
    code = f"import sys, lmn_music.formats; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_an_error_brings_at_most_the_one_cause_that_helps(tmp_path: Path) -> None:
    """What a notebook or a script prints of an error: not the inside of every library that met the file."""
    write_roll(make_roll(4), tmp_path / "cut.mid")
    (tmp_path / "cut.mid").write_bytes((tmp_path / "cut.mid").read_bytes()[:60])
    none = b"no music"
    contents = {"a.mid": none, "b.mid": b"MThd\0\0\0\6\0\0\0\1\1\1MTrk\0\0\0\4\0\x3c\x40\0", "c.xml": none}
    contents |= {"d.mxl": none, "e.npz": none, "f.npz": b"PK\5\6" + bytes(18), "g.xml": b"<score-partwise/>"}
    note = b"<note><pitch><step>H</step><octave>4</octave></pitch><duration>1</duration></note>"
    contents["h.xml"] = b"<score-partwise><part><measure>" + note + b"</measure></part></score-partwise>"
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.mid").mkdir()
    for path in [*tmp_path.iterdir(), tmp_path / "missing.mid", tmp_path / ("x" * 300 + ".mid")]:
        with pytest.raises(ScoreError) as caught:
            read_score(path)
        assert shown(caught.value).count("Traceback") <= 2, path
    for path in [tmp_path / "missing" / "song.mid", tmp_path / ("x" * 300 + ".mid")]:
        with pytest.raises(LmnMusicError) as failed:
            write_roll(make_roll(4), path)
        assert shown(failed.value).count("Traceback") == 1, path


def shown(error: Exception) -> str:
    return "".join(traceback.format_exception(error))


def test_no_file_of_the_package_hides_a_function_of_it() -> None:
    """Importing a module puts its name into its package, in the place of a function that is called the same."""
    names = {module.name for module in pkgutil.iter_modules(formats.__path__)}
    assert not names & set(formats.__all__)
