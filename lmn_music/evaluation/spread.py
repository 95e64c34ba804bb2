"""How far songs lie from a split of a corpus, and how far the songs of the split lie from each other."""

from __future__ import annotations

import numpy as np

from lmn_music.memory.sequences import FloatArray
from lmn_music.music.measures import value

DRAWS = 200
INSIDE = 95  # percent of the draws


def distance(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return how far two values of a measure lie apart.

    Args:
        one: (..., bins), as `lmn_music.music.measures.value` returns it.
        other: the same.

    Returns:
        (...): the absolute difference of two numbers; of two histograms the total variation distance, half the sum of
        the absolute differences, from 0 to 1.
    """
    difference = np.abs(one - other).sum(axis=-1)
    return np.asarray(difference if one.shape[-1] == 1 else difference / 2)


def spread(counted: FloatArray, size: int, *, draws: int = DRAWS, seed: int = 0) -> float:
    """Return the distance that 95 of 100 random groups of songs keep from the other songs of their split.

    Args:
        counted: (songs, bins + 1), what the measure counts in each song of the split.
        size: how many songs are in a group; half of the split if it is more than that.
        draws: how many groups are drawn.
        seed: the seed of the drawing.

    Returns:
        The 95th percentile of the distances; NaN if the split has fewer than two songs or nothing was counted.
    """
    songs = len(counted)
    size = min(size, songs // 2)
    if not size:
        return float("nan")
    order = np.random.default_rng(seed).permuted(np.tile(np.arange(songs), (draws, 1)), axis=1)
    distances = distance(value(counted[order[:, :size]]), value(counted[order[:, size:]]))
    distances = distances[~np.isnan(distances)]
    return float(np.percentile(distances, INSIDE)) if len(distances) else float("nan")
