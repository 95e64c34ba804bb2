"""RNN, GRU and LSTM behind the face of the LMN, to be compared with it."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.models.networks.network import Network, Start

Kind = Literal["rnn", "gru", "lstm"]
_LAYERS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
FORGET_GATE = slice(1, 2)  # of the four: input, forget, cell, output


class Recurrent(Network):
    """A recurrent layer of torch with the `advance` of the LMN. Its output is h, its state h, or the LSTM's [h, c]."""

    def __init__(self, kind: Kind, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.kind, self.input_size, self.hidden_size = kind, input_size, hidden_size
        self.output_size = hidden_size
        self.layer = _LAYERS[kind](input_size, hidden_size)
        self.reset()

    def reset(self, start: Start = "orthogonal", *, generator: torch.Generator | None = None) -> None:
        """Draw new weights: of each gate uniform (Glorot and Bengio 2010), the recurrent ones orthogonal if asked for.

        Biases are zero but for the LSTM's forget gate: 1 (Jozefowicz et al. 2015).
        """
        for gate in self.layer.weight_ih_l0.split(self.hidden_size):
            nn.init.xavier_uniform_(gate, generator=generator)
        for gate in self.layer.weight_hh_l0.split(self.hidden_size):
            draw = nn.init.orthogonal_ if start == "orthogonal" else nn.init.xavier_uniform_
            draw(gate, generator=generator)
        nn.init.zeros_(self.layer.bias_ih_l0)
        nn.init.zeros_(self.layer.bias_hh_l0)
        if self.kind == "lstm":
            nn.init.ones_(self.layer.bias_ih_l0.view(-1, self.hidden_size)[FORGET_GATE])

    @torch.no_grad()
    def load_autoencoder(self, memory: LinearAutoencoder, scale: float) -> None:
        """Start the RNN as the autoencoder of its inputs, as far as tanh is linear: h_t ~ scale y_t.

        scale: small enough that h stays well below 1. Source: Pasa and Sperduti, "Pre-training of recurrent neural
        networks via linear autoencoders", NIPS 2014; they leave the scale at 1.
        """
        if self.kind != "rnn":
            raise ValueError(f"an autoencoder starts an rnn, not a {self.kind}")
        self.layer.weight_ih_l0.copy_(torch.from_numpy(scale * memory.A_))
        self.layer.weight_hh_l0.copy_(torch.from_numpy(memory.B_))
        self.layer.bias_ih_l0.copy_(torch.from_numpy(-scale * memory.A_ @ memory.mean_))
        self.layer.bias_hh_l0.zero_()

    def initial_state(self, batch: int) -> Tensor:
        """Return the empty state, (batch, hidden_size), of the LSTM twice as wide."""
        size = self.hidden_size * (2 if self.kind == "lstm" else 1)
        return torch.zeros(batch, size).to(self.layer.bias_ih_l0)

    def advance(
        self,
        x: Tensor,
        state: Tensor,
        drive: Tensor | None = None,
        position: int = 0,  # noqa: ARG002
    ) -> tuple[Tensor, Tensor]:
        """Run over time: x (time, batch, input), state -> output (time, batch, hidden_size), last state.

        drive: must be None; gates have no one place for it. position: the number of the first frame, which is nothing
        to this network.
        """
        assert drive is None
        parts = tuple(part.contiguous() for part in state.unsqueeze(0).split(self.hidden_size, dim=2))
        # cuDNN has no gradients for a network in evaluation mode, which dynamic evaluation asks for.
        with torch.backends.cudnn.flags(enabled=self.training or not torch.is_grad_enabled()):
            output, last = self.layer(x, parts if self.kind == "lstm" else parts[0])
        return output, torch.cat(last, dim=2)[0] if self.kind == "lstm" else last[0]
