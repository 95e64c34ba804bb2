"""What every output model is: an exact distribution over frames that can be drawn from."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

KEYS_PER_PASS = 256  # keys that are drawn in one pass, over all frames


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
    def draw(self, context: Tensor, *, temperature: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw a frame for each context, and return with it each key's chance to sound, given the drawn keys below it.

        Both (..., keys). Logits are divided by `temperature`; at 0 the likelier value wins. The mean of the chances
        over draws from one context is an estimate of how likely the key is to sound whatever those below it do: its
        expectation is exact, its standard error over n draws at most 0.5 / sqrt(n), less than that of counting notes,
        and none for the lowest key.
        """

    def sample(self, context: Tensor, *, temperature: float, generator: torch.Generator) -> Tensor:
        """Draw a frame for each context; see `draw`."""
        return self.draw(context, temperature=temperature, generator=generator)[0]

    def key_log_prob(self, frames: Tensor, context: Tensor) -> Tensor:
        """Return the log-likelihood of each key given those below it, in nats: (..., keys) -> (..., keys)."""
        logits = self.logits(frames, context)
        return -nn.functional.binary_cross_entropy_with_logits(logits, frames, reduction="none")

    def log_prob(self, frames: Tensor, context: Tensor) -> Tensor:
        """Return the exact log-likelihood of each frame in nats, summed over keys: (..., keys) -> (...)."""
        return self.key_log_prob(frames, context).sum(dim=-1)


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

    def draw(self, context: Tensor, *, temperature: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """See Output.

        As drawn key by key, each with its own random number; but keys only depend on those that sound. So a block of
        keys is drawn as if none of it sounded, which holds up to the first that does; the keys above it are drawn
        again, knowing of it, with the same random numbers. For one frame the block is the keyboard, and there are as
        many passes as notes, and one; for many frames, which together have notes everywhere, it is a single key.
        """
        draft = self.begin(context)
        *batch, keys = draft.frames.shape
        # In half precision, rare keys would sound too often.
        precision = torch.promote_types(context.dtype, torch.float32)
        uniform = torch.rand(keys, *batch, generator=generator, device=context.device, dtype=precision)
        chances = torch.empty_like(draft.frames)
        size = KEYS_PER_PASS // max(1, math.prod(batch))
        if size <= 1:
            for key in range(keys):
                chance = chance_of(draft.logits(slice(key, key + 1)).squeeze(-1), temperature)
                chances[..., key] = chance
                draft.add(torch.full(batch, key, device=context.device), uniform[key] < chance)
            return draft.frames, chances
        uniform = uniform.movedim(0, -1)
        for low in range(0, keys, size):
            block = slice(low, min(low + size, keys))
            number = torch.arange(low, block.stop, device=context.device)
            settled = torch.full(batch, low, device=context.device).unsqueeze(-1)  # the keys below it are
            while (settled < block.stop).any():
                chance, still_open = chance_of(draft.logits(block), temperature), number >= settled
                chances[..., block] = torch.where(still_open, chance, chances[..., block])
                sounds = (uniform[..., block] < chance) & still_open
                lowest = torch.where(sounds, number, keys).amin(dim=-1, keepdim=True)
                draft.add(lowest.clamp(max=block.stop - 1).squeeze(-1), sounds.any(dim=-1))
                settled = lowest + 1
        return draft.frames, chances


def chance_of(logits: Tensor, temperature: float) -> Tensor:
    """Return the chance to sound of keys with the log-odds `logits / temperature`; at 0 the likelier value is sure."""
    return (logits > 0).to(logits) if temperature == 0 else torch.sigmoid(logits / temperature)
