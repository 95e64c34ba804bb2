"""Rendering: piano-rolls to and from MIDI, MusicXML, sound and pictures.

Importing this package is cheap: matplotlib, music21, mido and SciPy are imported by the functions that need them.
"""

from __future__ import annotations

from pathlib import Path

from lmn_music.errors import RenderingError
from lmn_music.formats.audio import check_duration, write_wav
from lmn_music.formats.midi import check_tempo, to_midi, write_midi
from lmn_music.formats.npz import write_npz
from lmn_music.formats.output import check_output
from lmn_music.formats.picture import write_png
from lmn_music.formats.score import read_score
from lmn_music.music.notes import MAX_FRAMES
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.music.tonality import transpose_to_c

__all__ = [
    "check_length",
    "check_output",
    "read_score",
    "to_midi",
    "transpose_to_c",
    "write_midi",
    "write_npz",
    "write_png",
    "write_roll",
    "write_wav",
]


def check_length(path: Path, frames: int, frames_per_quarter: int, *, tempo: float = 100) -> None:
    """Raise an error unless a roll of so many frames can be written to `path`, and be read again.

    Meant to be called before a long job, not after it. UsageError: a tempo out of range. RenderingError: too long.
    """
    check_tempo(tempo)
    if frames > MAX_FRAMES:
        raise RenderingError(f"{frames} frames are more than can be read again: write at most {MAX_FRAMES}.")
    if Path(path).suffix.lower() == ".wav":
        check_duration(frames, frames_per_quarter, tempo)


def write_roll(roll: PianoRoll, path: Path, *, tempo: float = 100, repeat_notes: bool = False) -> None:
    """Write the roll as what the extension of `path` says: .mid, .wav, .png or .npz.

    The file appears whole or not at all. tempo (quarters per minute) and repeat_notes (see `to_midi`) matter
    to .mid and .wav only.
    UsageError: an unknown extension, no such folder, a tempo out of range. LmnMusicError: it cannot be written.
    """
    path = Path(path)
    check_output(path)
    match path.suffix.lower():
        case ".mid":
            write_midi(roll, path, tempo=tempo, repeat_notes=repeat_notes)
        case ".wav":
            write_wav(roll, path, tempo=tempo, repeat_notes=repeat_notes)
        case ".png":
            write_png(roll, path)
        case _:  # .npz, the only other that check_output lets through
            write_npz(roll, path)
