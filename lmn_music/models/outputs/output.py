"""What every output model is: an exact distribution over frames that can be drawn from."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

FRAMES_KEYS = 256  # how many keys of how many frames are drawn in one pass


class Output(nn.Module, ABC):
    """p(frame | context) as a product over keys, from the lowest up, of p(key | context, the keys below it).

    Frames are zeros and ones, (..., keys). A context is (..., context_size), or (..., keys, context_size) if each key
    has its own; the leading axes are those of the frames.
    """

    context_size: int

    @abstractmethod
    def logits(self, frames: Tensor, context: Tensor) -> Tensor:
        """Return the log-odds of each key to sound, given the keys below it in `frames`: (..., keys) -> (..., keys)."""

    @abstractmethod
    def sample(self, context: Tensor, *, temperature: float, generator: torch.Generator) -> Tensor:
        """Draw a frame for each context. Logits are divided by `temperature`; at 0 the likelier value wins."""

    def key_log_prob(self, frames: Tensor, context: Tensor) -> Tensor:
        """Return the log-likelihood of each key given those below it, in nats: (..., keys) -> (..., keys)."""
        logits = self.logits(frames, context)
        return -nn.functional.binary_cross_entropy_with_logits(logits, frames, reduction="none")

    def log_prob(self, frames: Tensor, context: Tensor) -> Tensor:
        """Return the exact log-likelihood of each frame in nats, summed over keys: (..., keys) -> (...)."""
        return self.key_log_prob(frames, context).sum(dim=-1)

    def marginals(self, context: Tensor, drawn: Sequence[Tensor]) -> Tensor:
        """Return the probability of each key to sound, whatever those below it do, (..., keys); an estimate.

        The mean over the frames `drawn` from the context of p(key | the drawn keys below it): its expectation is exact,
        its standard error over n frames at most 0.5 / sqrt(n), less than that of counting draws, and none for the
        lowest key.
        """
        total = torch.zeros_like(drawn[0])
        for frames in drawn:
            total += torch.sigmoid(self.logits(frames, context))
        return total / len(drawn)


class Draft(ABC):
    """Frames of which the keys are being drawn, from the lowest up; those still to be drawn are silent in `frames`."""

    frames: Tensor

    @abstractmethod
    def logits(self, keys: slice) -> Tensor:
        """Return the log-odds of some keys to sound, given all that is drawn so far; right for keys above that."""

    @abstractmethod
    def add(self, key: Tensor, sounds: Tensor) -> None:
        """Let one key of each frame sound where `sounds`; both have the shape of the frames' leading axes."""


class Autoregressive(Output):
    """An output model in which keys depend on those below them, so that drawing takes several steps."""

    @abstractmethod
    def begin(self, context: Tensor) -> Draft:
        """Return silent frames, one for each context."""

    def sample(self, context: Tensor, *, temperature: float, generator: torch.Generator) -> Tensor:
        """Draw a frame for each context. Logits are divided by `temperature`; at 0 the likelier value wins.

        As drawn key by key, each with its own random number; but keys only depend on those that sound. So a block of
        keys is drawn as if none of it sounded, which holds up to the first that does; the keys above it are drawn
        again, knowing of it, with the same random numbers. For one frame the block is the keyboard, and there are as
        many passes as notes, and one; for many frames, which together have notes everywhere, it is a single key.
        """
        draft = self.begin(context)
        *batch, keys = draft.frames.shape
        chance = torch.rand(keys, *batch, generator=generator, device=context.device, dtype=context.dtype).movedim(
            0, -1
        )
        size = max(1, FRAMES_KEYS // max(1, math.prod(batch)))
        for low in range(0, keys, size):
            block = slice(low, min(low + size, keys))
            number = torch.arange(low, block.stop, device=context.device)
            settled = torch.full(batch, low, device=context.device).unsqueeze(-1)  # the keys below it are
            while (settled < block.stop).any():
                sounds = _sounds(draft.logits(block), chance[..., block], temperature) & (number >= settled)
                lowest = torch.where(sounds, number, keys).amin(dim=-1, keepdim=True)
                draft.add(lowest.clamp(max=block.stop - 1).squeeze(-1), sounds.any(dim=-1))
                settled = lowest + 1
        return draft.frames


def _sounds(logits: Tensor, chance: Tensor, temperature: float) -> Tensor:
    return logits > 0 if temperature == 0 else chance < torch.sigmoid(logits / temperature)
