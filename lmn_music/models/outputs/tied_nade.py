"""Keys in order of pitch, each given the keys below it, with the same weights for every key."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmn_music.models.outputs.output import Output, draw
from lmn_music.models.surroundings import around

BELOW, CHANGES, COUNT = 36, 24, 16


class TiedNADE(Output):
    """p(frame | context) as a product over keys, from the lowest up, of p(key | context of the key, keys below).

    A context is (..., keys, context_size): for each key what enters its hidden layer from the past, and last whether it
    sounded in the frame before. What the key knows of those below it in the present frame: which of the 36 nearest
    sound, how the 24 nearest changed, how many sound in all. Weights see distances only, so any keyboard will do.

        r = relu(context + W below + e(count)),   r' = r + relu(V r + c),   logit = w r' + b

    Source: NADE, Larochelle and Murray 2011; tied over keys after Johnson 2017.
    """

    def __init__(self, hidden_size: int, dropout: float = 0.0, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.context_size = hidden_size + 1
        self.below = nn.Linear(BELOW + CHANGES, hidden_size, bias=False)
        self.count = nn.Embedding(COUNT, hidden_size)
        self.inner = nn.Linear(hidden_size, hidden_size)
        self.logit = nn.Linear(hidden_size, 1)
        self.dropout = nn.Dropout(dropout)
        for linear in (self.below, self.inner, self.logit):
            nn.init.xavier_uniform_(linear.weight, generator=generator)
        nn.init.zeros_(self.inner.bias)
        nn.init.constant_(self.logit.bias, -3.0)  # few keys sound at a time
        nn.init.zeros_(self.count.weight)

    def _logits(self, context: Tensor, below: Tensor, count: Tensor) -> Tensor:
        r = torch.relu(context + self.below(below) + self.count(count.clamp(max=COUNT - 1).long()))
        if self.training and self.dropout.p:  # the same units throughout the chunk: as good, and faster
            r = r * self.dropout(torch.ones_like(r[0]))
        r = r + torch.relu(self.inner(r))
        logits: Tensor = self.logit(r).squeeze(-1)
        return logits

    def logits(self, frames: Tensor, context: Tensor) -> Tensor:
        """Return the log-odds of each key to sound, given the keys below it in `frames`: (..., keys) -> (..., keys)."""
        change = frames - context[..., -1]
        below = torch.cat([around(frames, BELOW, 0), around(change, CHANGES, 0)], dim=-1)
        count = frames.cumsum(dim=-1) - frames
        return self._logits(context[..., :-1], below, count)

    def sample(self, context: Tensor, *, temperature: float, generator: torch.Generator) -> Tensor:
        """Draw frames of zeros and ones, key by key. Logits are divided by `temperature`; at 0 the likelier wins."""
        *batch, keys, _ = context.shape
        frames = context.new_zeros(*batch, BELOW + keys)
        change = context.new_zeros(*batch, CHANGES + keys)
        count = context.new_zeros(batch)
        for key in range(keys):
            below = torch.cat([frames[..., key : key + BELOW], change[..., key : key + CHANGES]], dim=-1)
            sounds = draw(self._logits(context[..., key, :-1], below, count), temperature, generator)
            frames[..., BELOW + key] = sounds
            change[..., CHANGES + key] = sounds - context[..., key, -1]
            count = count + sounds
        return frames[..., BELOW:]
