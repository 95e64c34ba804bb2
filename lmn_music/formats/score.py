"""Reading music: a MIDI, MusicXML or NumPy file becomes a piano-roll."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lmn_music.errors import ScoreError
from lmn_music.formats.midi_reader import read_midi
from lmn_music.formats.musicxml import read_musicxml
from lmn_music.formats.npz import read_npz, roll_notes
from lmn_music.formats.output import as_utf8
from lmn_music.music.notes import to_roll
from lmn_music.music.pianoroll import PianoRoll

MIDI = (".mid", ".midi", ".smf")
MUSICXML = (".musicxml", ".xml", ".mxl")
EXTENSIONS = (*MIDI, *MUSICXML, ".npz")
# Ten times the largest file of ordinary music; beyond it a reader takes minutes and gigabytes.
MAX_BYTES = {".npz": 20_000_000, ".xml": 8_000_000, ".musicxml": 8_000_000}
MAX_BYTES_ELSE = 2_000_000


def read_score(path: Path, frames_per_quarter: int = 2) -> PianoRoll:
    """Return the music of a file on a grid of `frames_per_quarter`; its title is the file's name, or the one in .npz.

    MIDI (.mid, .midi, .smf), MusicXML (.musicxml, .xml, .mxl) and this program's .npz. Onsets and ends are rounded to
    the nearest frame, each note lasts a frame at least, drums and notes outside A0..C8 are left out. What the file
    types leave out is told in `read_midi` and `read_musicxml`. The time is bounded, whatever the file holds.
    ScoreError: there is no such file, it cannot be read, or holds no notes; its `reason` fits into a list.
    """
    path = Path(path)
    if frames_per_quarter < 1:
        raise ValueError(f"frames_per_quarter must be a positive whole number, not {frames_per_quarter}")
    extension = path.suffix.lower()
    if extension not in EXTENSIONS:
        known = ", ".join(EXTENSIONS)
        raise ScoreError(f"{path}: not a MIDI or MusicXML file; give one of {known}.", "not a MIDI or MusicXML file")
    try:
        return _read(_bytes(path, extension), extension, frames_per_quarter, as_utf8(path.stem))
    except ScoreError as error:
        raise ScoreError(f"{path}: {error}.", error.reason) from error


def _read(data: bytes, extension: str, frames_per_quarter: int, title: str) -> PianoRoll:
    if extension == ".npz":
        roll = read_npz(data)
        title = as_utf8(roll.title) or title
        if roll.frames_per_quarter == frames_per_quarter and roll.notes:
            return replace(roll, title=title)
        return to_roll(roll_notes(roll), len(roll) / roll.frames_per_quarter, frames_per_quarter, title=title)
    if extension in MIDI:
        notes, length, nothing = read_midi(data)
    else:
        notes, length, nothing = read_musicxml(data, compressed=extension == ".mxl")
    return to_roll(notes, length, frames_per_quarter, title=title, found=nothing)


def _bytes(path: Path, extension: str) -> bytes:
    most = MAX_BYTES.get(extension, MAX_BYTES_ELSE)
    try:
        if path.exists() and not path.is_file():  # reading a pipe would wait for ever
            raise ScoreError("this is not a file: name a file", "not a file")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError as error:
        raise ScoreError("there is no such file: check the name", "no such file") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise ScoreError(
            f"cannot be read ({reason}): check the name and permissions", f"unreadable ({reason})"
        ) from error
    if not data:
        raise ScoreError("the file is empty: export it anew", "unreadable (empty file)")
    if len(data) > most:
        raise ScoreError(f"the file has more than {most} bytes: split the piece", "too long (bytes)")
    return data
