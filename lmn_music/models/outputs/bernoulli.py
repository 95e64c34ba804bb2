"""Independent keys: the output model of the LMN papers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmn_music.pianoroll import KEYS


class BernoulliOutput(nn.Module):
    """p(frame | context) as a product of 88 independent Bernoulli distributions.

    The context of a frame is its 88 logits; shapes are (..., 88) throughout.
    """

    context_size = KEYS

    def log_prob(self, frames: Tensor, context: Tensor) -> Tensor:
        """Return the log-likelihood of each frame in nats, summed over keys: (..., 88) -> (...)."""
        return -nn.functional.binary_cross_entropy_with_logits(context, frames, reduction="none").sum(dim=-1)

    def sample(self, context: Tensor, *, temperature: float, generator: torch.Generator) -> Tensor:
        """Draw frames of zeros and ones. Logits are divided by `temperature`; at 0 keys take the likelier value."""
        if temperature == 0:
            return (context > 0).to(context.dtype)
        return torch.bernoulli(torch.sigmoid(context / temperature), generator=generator)

    def marginals(self, context: Tensor) -> Tensor:
        """Return the probability of each key to sound."""
        return torch.sigmoid(context)
