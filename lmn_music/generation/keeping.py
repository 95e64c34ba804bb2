"""Keeps songs that are drawn within the habits of real ones."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor
from torch.nn.functional import pad

from lmn_music.models.habits import Habits
from lmn_music.models.outputs.output import FREE
from lmn_music.music.measures import OCTAVE

PERIODS = range(1, 9)  # from a held chord to a figure of eight frames
STILL = 2  # up to this period a song stands still: a held chord or silence, or a trill of two frames
TAIL = 64  # frames of a beginning that tell whether it stands still, and how full it is
GAIN, LARGEST = 0.02, 2.0  # how fast each key becomes likelier while there are too few, in nats; at most
RECENT = 1024  # frames that may come again
HEARD, WHOLE = 2, 8  # frames that come again: no more than so many are no echo yet, so many are a whole one


class Keeping:
    """What some songs keep to that are drawn side by side, each to habits of songs of the corpus.

    A model knows how music goes on, and hardly what a song is like as a whole: how wide and how full it is, how soon it
    has to move on from what it copies of itself, and that it comes back to what it said long before. So the width of
    each song is drawn first, how full it is, and for how long at most it stands still, is silent or repeats one figure.
    What lies further from a key of the song than its width is silent, and a frame by which it would become wider, or
    stand still, be silent or repeat one figure for longer, does not fit. Any figure of three frames or more may be said
    twice; a held chord counts as a figure too. While a song is too thin, frames with more keys become likelier, and the
    other way round; and so do frames with which more than HEARD frames of the song come again.

    Args:
        habits: those of the corpus.
        songs: how many songs are drawn.
        prime: (time, 88), the beginning of every song, within whose width they may stay anyway, and as full as which
            they are: the more of its last TAIL frames sound, the more these count; None for none.
        generator: where random numbers come from.
        range_given: (88,), FREE for a key that may sound. Where it leaves less than an octave of the width of the
            beginning, a song has its width without the beginning. None: all keys may.
    """

    def __init__(
        self,
        habits: Habits,
        songs: int,
        prime: Tensor | None,
        generator: torch.Generator,
        range_given: Tensor | None = None,
    ) -> None:
        self.habits = habits.draw(songs, generator)
        self.echoes, self.echoing = Echoes(), bool(habits.echo)
        self.frames: deque[Tensor] = deque(maxlen=max(PERIODS))
        none = torch.zeros_like(self.habits.widths)
        self.runs = [none for _ in PERIODS]  # so many frames equal the one a period before
        self.silence = none  # frames at the end in which nothing sounds
        self.leaning = none  # by so many nats each key of the next frame is made likelier
        self.lowest, self.highest = none + torch.inf, none - torch.inf
        if prime is not None and len(prime):
            beginning = prime.to(none)
            self._reach(beginning.any(dim=0).to(none).expand(songs, -1))
            end = beginning[-TAIL:]
            full = end.sum(dim=1)[end.any(dim=1)]  # the fewer frames of it sound, the less it says
            densities = (full.sum() + (TAIL - len(full)) * self.habits.densities) / TAIL
            self.habits = self.habits._replace(densities=densities)
            for frame in beginning[-RECENT:-TAIL] if self.echoing else ():
                self.echoes.saw(frame.expand(songs, -1))
            for frame in end:
                self.saw(frame.expand(songs, -1))
            self.leaning = none
            if range_given is not None:
                left = (self.given(len(range_given)) == FREE) & (range_given == FREE)
                few = left.sum(dim=1) < OCTAVE
                self.lowest = self.lowest.masked_fill(few, torch.inf)
                self.highest = self.highest.masked_fill(few, -torch.inf)

    def given(self, keys: int) -> Tensor:
        """Return (songs, keys): 0 for a key that is too far from another key of its song, else FREE."""
        key = torch.arange(keys, device=self.lowest.device)
        low, high = (self.highest - self.habits.widths).unsqueeze(1), (self.lowest + self.habits.widths).unsqueeze(1)
        return torch.where((key < low) | (key > high), 0.0, FREE)

    def bonus(self, frames: Tensor) -> Tensor:
        """Return by how many nats each frame is made likelier; -inf where it does not fit.

        Args:
            frames: (..., songs, keys), any number of next frames for each song.

        Returns:
            (..., songs).
        """
        liked = self.leaning * frames.sum(dim=-1)
        if self.echoing:
            heard = ((self.echoes.lengths(frames) - HEARD) / (WHOLE - HEARD)).clamp(0, 1)
            liked = liked + self.habits.echo * heard
        return liked.masked_fill(self.refuses(frames), -torch.inf)

    def refuses(self, frames: Tensor) -> Tensor:
        """Return which frames do not fit, bool (..., songs); see `bonus`."""
        lowest, highest = self._reached(frames)
        found = (highest - lowest > self.habits.widths) | self._silence(frames).gt(self.habits.silences)
        for period, run in zip(PERIODS, self.runs, strict=True):
            if len(self.frames) >= period:
                most = self.habits.stills if period <= STILL else self.habits.loops.clamp(min=2 * period)
                found = found | ((frames == self.frames[-period]).all(dim=-1) & (run + 1 + period > most))
        return found

    def saw(self, frame: Tensor) -> None:
        """Take note of the next frame of each song, (songs, keys)."""
        for number, period in enumerate(PERIODS):
            if len(self.frames) >= period:
                same = (frame == self.frames[-period]).all(dim=1)
                self.runs[number] = (self.runs[number] + 1) * same
        self.frames.append(frame)
        if self.echoing:
            self.echoes.saw(frame)
        self.silence = self._silence(frame)
        self.leaning = (self.leaning + GAIN * (self.habits.densities - frame.sum(dim=1))).clamp(-LARGEST, LARGEST)
        self._reach(frame)

    def _silence(self, frames: Tensor) -> Tensor:
        """Return how many frames of silence there are at the end with one more frame, (..., songs)."""
        return (self.silence + 1) * ~frames.any(dim=-1)

    def _reach(self, frame: Tensor) -> None:
        self.lowest, self.highest = self._reached(frame)
        widths = self.habits.widths.maximum(self.highest - self.lowest)  # a song that is wider may stay as wide
        self.habits = self.habits._replace(widths=widths)

    def _reached(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return the lowest and the highest key of each song with one more frame; infinite while there is none."""
        key = torch.arange(frames.shape[-1], device=frames.device)
        low, high = (torch.where(frames > 0, key, none) for none in (torch.inf, -torch.inf))
        return self.lowest.minimum(low.amin(dim=-1)), self.highest.maximum(high.amax(dim=-1))


class Echoes:
    """How many frames of songs come again; of each song the last RECENT frames are compared."""

    def __init__(self) -> None:
        self.past: Tensor | None = None  # (songs, time, keys)
        self.common: Tensor | None = None  # (songs, time), so many frames up to this one equal those up to the end

    def lengths(self, frames: Tensor) -> Tensor:
        """Return the length of the longest end of a song, a next frame included, that stands WHOLE frames back or more.

        Args:
            frames: (..., songs, keys), any number of next frames for each song.

        Returns:
            (..., songs).
        """
        if self.past is None or self.past.shape[1] < WHOLE:
            return frames.new_zeros(frames.shape[:-1])
        return self._lengths(frames, self.past.shape[1] - WHOLE + 1).amax(dim=-1)

    def saw(self, frame: Tensor) -> None:
        """Take note of the next frame of each song, (songs, keys)."""
        if self.past is None:
            self.past, self.common = frame.unsqueeze(1), frame.new_zeros(len(frame), 1)
            return
        self.common = pad(self._lengths(frame, self.past.shape[1]), (0, 1))[:, -RECENT:]
        self.past = torch.cat([self.past, frame.unsqueeze(1)], dim=1)[:, -RECENT:]

    def _lengths(self, frames: Tensor, places: int) -> Tensor:
        """Return the same for each of the first places, (..., songs, places)."""
        assert self.past is not None
        assert self.common is not None
        past = self.past[:, :places]
        keys = frames.reshape(-1, *frames.shape[-2:]).permute(1, 2, 0)  # (songs, keys, next frames)
        apart = past.sum(dim=2, keepdim=True) + keys.sum(dim=1, keepdim=True) - 2 * past @ keys
        same = (apart == 0).permute(2, 0, 1).reshape(*frames.shape[:-1], places)
        return (pad(self.common, (1, 0))[:, :places] + 1) * same
