"""A song as a model reads it: how surprising each key of each frame is, and each note."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from lmn_music.evaluation.teacher_forcing import teacher_forced
from lmn_music.models.interface import SequenceModel
from lmn_music.models.outputs.output import Autoregressive
from lmn_music.music.metre import Bar, Metre, count_bars
from lmn_music.music.notes import runs
from lmn_music.music.pianoroll import KEYS, PianoRoll

Array = npt.NDArray[np.float64]

DRAWS = 32  # of each frame, where keys depend on each other: the standard error of a chance is below 0.09
NO_PICKUP = Fraction(0)
ALTERNATIVES, WORTH_NAMING = 3, 0.05


class NoteSurprise(NamedTuple):
    """How surprising a note is: a key that sounds in the frames start, ..., end - 1.

    Attributes:
        key: from 0 (A0) to 87 (C8).
        start: the first frame.
        end: the frame after the last one.
        onset: nats of the key sounding in its first frame, given all frames before and the keys below it.
        continuation: nats of the key sounding in all its other frames together; 0 if there are none.
    """

    key: int
    start: int
    end: int
    onset: float
    continuation: float

    @property
    def nats(self) -> float:
        """Return the nats of the whole note."""
        return self.onset + self.continuation


class Parts(NamedTuple):
    """The nats of each frame in three parts, whose sum is the whole; each is (time,).

    Attributes:
        onsets: the nats of the notes that begin in the frame.
        continuation: the nats of the notes that sounded in the frame before, and still do.
        silence: the nats of the keys that are silent, also those that have just ended.
    """

    onsets: Array
    continuation: Array
    silence: Array


@dataclass(frozen=True, eq=False)
class Reading:
    """How surprising every key of every frame of a song is for a model.

    Attributes:
        roll: the song with the model's frames, in its own key.
        nats: (time, 88), -ln p(what the key does | all frames before, the keys below it); exact.
        chances: (time, 88), how likely the key was to sound, given all frames before it: the mean over draws of the
            frame where keys depend on each other, else exact.
        bars: the bars of the song.
    """

    roll: PianoRoll
    nats: Array
    chances: Array
    bars: tuple[Bar, ...]

    @cached_property
    def frame_nats(self) -> Array:
        """Return the nats of each frame, (time,): the negative log-likelihood that `evaluate` takes the mean of."""
        sums: Array = self.nats.sum(axis=1)
        return sums

    @cached_property
    def parts(self) -> Parts:
        """Return the nats of each frame in three parts."""
        sounds = self.roll.frames
        held = sounds.copy()
        held[:1] = False
        held[1:] &= sounds[:-1]
        return Parts(*((self.nats * of).sum(axis=1) for of in (sounds & ~held, held, ~sounds)))

    @cached_property
    def notes(self) -> list[NoteSurprise]:
        """Return all notes, in the order of time; the notes of one frame from the lowest up."""
        notes = [
            NoteSurprise(key, start, end, float(self.nats[start, key]), float(self.nats[start + 1 : end, key].sum()))
            for key, start, end in runs(self.roll.frames)
        ]
        return sorted(notes, key=lambda note: (note.start, note.key))

    def place(self, frame: int) -> tuple[int, str]:
        """Return the number of the bar that a frame is in, and which quarter note of the bar it is: (3, "2.5").

        Args:
            frame: its number. The first quarter note of a bar is 1; a pickup is bar 0.
        """
        time = Fraction(frame, self.roll.frames_per_quarter)
        bar = self.bars[bisect_right(self.bars, time, key=lambda bar: bar.start) - 1]
        return bar.number, f"{float(1 + time - bar.start):.4g}"

    def expected(self, frame: int) -> list[tuple[int, float]]:
        """Return which other keys were expected in a frame.

        Args:
            frame: its number.

        Returns:
            At most three silent keys with their chances, the likeliest first; none with a chance below 5 %.
        """
        chances = np.where(self.roll.frames[frame], 0.0, self.chances[frame])
        likeliest = np.argsort(-chances, kind="stable")[:ALTERNATIVES]
        return [(int(key), float(chances[key])) for key in likeliest if chances[key] >= WORTH_NAMING]


@torch.no_grad()
def read(
    model: SequenceModel,
    roll: PianoRoll,
    transposition: int = 0,
    *,
    metres: Sequence[Metre] = (),
    pickup: Fraction = NO_PICKUP,
) -> Reading:
    """Let a model read a song.

    Args:
        model: what reads; it is left in eval mode.
        roll: the song, with the model's frames.
        transposition: how far up the model reads the song, in semitones. The reading is in the song's own key.
        metres: the time signatures, in the order of time; 4/4 as long as none is given.
        pickup: the length of the incomplete first bar, in quarter notes.

    Raises:
        ValueError: a note would leave the keyboard.
    """
    nats, chances = [], []
    generator = torch.Generator(next(model.parameters()).device).manual_seed(0)
    draws = DRAWS if isinstance(model.output, Autoregressive) else 1
    for span in teacher_forced(model, [roll.transposed(transposition)]):
        nats.append(-model.output.key_log_prob(span.frames, span.context)[:, 0])
        drawn = model.output.draw(span.context.expand(draws, *span.context.shape), generator=generator)
        chances.append(drawn.chances.mean(dim=0)[:, 0])
    own_nats, own_chances = (
        np.roll(torch.cat(spans).cpu().double().numpy(), -transposition, axis=1) if spans else np.zeros((0, KEYS))
        for spans in (nats, chances)
    )
    bars = count_bars(metres, pickup, Fraction(len(roll), roll.frames_per_quarter))
    return Reading(roll, own_nats, own_chances, tuple(bars))


def notes_between(song: PianoRoll, frames_per_quarter: int) -> int:
    """Return how many notes of a song sound in none of the frames that a model reads.

    Args:
        song: the song, with at least as many frames.
        frames_per_quarter: how many the model reads; it divides the song's.
    """
    step = song.frames_per_quarter // frames_per_quarter
    return sum(-(-start // step) * step >= end for _, start, end in runs(song.frames)) if step else 0
