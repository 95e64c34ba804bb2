"""What followed the places of a song that resemble its present end: exact, and of the past alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

REACH = 5000  # frames, more than any song of the four corpora has: of these, all is read
_UNKNOWN = -1e9  # log-weight of a place that is not there


@dataclass(frozen=True)
class Past:
    """The song so far, for each song of a batch.

    Attributes:
        frames: (batch, past, keys), the last REACH frames, oldest first.
        likeness: (batch, horizons, past), how much the song before each of these frames resembles the song before the
            next frame; see `Recall`.
        sums: (batch, keys), in how many of all frames each key sounded.
        count: how many frames there were.
    """

    frames: Tensor
    likeness: Tensor
    sums: Tensor
    count: int

    @staticmethod
    def empty(batch: int, keys: int, like: Tensor) -> Past:
        """Return the past of songs that have not begun, on the device and in the precision of `like`."""
        likeness = like.new_zeros(batch, len(Recall.FADING), 0)
        return Past(like.new_zeros(batch, 0, keys), likeness, like.new_zeros(batch, keys), 0)

    def select(self, songs: Tensor | slice) -> Past:
        """Return some songs of the batch, see `State.select`."""
        return Past(self.frames[songs], self.likeness[songs], self.sums[songs], self.count)

    def recent(self, frames: int) -> Past:
        """Return the last frames alone, as if the song had begun with them; see `State.recent`."""
        kept = self.frames[:, -frames:]
        return Past(kept, self.likeness[..., -frames:], kept.sum(dim=1), kept.shape[1])

    def within_reach(self) -> Past:
        """Return what the next frames can depend on."""
        return replace(self, frames=self.frames[:, -REACH:], likeness=self.likeness[..., -REACH:])


class Recall(nn.Module):
    """An expectation of the next frame from the places of the song that resemble its present end.

    The likeness of two times t and s < t is a fading sum over the frames before them,

        L_t(s) = d L_{t-1}(s - 1) + (1 - d) cos(x_{t-1}, x_{s-1}),

    between 0 and 1, silence being like silence. The expectation is the mean of the x_s with
    t - REACH <= s < t, with weights

        softmax_s(b L_t(s) + sum_m c_m[(t - s) mod m]).

    Each horizon has its fading d. Its sharpness b is learned, and so is c, the weight of a place that lies some beats
    or bars back. Nothing here depends on absolute pitch, nor on where in a bar the song begins.
    """

    FADING = (0.5, 0.75, 0.9, 0.97)
    fading: Tensor

    def __init__(self, metre: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("fading", torch.tensor(self.FADING), persistent=False)
        # A place whose every frame differs weighs e^-20 of one that is the same throughout.
        self.sharpness = nn.Parameter(torch.full((len(self.FADING),), 20.0))
        self.metre = nn.ParameterList(nn.Parameter(torch.zeros(len(self.FADING), m)) for m in metre)

    @property
    def horizons(self) -> int:
        """Return the number of expectations."""
        return len(self.FADING)

    def forward(self, frames: Tensor, past: Past) -> tuple[Tensor, Tensor, Past]:
        """Read more frames, and return what to expect after each of them.

        After the first frame of a song, which resembles nothing before it, silence is expected.

        Args:
            frames: (time, batch, keys).
            past: the frames before them.

        Returns:
            The expectations (time, batch, keys, horizons), the greatest likeness (time, batch, horizons), and the song
            so far, which `Past.within_reach` shortens.
        """
        time, before = len(frames), past.frames.shape[1]
        whole = torch.cat([past.frames, frames.transpose(0, 1)], dim=1)
        likeness = self._likeness(whole, past.likeness)
        logits = likeness * self.sharpness.unsqueeze(1)
        logits += self._bias(before, time).unsqueeze(1)  # in place: there are millions
        weight = torch.softmax(logits, dim=-1)  # (time, batch, horizons, before + time)
        expected = torch.bmm(weight.transpose(0, 1).flatten(1, 2), whole)
        expected = expected.unflatten(1, (time, -1)).permute(1, 0, 3, 2)  # (time, batch, keys, horizons)
        if not before:
            expected = torch.cat([torch.zeros_like(expected[:1]), expected[1:]])
        sums = past.sums + frames.sum(dim=0)
        return expected, likeness.amax(dim=-1), Past(whole, likeness[-1], sums, past.count + time)

    @torch.no_grad()
    def _likeness(self, whole: Tensor, last: Tensor) -> Tensor:
        """Return L after each new frame, (time, batch, horizons, before + time); zero beyond the reach.

        Args:
            whole: (batch, before + time, keys), the frames before the new ones, and these.
            last: (batch, horizons, before), L before the first new one.
        """
        before = last.shape[-1]
        time = whole.shape[1] - before
        unit = whole / whole.norm(dim=2, keepdim=True).clamp(min=1)
        unit = torch.cat([unit, (whole.sum(dim=2, keepdim=True) == 0).to(unit)], dim=2)
        alike = torch.bmm(unit[:, before:], unit.transpose(1, 2)).unsqueeze(1)  # (batch, 1, time, before + time)
        likeness = whole.new_zeros(time, len(whole), self.horizons, before + time)
        last = nn.functional.pad(last, (0, time))
        d = self.fading.unsqueeze(1)
        for t in range(time):
            # The frame at s is preceded by the one at s - 1, which is compared with the newest.
            seen = slice(max(before + t - REACH, 0), before + t)
            likeness[t, ..., seen.start + 1 : seen.stop + 1] = d * last[..., seen] + (1 - d) * alike[:, :, t, seen]
            last = likeness[t]
        return likeness

    def _bias(self, before: int, time: int) -> Tensor:
        """Return what is added for the distance of each place from each new frame, (time, horizons, before + time).

        A place counts if its own frame and the one before it are known and it is in reach: after the first new frame
        these are the places 1 ... before.
        """
        total = before + time
        distances = self.sharpness.new_zeros(self.horizons, total)  # 1, 2, ...
        for table in self.metre:  # (horizons, m)
            m = table.shape[1]
            distances = distances + table.roll(-1, dims=1).repeat(1, -(-total // m))[:, :total]
        # Each row of the result is the same numbers, one place further: unknown ones on both sides of them.
        line = nn.functional.pad(distances[:, :REACH], (time - 1, max(total - REACH, 0)), value=_UNKNOWN).flip(1)
        bias = line.unfold(1, total, 1).flip(1).transpose(0, 1)
        bias[..., 0] = _UNKNOWN
        return bias
