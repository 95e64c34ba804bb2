"""What followed the places of a song that resemble its present end: exact, and of the past alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Past:
    """The song so far, for each song of a batch.

    Attributes:
        frames: (batch, past, keys), all frames so far, oldest first.
        likeness: (batch, horizons, past), how much the song before each of these frames resembles the song before the
            next frame; see `Recall`.
    """

    frames: Tensor
    likeness: Tensor

    @staticmethod
    def empty(batch: int, keys: int, like: Tensor) -> Past:
        """Return the past of songs that have not begun, on the device and in the precision of `like`."""
        return Past(like.new_zeros(batch, 0, keys), like.new_zeros(batch, len(Recall.FADING), 0))

    def select(self, songs: Tensor | slice) -> Past:
        """Return some songs of the batch, see `State.select`."""
        return Past(self.frames[songs], self.likeness[songs])

    def recent(self, frames: int) -> Past:
        """Return the last frames alone, see `State.recent`."""
        return Past(self.frames[:, -frames:], self.likeness[..., -frames:])


class Recall(nn.Module):
    """An expectation of the next frame from the places of the song that resemble its present end.

    The likeness of two times t and s < t is a fading sum over the frames before them,

        L_t(s) = d L_{t-1}(s - 1) + (1 - d) cos(x_{t-1}, x_{s-1}),

    between 0 and 1, silence being like silence. The expectation is the mean of all x_s, s < t, with weights

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
            so far.
        """
        time, batch, _ = frames.shape
        before = past.frames.shape[1]
        whole = torch.cat([past.frames, frames.transpose(0, 1)], dim=1)
        with torch.no_grad():
            unit = whole / whole.norm(dim=2, keepdim=True).clamp(min=1)
            unit = torch.cat([unit, (whole.sum(dim=2, keepdim=True) == 0).to(unit)], dim=2)
            alike = torch.bmm(unit[:, before:], unit.transpose(1, 2))  # (batch, time, before + time)
            likeness = whole.new_zeros(time, batch, self.horizons, before + time)
            last = nn.functional.pad(past.likeness, (0, time))
            d = self.fading.unsqueeze(1)
            for t in range(time):
                # The frame at s is preceded by the one at s - 1, which is compared with the newest.
                seen = before + t
                now = likeness[t]
                now[..., 1 : seen + 1] = d * last[..., :seen] + (1 - d) * alike[:, t, :seen].unsqueeze(1)
                last = now
        # After frame t, the places whose own frame and the one before it are known: s = 1 ... t.
        now_ = torch.arange(before, before + time, device=frames.device)
        place = torch.arange(before + time, device=frames.device)
        unknown = (place > now_.unsqueeze(1)) | (place == 0)
        bias = torch.zeros_like(unknown, dtype=whole.dtype).unsqueeze(1)
        for table in self.metre:  # (horizons, m)
            bias = bias + table[:, (now_.unsqueeze(1) + 1 - place) % table.shape[1]].transpose(0, 1)
        bias = bias.masked_fill(unknown.unsqueeze(1), -1e9).unsqueeze(1)
        logits = likeness * self.sharpness.unsqueeze(1) + bias
        weight = torch.softmax(logits, dim=-1)  # (time, batch, horizons, before + time)
        expected = torch.einsum("tbhs,bsk->tbkh", weight, whole)
        expected = expected.masked_fill((now_ == 0).view(-1, 1, 1, 1), 0.0)
        return expected, likeness.amax(dim=-1), Past(whole, likeness[-1])
