"""RNN, GRU and LSTM as networks: the baselines of the LMN."""

from __future__ import annotations

from typing import Literal, Self

import torch
from torch import Tensor, nn

from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.models.config import ModelConfig
from lmn_music.models.networks.network import Network

Kind = Literal["rnn", "gru", "lstm"]
_LAYERS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
FORGET_GATE = slice(1, 2)  # of the four: input, forget, cell, output


class Recurrent(Network):
    """A recurrent layer of torch as a Network. Its output is h, its state h, or the LSTM's [h, c].

    Args:
        kind: which layer.
        input_size: the numbers of a frame of the input.
        hidden_size: the units h, and so the size of the output.
        takes_drive: whether `advance` takes a drive. Gates have no one place where it could enter, so it is read as
            `drive_size` more numbers of the input.
    """

    def __init__(self, kind: Kind, input_size: int, hidden_size: int, *, takes_drive: bool = False) -> None:
        super().__init__()
        self.kind, self.input_size, self.hidden_size = kind, input_size, hidden_size
        self.output_size = hidden_size
        self.layer = _LAYERS[kind](input_size + (self.drive_size if takes_drive else 0), hidden_size)
        self.reset()

    @classmethod
    def from_config(cls, config: ModelConfig, input_size: int) -> Self:
        """See Network."""
        kind: Kind = config.network  # type: ignore[assignment]
        return cls(kind, input_size, config.hidden_size, takes_drive=config.architecture == "tied")

    def reset(self, start: str = "orthogonal", *, generator: torch.Generator | None = None) -> None:
        """Draw new weights, uniform for each gate (Glorot and Bengio 2010).

        Biases are zero, except the LSTM's forget gate, where they are 1 (Jozefowicz et al. 2015).

        Args:
            start: `orthogonal`, the recurrent weights of each gate are; else they are drawn like all others.
            generator: where the random numbers come from; torch's global ones if not given.
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

        Source: Pasa and Sperduti, "Pre-training of recurrent neural networks via linear autoencoders", NIPS 2014; they
        leave the scale at 1.

        Args:
            memory: fitted to the inputs, with as many components as the RNN has units.
            scale: small enough that h stays well below 1.

        Raises:
            ValueError: the layer is no RNN.
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
        """See Network. The position means nothing here."""
        x = x if drive is None else torch.cat([x, drive], dim=2)
        parts = tuple(part.contiguous() for part in state.unsqueeze(0).split(self.hidden_size, dim=2))
        # cuDNN has no gradients for a network in evaluation mode, which dynamic evaluation asks for.
        with torch.backends.cudnn.flags(enabled=self.training or not torch.is_grad_enabled()):
            output, last = self.layer(x, parts if self.kind == "lstm" else parts[0])
        return output, torch.cat(last, dim=2)[0] if self.kind == "lstm" else last[0]
