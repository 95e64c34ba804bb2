"""In which steps and colours surprise is shown, and how chances are written."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

# Nats at which a step ends; a chance of 1 in 1.6, 2.7, 7.4, 20, 55, 400, 3000.
BOUNDS = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
# The expected is calm, the surprising warm, and stands out more with each step from white or from black.
ON_WHITE = ("#bccbdd", "#9fb6d1", "#e9c46a", "#f0a23c", "#e8702a", "#d1391f", "#a3142a", "#5f0a2e")
ON_BLACK = ("#46566c", "#5d7593", "#a88328", "#cf9427", "#ee8638", "#ff6d55", "#ff6f8f", "#ffd0dc")


def steps(nats: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Return the step of each value, from 0 to 7."""
    return np.searchsorted(BOUNDS, nats, side="right")


def legend() -> list[str]:
    """Return what to call each step: from how many nats on, the last one without an end."""
    edges = [0.0, *BOUNDS]
    return [f"{low:g} to {high:g}" for low, high in pairwise(edges)] + [f"{edges[-1]:g} and more"]


def odds(nats: float) -> str:
    """Return a surprise as a chance: "1 in 20"."""
    if nats > 13.8:
        return "1 in more than a million"
    one_in = math.exp(nats)
    return f"1 in {one_in:.1f}" if one_in < 10 else f"1 in {float(f'{one_in:.2g}'):,.0f}"
