"""Songs of which something is given, from a model: the particle filter at work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lmn_music.errors import GenerationError
from lmn_music.generation.constraints import Limits
from lmn_music.generation.particles import ImpossibleError, particle_filter
from lmn_music.generation.prime import read_prime
from lmn_music.generation.watching import FrameWatch
from lmn_music.models.interface import SequenceModel

PARTICLES = 64


@dataclass(frozen=True)
class Filled:
    """A song of which some keys were given and the others drawn.

    Attributes:
        frames: bool (time, 88).
        log_evidence: in nats, the log of an estimate of p(what was given), see `Particles`.
        effective: the share of particles that counted, on average over the frames.
    """

    frames: npt.NDArray[np.bool_]
    log_evidence: float
    effective: float


def fill(
    model: SequenceModel,
    given: Tensor,
    generator: torch.Generator,
    *,
    particles: int = PARTICLES,
    temperature: float = 1.0,
    limits: Limits | None = None,
    prime: Tensor | None = None,
    sweeps: int = 0,
    watch: FrameWatch | None = None,
) -> Filled:
    """Draw the keys that are not given, so that the whole is as likely as the model and the limits can make it.

    Args:
        model: what the free keys are drawn from; it is left in eval mode.
        given: (time, 88), 1 for a key that must sound, 0 for a key that must be silent, FREE for a key to draw.
        generator: where the random numbers come from, on the model's device.
        particles: how many songs are drawn side by side; more are slower and fit better to what is given.
        temperature: see `draw_frames`.
        limits: what else holds in every frame.
        prime: (time, 88), what the model reads before the first frame.
        sweeps: how often the particles are drawn again around the song that was found, which helps where something is
            given after a gap; see `particle_filter`.
        watch: see `particle_filter`.

    Raises:
        GenerationError: what is given, with the limits, has no chance under the model.
    """
    model.eval()
    limits = limits or Limits()
    with torch.no_grad():
        state = read_prime(model, prime, particles, free=False)
        wanted = limits.apply(given).to(state.previous.device)
        sweep = partial(
            particle_filter,
            model,
            state,
            wanted,
            generator,
            potential=limits.potential(given),
            temperature=temperature,
            watch=watch,
        )
        try:
            found = sweep()
            evidence, song = found.log_evidence, found.draw(generator)
            for _ in range(sweeps):
                found = sweep(reference=song)
                song = found.draw(generator)
        except ImpossibleError as error:
            raise GenerationError(
                f"nothing fits what is given in frame {error.frame + 1}: give less, or choose wider limits"
            ) from None
    return Filled(song.bool().cpu().numpy(), evidence, float(found.effective.mean()))
