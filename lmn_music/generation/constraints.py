"""What a song must be: keys that are given, the range of the keyboard, how many keys sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lmn_music.generation.particles import Potential
from lmn_music.models.outputs.output import FREE
from lmn_music.music.pianoroll import KEYS

FIFTH, OCTAVE = 7, 12  # semitones
MARGIN = FIFTH
STEADY = 0.8  # so many frames of the same number of keys make a texture of so many voices
VOICES, DENSITY = 3.0, 0.2  # nats that a frame loses per squared key that it has too many or too few
TOO_MANY = 8.0  # nats that a frame loses besides for each key that it has too many: there is no voice for it
GAIN, LARGEST = 0.2, 8.0  # how fast each key, or change, becomes likelier, in nats, while there are too few; at most


@dataclass(frozen=True)
class Limits:
    """Limits on what may sound, the same in every frame.

    Attributes:
        lowest: the lowest key that may sound.
        highest: the highest key that may sound.
        voices: how many keys shall sound; a frame with one less is e^3 times less likely, with one more e^11 times.
        density: how many keys shall sound on average. While fewer sound, frames with more keys become likelier, and the
            other way round; how many sound in a single frame is left to the model.
        changes: the share of frames that shall differ from the frame before, on average; it is followed as the density
            is, so that a song does not stand still where the one before it moves.
        parallels: the nats that a frame loses for each of its parallel fifths and octaves, see `parallels`.
    """

    lowest: int = 0
    highest: int = KEYS - 1
    voices: int | None = None
    density: float | None = None
    changes: float | None = None
    parallels: float = 0.0

    def apply(self, given: Tensor) -> Tensor:
        """Return what is given, (time, 88), with silence outside the range where nothing else was given."""
        key = torch.arange(given.shape[1])
        outside = (key < self.lowest) | (key > self.highest)
        return torch.where(outside & (given == FREE), 0.0, given)

    def potential(self, given: Tensor) -> Potential | None:
        """Return the log-weight of a frame, by how many keys sound in it and how they move; None if it is always zero.

        Where a melody rests, some keys are given and none of these sounds; there the other voices may rest, too, and
        the density does not count.

        Args:
            given: (time, 88), see `particle_filter`.
        """
        if self.voices is None and self.density is None and self.changes is None and not self.parallels:
            return None
        rests = ~(given == 1).any(dim=1) & (given == 0).any(dim=1)
        bonus = moving = 0.0  # nats for each key that sounds, and for a change, so that they are right on average

        def of_frame(number: int, frames: Tensor, previous: Tensor) -> Tensor:
            nonlocal bonus, moving
            if number == 0:
                bonus = moving = 0.0
            sounding = frames.sum(dim=1)
            weight = torch.zeros_like(sounding)
            if self.parallels:
                weight = weight - self.parallels * parallels(previous, frames)
            if self.voices is not None:
                over = sounding - self.voices + int(rests[number])  # a melody that rests is one voice less
                missed = over.clamp(min=0) if rests[number] else over
                weight = weight - VOICES * missed**2 - TOO_MANY * over.clamp(min=0)
            if self.density is not None and not rests[number]:
                weight = weight + bonus * sounding - DENSITY * (sounding - self.density) ** 2
                found = float(torch.softmax(weight, dim=0) @ sounding)
                bonus = _followed(bonus, self.density - found)
            if self.changes is not None:
                changed = (frames != previous).any(dim=1).to(weight)
                weight = weight + moving * changed
                moving = _followed(moving, self.changes - float(torch.softmax(weight, dim=0) @ changed))
            return weight

        return of_frame


def _followed(bonus: float, missing: float) -> float:
    """Return the bonus for the next frame, given how much was missing in this one."""
    return min(LARGEST, max(-LARGEST, bonus + GAIN * missing))


def parallels(before: Tensor, after: Tensor) -> Tensor:
    """Return how many parallel fifths and octaves lead from one frame to the next.

    Two voices are parallel that both move, and that lie a fifth apart before and after, or an octave; twelfths count as
    fifths, and all multiples of an octave as octaves. Voices are keys of equal rank in two frames with as many keys.

    Args:
        before: (frames, keys) of zeros and ones.
        after: (frames, keys), what follows each of them.

    Returns:
        (frames,).
    """
    most = int(torch.maximum(before.sum(dim=1), after.sum(dim=1)).max())
    key = torch.arange(before.shape[1], device=before.device)
    old, new = (torch.where(frames > 0, key, -1).topk(most, dim=1).values for frames in (before, after))
    moves = (old != new) & (old >= 0)
    apart, then = ((ranked.unsqueeze(2) - ranked.unsqueeze(1)) % OCTAVE for ranked in (old, new))
    both = (moves.unsqueeze(2) & moves.unsqueeze(1)).triu(diagonal=1)
    found = both & (apart == then) & ((apart == 0) | (apart == FIFTH))
    return torch.where(before.sum(dim=1) == after.sum(dim=1), found.sum(dim=(1, 2)), 0).to(after)


def texture(frames: npt.NDArray[np.bool_]) -> Limits:
    """Return limits within which new music is as full as some music, moves as often, and is at most a fifth lower or
    higher.

    Args:
        frames: bool (time, 88), the music; not silent.
    """
    counts = frames.sum(axis=1)
    counts = counts[counts > 0]
    usual = int(np.bincount(counts).argmax())
    steady = bool((counts == usual).mean() >= STEADY)
    keys = np.flatnonzero(frames.any(axis=0))
    return Limits(
        lowest=max(0, int(keys[0]) - MARGIN),
        highest=min(KEYS - 1, int(keys[-1]) + MARGIN),
        voices=usual if steady else None,
        density=None if steady else float(counts.mean()),
        changes=float((frames[1:] != frames[:-1]).any(axis=1).mean()) if len(frames) > 1 else None,
    )


def nothing_given(frames: int) -> Tensor:
    """Return (frames, 88) of FREE: every key is drawn."""
    return torch.full((frames, KEYS), FREE)


def melody_on_top(melody: npt.NDArray[np.bool_]) -> Tensor:
    """Return what a melody gives: its key sounds in each frame, and every key above it is silent.

    Where the melody rests, the keys from its lowest key up are silent.

    Args:
        melody: bool (time, 88); of each frame the highest sounding key counts.

    Returns:
        (time, 88) of 1 (sounds), 0 (silent) and FREE.
    """
    frames = torch.tensor(melody, dtype=torch.bool)
    key = torch.arange(KEYS)
    top = torch.where(frames, key, -1).amax(dim=1)
    lowest = int(top[top >= 0].min()) if (top >= 0).any() else KEYS
    top = torch.where(top >= 0, top, lowest - 1).unsqueeze(1)
    given = torch.where(key > top, 0.0, FREE)
    return torch.where((key == top) & frames, 1.0, given)
