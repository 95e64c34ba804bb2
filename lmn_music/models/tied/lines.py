"""Frames seen in three ways: as they are, moved down to the lowest key of the keyboard, and as a single line."""

from __future__ import annotations

import torch
from torch import Tensor


def moved(frames: Tensor, semitones: Tensor) -> tuple[Tensor, Tensor]:
    """Return frames moved up, each by its own number of semitones.

    Args:
        frames: (..., keys) of zeros and ones.
        semitones: (...), whole numbers; negative ones move down.

    Returns:
        (..., keys), without the keys that fall off the keyboard; and (...), whether a key has fallen off its lower end.
    """
    keys = frames.shape[-1]
    source = torch.arange(keys, device=frames.device) - semitones.unsqueeze(-1)
    inside = (source >= 0) & (source < keys)
    lost = (frames.argmax(dim=-1) + semitones < 0) & frames.any(dim=-1)
    return frames.gather(-1, source.clamp(0, keys - 1)) * inside, lost


def lowest_key(frames: Tensor) -> Tensor:
    """Return the lowest key of each frame, (...), for frames (..., keys); 0 for silence."""
    return frames.argmax(dim=-1)


def line(frames: Tensor, *, top: bool) -> Tensor:
    """Return the highest or the lowest key of each frame alone.

    Args:
        frames: (..., keys) of zeros and ones.
        top: the highest key; else the lowest.

    Returns:
        (..., keys), silent where the frame is silent.
    """
    above = frames.flip(-1).cumsum(dim=-1).flip(-1) if top else frames.cumsum(dim=-1)
    return frames * (above == 1)
