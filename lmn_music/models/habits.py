"""How wide and full songs are, for how long they stand still, how bold they are: what own songs keep to."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

HABITS = 32  # numbers of each kind that a model keeps


class Habits(NamedTuple):
    """The habits of songs: evenly spaced quantiles over songs, and two numbers for all.

    Attributes:
        widths: (HABITS,), from the lowest to the highest key of a song, in semitones.
        stills: (HABITS,), the longest stretch of a song that stands still, in frames; see
            `lmn_music.music.measures.longest_still`.
        loops: (HABITS,), the same for the longest stretch that repeats one figure.
        densities: (HABITS,), keys per frame of a song.
        silences: (HABITS,), the longest silence of a song, in frames.
        echo: (), by how many nats a frame is made likelier with which eight frames of the song come again.
        temperature: (), that at which songs surprise the model as much as those of the corpus; see
            `lmn_music.generation.temperature`.
    """

    widths: Tensor
    stills: Tensor
    loops: Tensor
    densities: Tensor
    silences: Tensor
    echo: Tensor
    temperature: Tensor

    @staticmethod
    def unknown() -> Habits:
        """Return what stands for habits that are not known yet: a temperature of 0, and nothing else."""
        return Habits(*[torch.zeros(HABITS) for _ in range(5)] + [torch.zeros(()), torch.zeros(())])

    def draw(self, songs: int, generator: torch.Generator) -> Habits:
        """Draw the width, the density and the stretches of some songs, (songs,) each.

        A song that stands still for long may go in circles for long. What is counted in whole numbers is rounded up or
        down by chance, so that its mean stays.

        Args:
            songs: how many.
            generator: where the random numbers come from, on the device of the habits.
        """
        device = self.widths.device
        wide, full, long = torch.randint(HABITS, (3, songs), generator=generator, device=device)
        whole = (self.widths[wide], self.stills[long], self.loops[long], self.silences[long])
        chance = torch.rand(songs, generator=generator, device=device)
        widths, stills, loops, silences = ((kind + chance).floor() for kind in whole)
        densities, stills = self.densities[full], stills.clamp(min=2)
        return Habits(widths, stills, loops, densities, silences, self.echo, self.temperature)


def quantiles(numbers: Tensor) -> Tensor:
    """Return (HABITS,) evenly spaced quantiles of some numbers, (songs,), those in the middle of equal shares."""
    return numbers.float().quantile((torch.arange(HABITS, device=numbers.device) + 0.5) / HABITS)
