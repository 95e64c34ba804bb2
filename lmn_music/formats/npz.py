"""NumPy archives (.npz): to and from piano-rolls. Nothing is lost, not even the title."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from lmn_music.errors import ScoreError
from lmn_music.files import as_utf8, replacing
from lmn_music.music.notes import MAX_FRAMES
from lmn_music.music.pianoroll import KEYS, PianoRoll
from lmn_music.music.piece import Piece

_ENTRIES = ("frames", "frames_per_quarter", "title")
_LARGEST = MAX_FRAMES * KEYS * 8 + 4096  # bytes of an entry when unpacked: a full roll in the widest numbers


def write_npz(roll: PianoRoll, path: Path) -> None:
    """Write the roll as three arrays: `frames`, uint8 (time, 88), `frames_per_quarter` and `title`.

    Args:
        roll: the song.
        path: the file to write.

    Raises:
        LmnMusicError: the file cannot be written.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            frames=roll.frames.astype(np.uint8),
            frames_per_quarter=np.int64(roll.frames_per_quarter),
            title=np.str_(roll.title),
        )


def read_npz(data: bytes, title: str) -> Piece:
    """Return the roll that `write_npz` wrote, as a piece of one part in which keys are held.

    Args:
        data: the content of the file.
        title: the title of the piece, if the file has none.

    Raises:
        ScoreError: `write_npz` did not write such a file.
    """
    roll = _parse(data)
    return Piece.from_roll(replace(roll, title=as_utf8(roll.title) or title))


def _parse(data: bytes) -> PianoRoll:
    """Return the roll in the file as it is."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if any(entry.file_size > _LARGEST for entry in archive.infolist()):
                raise ScoreError(f"more than {MAX_FRAMES} frames: split the piece", "too long")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            frames, frames_per_quarter, title = (arrays[name] for name in _ENTRIES)
            roll = PianoRoll(frames, int(frames_per_quarter), str(title))
    except ScoreError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy each have errors of their own for damaged data
        raise ScoreError("not a piano-roll of this program: write it with write_npz", "unreadable (.npz)") from error
    if len(roll) > MAX_FRAMES:
        raise ScoreError(f"more than {MAX_FRAMES} frames: split the piece", "too long")
    return roll
