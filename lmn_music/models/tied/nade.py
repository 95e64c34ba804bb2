"""Keys in order of pitch, each given the keys below it, with the same weights for every key."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmn_music.models.outputs.output import Autoregressive, Draft
from lmn_music.models.tied.surroundings import around

BELOW, CHANGES, COUNT = 36, 24, 16


class TiedNADE(Autoregressive):
    """p(frame | context) as a product over keys, from the lowest up, of p(key | context of the key, keys below).

    A context is (..., keys, context_size): for each key what enters its hidden layer from the past, and last whether it
    sounded in the frame before. A key reads three things of the keys below it in the present frame: which of the 36
    nearest sound, how the 24 nearest changed, and how many sound in all. Weights depend on distances only, so any
    keyboard will do.

        r = relu(context + W below + e(count)),   r' = r + relu(V r + c),   logit = w r' + b

    Args:
        hidden_size: the rectified units of each key.
        dropout: the share of these units that is left out in training.
        generator: where the weights are drawn from; torch's global random numbers if not given.

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

    def key_logits(self, context: Tensor, below: Tensor, count: Tensor) -> Tensor:
        """Return the log-odds of keys to sound.

        Args:
            context: (..., context_size - 1), what enters from the past.
            below: (..., BELOW + CHANGES), which of the nearest keys below sound, and how they changed.
            count: (...), how many keys below sound.

        Returns:
            (...), in nats.
        """
        r = torch.relu(context + self.below(below) + self.count(count.clamp(max=COUNT - 1).long()))
        if self.training and self.dropout.p:  # the same units throughout the chunk: as good, and faster
            r = r * self.dropout(torch.ones_like(r[0]))
        r = r + torch.relu(self.inner(r))
        logits: Tensor = self.logit(r).squeeze(-1)
        return logits

    def logits(self, frames: Tensor, context: Tensor) -> Tensor:
        """See Output."""
        past, before = context.split([self.hidden_size, 1], dim=-1)
        change = frames - before.squeeze(-1)
        below = torch.cat([around(frames, BELOW, 0), around(change, CHANGES, 0)], dim=-1)
        count = frames.cumsum(dim=-1) - frames
        return self.key_logits(past, below, count)

    def begin(self, context: Tensor) -> Draft:
        """See Autoregressive."""
        return _Draft(self, context)


class _Draft(Draft):
    def __init__(self, nade: TiedNADE, context: Tensor) -> None:
        self.nade, self.context = nade, context[..., :-1]
        # With silence below the lowest key, as `around` has it. What is silent in the end has changed if it was not.
        self.sounding = nn.functional.pad(torch.zeros_like(context[..., -1]), (BELOW, 0))
        self.change = nn.functional.pad(-context[..., -1], (CHANGES, 0))
        self.frames = self.sounding[..., BELOW:]
        self.count = context.new_zeros(*context.shape[:-2], 1)

    def logits(self, keys: slice) -> Tensor:
        windows = [
            padded[..., keys.start : keys.stop - 1 + width].unfold(-1, width, 1)
            for padded, width in ((self.sounding, BELOW), (self.change, CHANGES))
        ]
        return self.nade.key_logits(self.context[..., keys, :], torch.cat(windows, dim=-1), self.count)

    def add(self, key: Tensor, sounds: Tensor) -> None:
        value, place = sounds.to(self.count).unsqueeze(-1), key.unsqueeze(-1)
        self.sounding.scatter_add_(-1, place + BELOW, value)
        self.change.scatter_add_(-1, place + CHANGES, value)
        self.count = self.count + value
