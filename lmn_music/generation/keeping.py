"""Keeps songs that are drawn within the habits of real ones."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

from lmn_music.models.habits import Habits
from lmn_music.models.outputs.output import FREE

PERIODS = range(1, 9)  # from a held chord to a figure of eight frames
STILL = 2  # up to this period a song stands still: a held chord or silence, or a trill of two frames
TAIL = 64  # frames of a beginning that tell whether it stands still


class Keeping:
    """What some songs keep to that are drawn side by side, each to habits of songs of the corpus.

    A model knows how music goes on, and hardly what a song is like as a whole: how wide it is, and how soon it has to
    move on from what it copies of itself. So the width of each song is drawn first, and for how long at most it stands
    still or repeats one figure. What lies further from a key of the song than its width is silent, and a frame by which
    it would become wider, or stand still or go in circles for longer, is drawn again. Any figure may be said twice; a
    held chord counts as a figure too.

    Args:
        habits: those of the corpus.
        songs: how many songs are drawn.
        prime: (time, 88), the beginning of every song, within whose width they may stay anyway; None for none.
        generator: where random numbers come from.
    """

    def __init__(self, habits: Habits, songs: int, prime: Tensor | None, generator: torch.Generator) -> None:
        self.habits = habits.draw(songs, generator)
        self.frames: deque[Tensor] = deque(maxlen=max(PERIODS))
        none = torch.zeros_like(self.habits.widths)
        self.runs = [none for _ in PERIODS]  # so many frames equal the one a period before
        self.lowest, self.highest = none + torch.inf, none - torch.inf
        if prime is not None and len(prime):
            beginning = prime.to(none)
            self._reach(beginning.any(dim=0).to(none).expand(songs, -1))
            for frame in beginning[-TAIL:]:
                self.saw(frame.expand(songs, -1))

    def given(self, keys: int) -> Tensor:
        """Return (songs, keys): 0 for a key that is too far from another key of its song, else FREE."""
        key = torch.arange(keys, device=self.lowest.device)
        low, high = (self.highest - self.habits.widths).unsqueeze(1), (self.lowest + self.habits.widths).unsqueeze(1)
        return torch.where((key < low) | (key > high), 0.0, FREE)

    def refuses(self, frame: Tensor) -> Tensor:
        """Return to which songs their next frame, (songs, keys), does not fit, bool (songs,)."""
        lowest, highest = self._reached(frame)
        found = highest - lowest > self.habits.widths
        for period, run in zip(PERIODS, self.runs, strict=True):
            if len(self.frames) >= period:
                most = self.habits.stills if period <= STILL else self.habits.loops.clamp(min=2 * period)
                found |= (frame == self.frames[-period]).all(dim=1) & (run + 1 + period > most)
        return found

    def saw(self, frame: Tensor) -> None:
        """Take note of the next frame of each song, (songs, keys)."""
        for number, period in enumerate(PERIODS):
            if len(self.frames) >= period:
                same = (frame == self.frames[-period]).all(dim=1)
                self.runs[number] = (self.runs[number] + 1) * same
        self.frames.append(frame)
        self._reach(frame)

    def _reach(self, frame: Tensor) -> None:
        self.lowest, self.highest = self._reached(frame)
        widths = self.habits.widths.maximum(self.highest - self.lowest)  # a song that is wider may stay as wide
        self.habits = self.habits._replace(widths=widths)

    def _reached(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Return the lowest and the highest key of each song with one more frame; infinite while there is none."""
        key = torch.arange(frame.shape[1], device=frame.device)
        low, high = (torch.where(frame > 0, key, none) for none in (torch.inf, -torch.inf))
        return self.lowest.minimum(low.amin(dim=1)), self.highest.maximum(high.amax(dim=1))
