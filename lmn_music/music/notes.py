"""From notes in time to frames on a grid, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lmn_music.errors import ScoreError
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll

MAX_FRAMES = 100_000  # about 14 hours of slow music: beyond that a file is damaged or hostile, and memory runs out
_NUDGE = 1e-6  # in frames: a note that starts half-way between two frames goes to the later one, rounding errors or not


class Note(NamedTuple):
    """A note, in quarter notes from the start of the piece."""

    pitch: int  # MIDI number
    onset: float
    end: float


class Run(NamedTuple):
    """A key that sounds in the frames start, ..., end - 1 of a roll and neither before nor after."""

    key: int
    start: int
    end: int


def to_roll(notes: Sequence[Note], length: float, frames_per_quarter: int, *, title: str, found: str = "") -> PianoRoll:
    """Return the roll of the notes, each from its onset to its end, both rounded to the nearest frame.

    A note lasts one frame at least; notes outside A0..C8 are left out.
    length: the length of the piece in quarter notes; the roll is as long, or as the last note needs.
    found: what to say where there is no note ("no notes" by default).
    ScoreError: no note remains, a time is not finite, or the roll would be longer than 100,000 frames.
    """
    notes = [note for note in notes if 0 <= note.pitch - LOWEST_PITCH < KEYS]
    if not notes:
        raise ScoreError("no notes found: choose a file in which notes between A0 and C8 sound", found or "no notes")
    keys, onsets, ends = (np.array(column, dtype=np.float64) for column in zip(*notes, strict=True))
    with np.errstate(over="ignore"):  # infinite times are refused below
        onsets, ends = (np.floor(times * frames_per_quarter + 0.5 + _NUDGE) for times in (onsets, ends))
    ends = np.maximum(ends, onsets + 1)
    total = max(float(np.floor(length * frames_per_quarter + 0.5 + _NUDGE)), ends.max())
    if not (np.isfinite([total, *onsets, *ends]).all() and onsets.min() >= 0):
        raise ScoreError("the note times make no sense: export the file anew", "unreadable (impossible note times)")
    if total > MAX_FRAMES:
        raise ScoreError(
            f"the piece lasts {total:.10g} frames, more than {MAX_FRAMES}: split it, or use fewer frames per quarter",
            f"too long ({total:.10g} frames, more than {MAX_FRAMES})",
        )
    # Counting starts minus ends takes time linear in the notes and in the frames, however long the notes are.
    changes = np.zeros((int(total) + 1, KEYS), dtype=np.int32)
    columns = keys.astype(np.int64) - LOWEST_PITCH
    np.add.at(changes, (onsets.astype(np.int64), columns), 1)
    np.add.at(changes, (ends.astype(np.int64), columns), -1)
    return PianoRoll(np.cumsum(changes, axis=0)[:-1] > 0, frames_per_quarter, title)


def runs(frames: npt.NDArray[np.bool_]) -> Iterator[Run]:
    """Yield the unbroken runs of each key of frames (time, 88), lowest key first, each key's runs in time order."""
    silence = np.zeros((1, frames.shape[1]), dtype=np.int8)
    changes = np.diff(frames.astype(np.int8), axis=0, prepend=silence, append=silence).T
    starts, ends = (np.argwhere(changes == change) for change in (1, -1))  # both sorted by key, then by time
    for (key, start), (_, end) in zip(starts.tolist(), ends.tolist(), strict=True):
        yield Run(key, start, end)


def strokes(roll: PianoRoll, *, repeat_notes: bool) -> list[Run]:
    """Return what a pianist plays: the runs of the roll, or with `repeat_notes` every frame of them struck anew."""
    held = list(runs(roll.frames))
    if not repeat_notes:
        return held
    return [Run(key, frame, frame + 1) for key, start, end in held for frame in range(start, end)]
