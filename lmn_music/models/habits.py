"""How wide songs are and how long they stand still: what a model's own songs keep to."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

HABITS = 32  # numbers of each kind that a model keeps


class Habits(NamedTuple):
    """The habits of songs, as evenly spaced quantiles over songs.

    Attributes:
        widths: (HABITS,), from the lowest to the highest key of a song, in semitones.
        stills: (HABITS,), the longest stretch of a song that stands still, in frames; see
            `lmn_music.music.measures.longest_still`.
    """

    widths: Tensor
    stills: Tensor

    def draw(self, songs: int, generator: torch.Generator) -> Habits:
        """Draw the habits of some songs, (songs,) each; a stretch that stands still has 2 frames at least.

        Args:
            songs: how many.
            generator: where the random numbers come from, on the device of the habits.
        """
        number = torch.randint(HABITS, (2, songs), generator=generator, device=self.widths.device)
        widths, stills = (kind[which] for kind, which in zip(self, number, strict=True))
        return Habits(widths.round(), stills.round().clamp(min=2))


def quantiles(numbers: Tensor) -> Tensor:
    """Return (HABITS,) evenly spaced quantiles of some numbers, (songs,), those in the middle of equal shares."""
    return numbers.float().quantile((torch.arange(HABITS, device=numbers.device) + 0.5) / HABITS)
