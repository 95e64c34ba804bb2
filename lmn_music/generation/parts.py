"""New notes for the parts of a piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from lmn_music.music.notes import Note, runs
from lmn_music.music.part import Part
from lmn_music.music.pianoroll import LOWEST_PITCH


def notes_of(
    frames: npt.NDArray[np.bool_], frames_per_quarter: int, start: Fraction, end: Fraction, *, transpose: int
) -> list[Note]:
    """Return the runs of frames as notes, in the order of their onsets.

    Args:
        frames: bool (time, 88).
        frames_per_quarter: how many frames a quarter note lasts.
        start: where the first frame begins, in quarter notes.
        end: where all notes end at the latest.
        transpose: by how many semitones the notes are moved.
    """
    found = []
    for run in runs(frames):
        onset, off = (start + Fraction(frame, frames_per_quarter) for frame in (run.start, run.end))
        if onset < end:
            found.append(Note(run.key + LOWEST_PITCH + transpose, onset, min(off, end)))
    return sorted(found, key=lambda note: (note.onset, note.pitch))


def with_notes(parts: Sequence[Part], notes: Sequence[Note], like: Sequence[Part] | None = None) -> tuple[Part, ...]:
    """Return the parts with more notes, each in the part whose mean pitch lies nearest to it; drums receive none.

    Args:
        parts: the parts.
        notes: the new notes.
        like: the parts, in the same order, whose mean pitches count; those of `parts` if not given.
    """
    middles: list[float] = [
        np.inf if part.drums else float(np.mean([note.pitch for note in part.notes])) for part in like or parts
    ]
    added: list[list[Note]] = [[] for _ in parts]
    for note in notes:
        added[int(np.argmin([abs(middle - note.pitch) for middle in middles]))].append(note)
    return tuple(
        replace(part, notes=tuple(sorted((*part.notes, *more), key=lambda note: (note.onset, note.pitch))))
        for part, more in zip(parts, added, strict=True)
    )
