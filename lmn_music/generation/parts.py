"""From what a model composed to notes of parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from lmn_music.music.notes import Note, runs
from lmn_music.music.part import Part
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH


def notes_of(
    frames: npt.NDArray[np.bool_], frames_per_quarter: int, start: Fraction, end: Fraction, *, transpose: int
) -> list[Note]:
    """Return the runs of frames as notes, in the order of their onsets; what is moved off the keyboard is left out.

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
        if onset < end and 0 <= run.key + transpose < KEYS:
            found.append(Note(run.key + LOWEST_PITCH + transpose, onset, min(off, end)))
    return sorted(found, key=lambda note: (note.onset, note.pitch))


def with_notes(parts: Sequence[Part], notes: Sequence[Note], places: Mapping[int, Part]) -> tuple[Part, ...]:
    """Return the parts with more notes, each in the part whose mean pitch lies nearest to it.

    Args:
        parts: the parts.
        notes: the new notes.
        places: which parts may receive notes, by their number from 0, each with the part whose mean pitch counts.
    """
    middles = [np.inf] * len(parts)
    for place, part in places.items():
        middles[place] = float(np.mean([note.pitch for note in part.notes]))
    added: list[list[Note]] = [[] for _ in parts]
    for note in notes:
        added[int(np.argmin([abs(middle - note.pitch) for middle in middles]))].append(note)
    return tuple(
        replace(part, notes=tuple(sorted((*part.notes, *more), key=lambda note: (note.onset, note.pitch))))
        for part, more in zip(parts, added, strict=True)
    )
