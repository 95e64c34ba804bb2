"""Keys in order of pitch, each given the keys below it: the neural autoregressive distribution estimator."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmn_music.models.outputs.output import Autoregressive, Draft
from lmn_music.music.pianoroll import KEYS


class NADE(Autoregressive):
    """p(frame | context) as a product over keys, from the lowest up, of p(key | context, keys below).

        a_j = c + sum_{i < j} x_i W_i,   logit_j = V_j . relu(a_j) + b_j

    The context is both biases, [c, b]: (..., hidden_size + keys).

    Args:
        hidden_size: the rectified units.
        dropout: the share of these units that is left out in training.
        generator: where the weights are drawn from; torch's global random numbers if not given.
        keys: the size of the keyboard.

    Source: Larochelle and Murray, "The neural autoregressive distribution estimator", AISTATS 2011, with rectified
    units; both biases from a recurrent network as in the RNN-NADE of Boulanger-Lewandowski et al., ICML 2012.
    """

    def __init__(
        self, hidden_size: int, dropout: float = 0.0, generator: torch.Generator | None = None, *, keys: int = KEYS
    ) -> None:
        super().__init__()
        self.hidden_size, self.keys = hidden_size, keys
        self.context_size = hidden_size + keys
        self.W = nn.Parameter(torch.empty(keys, hidden_size))
        self.V = nn.Parameter(torch.empty(keys, hidden_size))
        self.dropout = nn.Dropout(dropout)
        for weight in (self.W, self.V):
            nn.init.xavier_uniform_(weight, generator=generator)

    def _biases(self, context: Tensor) -> tuple[Tensor, Tensor]:
        return context[..., : self.hidden_size], context[..., self.hidden_size :]

    def logits(self, frames: Tensor, context: Tensor) -> Tensor:
        """See Output.

        a_j only changes where a key sounds, so with n the most notes of any frame there are at most n + 1 different
        ones: that many are computed, each with the logits of all keys, and every key takes its own. Memory is
        O(frames (n + 1) (hidden_size + keys)); n is about 15 in music, where one a_j per key would make it 88.
        """
        c, b = self._biases(context)
        notes_below = (frames.cumsum(dim=-1) - frames).long()
        # A program that is exported takes any frame, so all keys may sound.
        exporting = torch.compiler.is_exporting()
        most = frames.shape[-1] if exporting else int(frames.sum(dim=-1).max()) if frames.numel() else 0
        number = torch.arange(most + 1, device=frames.device).unsqueeze(-1)
        lowest = frames.unsqueeze(-2) * (notes_below.unsqueeze(-2) < number)  # (..., n + 1, keys): row k has k notes
        a = c.unsqueeze(-2) + lowest.to(self.W) @ self.W
        logits = self.dropout(torch.relu(a)) @ self.V.t()
        own: Tensor = logits.gather(-2, notes_below.unsqueeze(-2)).squeeze(-2)
        return own + b

    def begin(self, context: Tensor) -> Draft:
        """See Autoregressive."""
        return _Draft(self, *self._biases(context))


class _Draft(Draft):
    def __init__(self, nade: NADE, c: Tensor, b: Tensor) -> None:
        self.nade, self.a, self.b, self.frames = nade, c, b, torch.zeros_like(b)

    def logits(self, keys: slice) -> Tensor:
        return torch.relu(self.a) @ self.nade.V[keys].t() + self.b[..., keys]

    def add(self, key: Tensor, sounds: Tensor) -> None:
        value = sounds.to(self.frames).unsqueeze(-1)
        self.frames.scatter_add_(-1, key.unsqueeze(-1), value)
        self.a = torch.addcmul(self.a, value, self.nade.W[key])
