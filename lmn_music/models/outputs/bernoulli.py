"""Independent keys: the output model of the LMN papers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmn_music.models.outputs.output import FREE, Output, at_least_float32
from lmn_music.music.pianoroll import KEYS


class BernoulliOutput(Output):
    """p(frame | context) as a product of 88 independent Bernoulli distributions.

    Without a hidden layer the context of a frame is its 88 logits, as in the papers. With a hidden layer the context is
    what enters this layer: logits = W relu(context) + b. Contexts are (..., context_size), frames (..., 88).

    Args:
        hidden_size: rectified units between the context and the logits; 0 for none.
        dropout: the share of these units that is left out in training.
        generator: where the weights are drawn from; torch's global random numbers if not given.
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

    def logits(self, frames: Tensor, context: Tensor) -> Tensor:  # noqa: ARG002 - no key depends on another
        """See Output. What the other keys do makes no difference."""
        logits: Tensor = self.hidden(context)
        return logits

    def _draw(self, context: Tensor, generator: torch.Generator, given: Tensor | None) -> tuple[Tensor, Tensor]:
        logits = at_least_float32(self.hidden(context))
        frames = torch.bernoulli(torch.sigmoid(logits), generator=generator).to(context)
        return (frames if given is None else torch.where(given == FREE, frames, given.to(frames))), logits
