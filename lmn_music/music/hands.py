"""Two hands at the piano: what the right hand plays, and what the left."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from lmn_music.music.notes import Note, to_roll
from lmn_music.music.part import Part
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll
from lmn_music.music.piece import Piece

FRAMES_PER_QUARTER = 4  # for notes; a roll has its own
MIDDLE_C = 60 - LOWEST_PITCH
SPAN = 14  # semitones: what a hand reaches, a ninth
WIDE = 2.0  # what each semitone costs that a hand would have to reach beyond it
AWAY = 0.1  # what each semitone costs by which the border of the hands lies away from middle C
MOVED = 0.5  # what each semitone costs by which the border moves from one frame to the next
CLOSE = 0.5  # what each semitone costs by which the hands are closer to each other than an octave,
OCTAVE = 12  # so that chords are not torn apart
ALONE = 7  # so many of these semitones a frame costs in which one hand rests, so that a tune is not taken for a chord's


def split_hands(roll: PianoRoll) -> tuple[Part, ...]:
    """Return the notes of the right hand and those of the left, as two parts; one part if one hand plays everything.

    Args:
        roll: the song; `split_notes` says how it is divided.
    """
    notes = [note for part in Piece.from_roll(roll).parts for note in part.notes]
    hands = _divide(notes, roll)
    if not all(hands):
        return tuple(Part(tuple(hand), "Piano") for hand in hands if hand)
    return tuple(Part(tuple(hand), name) for hand, name in zip(hands, ("Right hand", "Left hand"), strict=True))


def split_notes(notes: Sequence[Note]) -> tuple[list[Note], list[Note]]:
    """Return the notes of the right hand and those of the left.

    At each time a border divides the keys. The borders of all times together are those that cost least: a hand that
    reaches more than a ninth costs, and so do hands that are closer than an octave, a hand that rests, a border away
    from middle C, and a border that moves. A note belongs to the hand on whose side of the border it begins.

    Args:
        notes: the notes, in the order of their onsets, with one on the keyboard among them.

    Raises:
        ScoreError: the notes last longer than 100,000 sixteenths.
    """
    return _divide(notes, to_roll(notes, Fraction(0), FRAMES_PER_QUARTER, title=""))


def _divide(notes: Sequence[Note], roll: PianoRoll) -> tuple[list[Note], list[Note]]:
    """Return the notes of both hands; `roll` has the same notes."""
    borders = _borders(roll.frames) + LOWEST_PITCH
    right: list[Note] = []
    left: list[Note] = []
    for note in notes:
        frame = min(int(note.onset * roll.frames_per_quarter), len(roll) - 1)
        (right if note.pitch >= borders[frame] else left).append(note)
    return right, left


def _borders(frames: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the lowest key of the right hand in each frame: the cheapest way through all frames (Viterbi)."""
    choices = np.arange(MIDDLE_C - 24, MIDDLE_C + 25)
    cost = _costs(frames, choices)
    step = MOVED * np.abs(choices[:, None] - choices)
    total = np.zeros(len(choices))
    came_from = np.zeros(cost.shape, dtype=np.int64)
    for frame, here in enumerate(cost):
        ways = total[:, None] + step
        came_from[frame] = ways.argmin(axis=0)
        total = ways.min(axis=0) + here
    place = int(total.argmin()) if len(cost) else 0
    path = np.zeros(len(cost), dtype=np.int64)
    for frame in range(len(cost) - 1, -1, -1):
        path[frame] = choices[place]
        place = int(came_from[frame, place])
    return path


def _costs(frames: npt.NDArray[np.bool_], choices: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return what each border costs in each frame, shape (time, borders)."""
    keys = np.arange(KEYS)
    cost = np.empty((len(frames), len(choices)))
    for place, border in enumerate(choices):
        right, left = frames & (keys >= border), frames & (keys < border)
        (low, high), (bottom, top) = _ends(right), _ends(left)
        wide = np.maximum(high - low - SPAN, 0) + np.maximum(top - bottom - SPAN, 0)
        close = np.where(right.any(axis=1) & left.any(axis=1), np.maximum(OCTAVE - (low - top), 0), ALONE)
        cost[:, place] = WIDE * wide + CLOSE * close + AWAY * abs(border - MIDDLE_C) * frames.any(axis=1)
    return cost


def _ends(frames: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the lowest and the highest key of each frame; both 0 in silence."""
    sounds = frames.any(axis=1)
    lowest = np.where(sounds, frames.argmax(axis=1), 0)
    highest = np.where(sounds, KEYS - 1 - frames[:, ::-1].argmax(axis=1), 0)
    return lowest, highest
