"""The places of a song whose past equals the song's present end, frame by frame: exact, and of the past alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lmn_music.models.interface import CHUNK
from lmn_music.models.tied.lines import line, lowest_key, moved
from lmn_music.models.tied.recall import REACH

PLACES = 16  # of each kind, those with the longest common past; the latest ones among equals
KINDS = 4  # frames as they are, frames moved by some semitones, top lines, bottom lines
LONGEST = 64  # frames; a longer common past counts as this one
_NOWHERE = 999  # the interval between two silent frames


@dataclass(frozen=True)
class Matches:
    """How long the common past of each place of a song and its present end is, for each song of a batch.

    Attributes:
        run: (batch, KINDS, past), whole numbers of frames; the place of a frame is the point in time before it.
        interval: (batch, past), by how many semitones the past of the second kind is moved.
    """

    run: Tensor
    interval: Tensor

    @staticmethod
    def empty(batch: int, device: torch.device) -> Matches:
        """Return the matches of songs that have not begun."""
        none = torch.zeros(batch, 0, dtype=torch.int32, device=device)
        return Matches(none.unsqueeze(1).expand(-1, KINDS, -1), none)

    def select(self, songs: Tensor | slice) -> Matches:
        """Return some songs of the batch, see `State.select`."""
        return Matches(self.run[songs], self.interval[songs])

    def recent(self, frames: int) -> Matches:
        """Return the last places alone, see `State.recent`."""
        return Matches(self.run[..., -frames:], self.interval[:, -frames:])


@torch.no_grad()
def follow(whole: Tensor, time: int, before: Matches) -> tuple[Tensor, Matches]:
    """Read more frames of songs, and return what followed the places that match their end, after each of them.

    Args:
        whole: (batch, past + time, keys) of zeros and ones, the songs up to now.
        time: how many of the frames are new.
        before: the matches before these frames.

    Returns:
        (time, batch, keys, KINDS * PLACES), see `signed`, and the matches after the last frame.
    """
    views = _views(whole)
    runs, intervals = _followed(views, time, before)
    elsewhere = (intervals != 0) & (intervals != _NOWHERE)
    return _signed(runs, intervals, elsewhere, views), Matches(runs[-1], intervals[-1])


@torch.no_grad()
def matches_after(whole: Tensor, time: int, before: Matches) -> Matches:
    """Return the matches within reach after more frames of songs, as good as those of `follow`, in less time.

    A common past counts as LONGEST frames at most, so the last frames tell all, from one on that sounds: the interval
    of a silent stretch is that of what sounded before it.
    """
    begin, end = whole.shape[1] - time, whole.shape[1]
    sounding = whole[:, begin : max(end - LONGEST, begin)].any(dim=2).all(dim=0).nonzero()
    if len(sounding):
        begin += int(sounding[-1])
        before = Matches(*(number.new_zeros(*number.shape[:-1], begin) for number in (before.run, before.interval)))
    for first in range(begin, end, CHUNK):
        last = min(first + CHUNK, end)
        seen = whole[:, max(first - REACH, 0) : last]
        runs, intervals = _followed(_views(seen), last - first, before.recent(REACH))
        before = Matches(runs[-1], intervals[-1])
    return before.recent(REACH)


def _views(whole: Tensor) -> list[Tensor]:
    """Return what is compared, for each kind of match."""
    return [whole, moved(whole, -lowest_key(whole))[0], line(whole, top=True), line(whole, top=False)]


def _followed(views: Sequence[Tensor], time: int, before: Matches) -> tuple[Tensor, Tensor]:
    """Return `run` and `interval` of the matches after each new frame, (time, batch, ...)."""
    whole = views[0]
    batch, total, _ = whole.shape
    past = total - time
    sounding = whole.sum(dim=2)
    equal = torch.stack([_equal(view, past) for view in views], dim=1)  # (batch, KINDS, time, past + time)
    lowest, silent = lowest_key(whole).int(), sounding == 0
    runs = torch.zeros(time, batch, KINDS, total, dtype=torch.int32, device=whole.device)
    intervals = torch.zeros(time, batch, total, dtype=torch.int32, device=whole.device)
    run, interval = nn.functional.pad(before.run, (0, time)), nn.functional.pad(before.interval, (0, time))
    for t in range(time):
        new = past + t  # the frame before place s is s - 1; it is compared with the newest one
        seen, place = slice(max(new - REACH, 0), new), slice(max(new - REACH, 0) + 1, new + 1)
        known, so_far = run[..., seen], interval[:, seen]
        now = lowest[:, new : new + 1] - lowest[:, seen]
        quiet = silent[:, new : new + 1]
        same = quiet | (so_far == now) | (so_far == _NOWHERE)
        known = known.clone()
        known[:, 1] *= same
        runs[t, ..., place] = equal[:, :, t, seen] * (known + 1)
        kept = torch.where(known[:, 1] > 0, so_far, torch.full_like(so_far, _NOWHERE))
        intervals[t, :, place] = torch.where(quiet, kept, now)
        run, interval = runs[t], intervals[t]
    return runs, intervals


def _equal(view: Tensor, past: int) -> Tensor:
    """Return which new frames equal which frames, (batch, time, past + time)."""
    sounding = view.sum(dim=2)
    common = torch.bmm(view[:, past:], view.transpose(1, 2))
    return (common == sounding[:, past:, None]) & (common == sounding[:, None])


def _signed(runs: Tensor, intervals: Tensor, elsewhere: Tensor, views: Sequence[Tensor]) -> Tensor:
    found = []
    number = torch.arange(runs.shape[-1], dtype=torch.int32, device=runs.device)
    songs = torch.arange(runs.shape[1], device=runs.device).view(1, -1, 1)
    for kind, view in enumerate((views[0], views[0], *views[2:])):
        run = runs[:, :, kind].clamp(max=LONGEST)
        if kind == 1:
            run = run * elsewhere
        place = (run * 2**24 + number).topk(min(PLACES, len(number)), dim=-1).indices
        run, frames = run.gather(-1, place), view[songs, place]
        if kind == 1:
            frames, lost = moved(frames, intervals.gather(-1, place).long())
            run = run * ~lost
        found.append(signed(frames, run))
    return torch.cat(found, dim=-1)


def signed(frames: Tensor, run: Tensor) -> Tensor:
    """Return what followed some places, as one number for each key and place.

    Args:
        frames: (..., places, keys) of zeros and ones, what followed each place.
        run: (..., places), how long its common past is; 0 for no place.

    Returns:
        (..., keys, PLACES): the length of the common past, negative where the key is silent; 0 where there is no place.
    """
    numbers = ((2 * frames - 1) * run.unsqueeze(-1)).transpose(-2, -1)
    return nn.functional.pad(numbers, (0, PLACES - run.shape[-1]))
