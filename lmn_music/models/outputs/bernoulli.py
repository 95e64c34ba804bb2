"""Independent keys: the output model of the LMN papers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmn_music.pianoroll import KEYS


class BernoulliOutput(nn.Module):
    """p(frame | context) as a product of 88 independent Bernoulli distributions.

    Without a hidden layer the context of a frame is its 88 logits, as in the papers. With one, it is what enters that
    layer: logits = W relu(context) + b. Contexts are (..., context_size), frames (..., 88).
    """

    def __init__(self, hidden_size: int = 0, dropout: float = 0.0, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.context_size = hidden_size or KEYS
        self.hidden: nn.Module = nn.Identity()
        if hidden_size:
            linear = nn.Linear(hidden_size, KEYS)
            nn.init.xavier_uniform_(linear.weight, generator=generator)
            nn.init.zeros_(linear.bias)
            self.hidden = nn.Sequential(nn.ReLU(), nn.Dropout(dropout), linear)

    def logits(self, context: Tensor) -> Tensor:
        """Return the log-odds of each key to sound."""
        logits: Tensor = self.hidden(context)
        return logits

    def log_prob(self, frames: Tensor, context: Tensor) -> Tensor:
        """Return the log-likelihood of each frame in nats, summed over keys: (..., 88) -> (...)."""
        logits = self.logits(context)
        return -nn.functional.binary_cross_entropy_with_logits(logits, frames, reduction="none").sum(dim=-1)

    def sample(self, context: Tensor, *, temperature: float, generator: torch.Generator) -> Tensor:
        """Draw frames of zeros and ones. Logits are divided by `temperature`; at 0 keys take the likelier value."""
        logits = self.logits(context)
        if temperature == 0:
            return (logits > 0).to(logits.dtype)
        return torch.bernoulli(torch.sigmoid(logits / temperature), generator=generator)

    def marginals(self, context: Tensor) -> Tensor:
        """Return the probability of each key to sound."""
        return torch.sigmoid(self.logits(context))
