"""Piano-rolls as NumPy archives: nothing is lost, not even the title."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from lmn_music.errors import ScoreError
from lmn_music.files import replacing
from lmn_music.music.notes import MAX_FRAMES, Note, runs
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll

_ENTRIES = ("frames", "frames_per_quarter", "title")
_LARGEST = MAX_FRAMES * KEYS * 8 + 4096  # bytes of an entry when unpacked: a full roll in the widest numbers


def write_npz(roll: PianoRoll, path: Path) -> None:
    """Write the roll: `frames` uint8 (time, 88), `frames_per_quarter`, `title`. LmnMusicError: not writable."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            frames=roll.frames.astype(np.uint8),
            frames_per_quarter=np.int64(roll.frames_per_quarter),
            title=np.str_(roll.title),
        )


def read_npz(data: bytes) -> PianoRoll:
    """Return the roll that `write_npz` wrote, on its own grid. ScoreError: it is not such a file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if any(entry.file_size > _LARGEST for entry in archive.infolist()):
                raise ScoreError(f"more than {MAX_FRAMES} frames: split the piece", "too long")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            frames, grid, title = (arrays[name] for name in _ENTRIES)
            roll = PianoRoll(frames, int(grid), str(title))
    except ScoreError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy each have errors of their own for damaged data
        raise ScoreError("not a piano-roll of this program: write it with write_npz", "unreadable (.npz)") from error
    if len(roll) > MAX_FRAMES:
        raise ScoreError(f"more than {MAX_FRAMES} frames: split the piece", "too long")
    return roll


def roll_notes(roll: PianoRoll) -> list[Note]:
    """Return the runs of the roll as notes, in quarter notes: what is needed to put them on another grid."""
    grid = roll.frames_per_quarter
    return [Note(run.key + LOWEST_PITCH, run.start / grid, run.end / grid) for run in runs(roll.frames)]
