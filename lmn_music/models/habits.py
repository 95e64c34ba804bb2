"""How wide songs are, how long they stand still or go in circles, how bold they are: what own songs keep to."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

HABITS = 32  # numbers of each kind that a model keeps


class Habits(NamedTuple):
    """The habits of songs: evenly spaced quantiles over songs, and one temperature.

    Attributes:
        widths: (HABITS,), from the lowest to the highest key of a song, in semitones.
        stills: (HABITS,), the longest stretch of a song that stands still, in frames; see
            `lmn_music.music.measures.longest_still`.
        loops: (HABITS,), the same for the longest stretch that repeats one figure.
        temperature: (), that at which songs surprise the model as much as those of the corpus; see
            `lmn_music.generation.temperature`.
    """

    widths: Tensor
    stills: Tensor
    loops: Tensor
    temperature: Tensor

    @staticmethod
    def unknown() -> Habits:
        """Return what stands for habits that are not known yet: stretches of no frames, which no song has."""
        return Habits(torch.zeros(HABITS), torch.zeros(HABITS), torch.zeros(HABITS), torch.ones(()))

    def draw(self, songs: int, generator: torch.Generator) -> Habits:
        """Draw widths and stretches of some songs, (songs,) each; a stretch that stands still has 2 frames at least.

        Args:
            songs: how many.
            generator: where the random numbers come from, on the device of the habits.
        """
        number = torch.randint(HABITS, (3, songs), generator=generator, device=self.widths.device)
        widths, stills, loops = (kind[which].round() for kind, which in zip(self, number, strict=False))
        return self._replace(widths=widths, stills=stills.clamp(min=2), loops=loops)


def quantiles(numbers: Tensor) -> Tensor:
    """Return (HABITS,) evenly spaced quantiles of some numbers, (songs,), those in the middle of equal shares."""
    return numbers.float().quantile((torch.arange(HABITS, device=numbers.device) + 0.5) / HABITS)
