"""The unrolled model: the first stage of the training algorithm that is made for the linear memory."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from lmn_music.models.config import ModelConfig
from lmn_music.models.networks.network import Network


class Unrolled(Network):
    """A network whose state is its own last hidden states, side by side.

        h_t = tanh(W_xh x_t + b_h + sum_{i=1..k-1} Whh_i h_{t-i})        (`feedback`; without it, only the input)
        output_t = [h_t, h_{t-1}, ..., h_{t-k+1}]                        (`puts_out_window`; without it, h_t alone)

    k is the window; before the song begins every h is zero. A memory that forgets nothing within the window holds this
    window, so the weights that read the window, of the feedback and of the readout, can be carried over to a linear
    memory that was fitted to h. Without feedback the whole song is computed at once.

    Args:
        input_size: the numbers of a frame of the input.
        hidden_size: the units h.
        window: k, in frames.
        feedback: whether h_t depends on h_{t-1}, ..., h_{t-k+1}.
        puts_out_window: whether the output is the whole window, or h_t alone.

    Source: Carta, Sperduti, Bacciu, "Encoding-based memory for recurrent neural networks", 2021, section 4.
    """

    memory_weights = ("W_hh",)
    learns_initial_state = False  # the window before the song is empty by definition

    def __init__(
        self, input_size: int, hidden_size: int, window: int, *, feedback: bool, puts_out_window: bool = True
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.window = input_size, hidden_size, window
        self.puts_out_window = puts_out_window
        self.output_size = window * hidden_size if puts_out_window else hidden_size
        self.W_xh = nn.Parameter(torch.empty(self.drive_size, input_size))
        self.b_h = nn.Parameter(torch.zeros(self.drive_size))
        # Columns in the order of the state: h_{t-1} first.
        feedback_size = (window - 1) * hidden_size if feedback else 0
        self.W_hh = nn.Parameter(torch.zeros(self.drive_size, feedback_size))
        self.reset()

    @classmethod
    def from_config(cls, config: ModelConfig, input_size: int) -> Self:
        """See Network. An LMN-A can be handed a readout of h_t alone, and the feedback, by which it reads the past."""
        window = config.readout != "hidden" or not config.feedback
        return cls(input_size, config.hidden_size, config.window, feedback=config.feedback, puts_out_window=window)

    def reset(
        self,
        start: str = "orthogonal",  # noqa: ARG002 - there is no memory yet that could start as something
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        """Draw new weights, uniform (Glorot and Bengio 2010); the feedback starts at zero.

        Feedback that is drawn makes the hidden states chaotic.
        """
        for half in self.W_xh.split(self.hidden_size):
            nn.init.xavier_uniform_(half, generator=generator)
        nn.init.zeros_(self.b_h)
        nn.init.zeros_(self.W_hh)

    def initial_state(self, batch: int) -> Tensor:
        """Return the empty window, (batch, (window - 1) * hidden_size): h_{t-1}, then h_{t-2}, ..."""
        return self.b_h.new_zeros(batch, (self.window - 1) * self.hidden_size)

    def activation(self, z: Tensor) -> Tensor:
        """Return h (..., hidden_size) of all that it receives, (..., drive_size)."""
        return torch.tanh(z)

    def hidden(self, x: Tensor, state: Tensor, drive: Tensor | None = None) -> Tensor:
        """Return the hidden states.

        Args:
            x: (time, batch, input_size).
            state: (batch, (window - 1) * hidden_size), the hidden states before the first frame.
            drive: what enters h beside W_xh x_t, broadcastable to (time, batch, drive_size).

        Returns:
            h, (time, batch, hidden_size).
        """
        u = nn.functional.linear(x, self.W_xh, self.b_h)
        u = u if drive is None else u + drive
        if not self.W_hh.numel():
            return self.activation(u)
        hs = []
        for u_t in u:
            h = self.activation(u_t + nn.functional.linear(state, self.W_hh))
            hs.append(h)
            state = torch.cat([h, state[:, : -self.hidden_size]], dim=1)
        return torch.stack(hs)

    def advance(
        self,
        x: Tensor,
        state: Tensor,
        drive: Tensor | None = None,
        position: int = 0,  # noqa: ARG002
    ) -> tuple[Tensor, Tensor]:
        """See Network. The position of a frame means nothing to this network."""
        time, batch, _ = x.shape
        h = self.hidden(x, state, drive)
        past = state.view(batch, self.window - 1, self.hidden_size).flip(1).transpose(0, 1)
        padded = torch.cat([past, h])  # (window - 1 + time, batch, hidden), oldest first
        last = padded[time:].flip(0).transpose(0, 1).flatten(1)
        if not self.puts_out_window:
            return h, last
        shifted = [padded[self.window - 1 - i : self.window - 1 - i + time] for i in range(self.window)]
        return torch.cat(shifted, dim=2), last
