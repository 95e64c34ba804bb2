"""Sequences drawn at random, of which theory says what a memory can keep."""

from __future__ import annotations

import numpy as np

from lmn_music.memory.linear import LinearMemory
from lmn_music.memory.sequences import FloatArray
from lmn_music.memory.static import random_rotation


def white_noise(count: int, length: int, inputs: int, generator: np.random.Generator) -> list[FloatArray]:
    """Return `count` sequences (length, inputs) of independent standard normal numbers from the generator."""
    return list(generator.standard_normal((count, length, inputs)))


def structured(
    count: int,
    length: int,
    inputs: int,
    generator: np.random.Generator,
    *,
    rank: int,
    radius: float = 0.95,
    noise: float = 0.1,
) -> list[FloatArray]:
    """Return `count` sequences (length, inputs) of one low-rank vector autoregression with noise:

        z_t = radius Q z_{t-1} + (1 - radius^2)^1/2 w_t      rank numbers, z_1 ~ N(0, I): stationary
        x_t = (1 - noise^2)^1/2 M z_t + noise e_t            inputs numbers

    Q is a random rotation, the entries of M are normal with variance 1 / rank, the entries of w_t and e_t standard
    normal, so that an input has mean 0 and, averaged over M, variance 1. One call draws one Q and one M: training and
    test sequences come from the same call.

    Args:
        count: how many sequences.
        length: their frames.
        inputs: their width.
        generator: where random numbers come from.
        rank: how many numbers z_t has, at least 1.
        radius: how much of z_t is left after a frame, from 0 to 1.
        noise: the share of noise in an input, from 0 to 1.

    Raises:
        ValueError: for a rank, a radius or a noise out of range.
    """
    if rank < 1 or not 0 <= radius <= 1 or not 0 <= noise <= 1:
        raise ValueError(f"rank {rank}, radius {radius}, noise {noise}: give a rank from 1 and the others from 0 to 1")
    latent = LinearMemory(np.eye(rank), radius * random_rotation(rank, generator))
    mixing = generator.standard_normal((rank, inputs)) * np.sqrt((1 - noise**2) / rank)
    sequences = []
    for _ in range(count):
        drive = generator.standard_normal((length, rank))
        drive[1:] *= np.sqrt(1 - radius**2)
        sequences.append(latent.transform(drive) @ mixing + noise * generator.standard_normal((length, inputs)))
    return sequences
