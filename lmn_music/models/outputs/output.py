"""What every output model is: an exact distribution over frames that can be drawn from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn


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


def draw(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """Draw zeros and ones with the log-odds `logits / temperature`; at 0 take the likelier value."""
    if temperature == 0:
        return (logits > 0).to(logits)
    return torch.bernoulli(torch.sigmoid(logits / temperature), generator=generator)
