"""The gated Linear Memory Network as a torch layer, and its unrolled model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmn_music.models.networks.gated_readout import gated_readout
from lmn_music.models.networks.gated_scan import gated, gated_scan, gated_step
from lmn_music.models.networks.lmn import LMN
from lmn_music.models.networks.readout import Readout, read_out
from lmn_music.models.networks.unrolled import Unrolled


class GatedLMN(LMN):
    """An LMN that has gates where its features are made and where its memory is read; the memory is linear as before.

        [a_t, g_t] = W_xh x_t + W_mh m_{t-1} + b_h
        h_t = tanh(a_t) * sigmoid(g_t)                          what is worth writing
        m_t = W_hm h_t + W_mm m_{t-1} + b_m                     the memory of the LMN
        y_t = 2 m_t * sigmoid(W_xo x_t + W_mo m_t + b_o)        what is worth reading

    The paper asks of the functional component only that it is a feed-forward network of input and memory. The gate of
    the readout starts at one half, so that y_t = m_t: an autoencoder is handed over as exactly as to an LMN.

    Args:
        input_size: the numbers of a frame of the input.
        hidden_size: the units h of the functional component.
        memory_size: the cells m of the memory.
        readout: what the layer puts out: `both`, [h_t, y_t]; `memory`, y_t; `hidden`, h_t, which needs no second gate.
        batch_first: whether inputs and outputs are (batch, time, size) and not (time, batch, size).

    Example:
        >>> layer = GatedLMN(input_size=88, hidden_size=64, memory_size=160)
        >>> output, memory = layer(torch.randn(100, 8, 88))  # (100, 8, 224), (1, 8, 160)
    """

    scan = staticmethod(gated_scan)
    scan_step = staticmethod(gated_step)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        memory_size: int,
        *,
        readout: Readout = "both",
        batch_first: bool = False,
    ) -> None:
        super().__init__(input_size, hidden_size, memory_size, readout=readout, batch_first=batch_first)
        size = 0 if readout == "hidden" else memory_size
        self.W_xo = nn.Parameter(torch.zeros(size, input_size))
        self.W_mo = nn.Parameter(torch.zeros(size, memory_size))
        self.b_o = nn.Parameter(torch.zeros(size))

    @property
    def drive_size(self) -> int:
        """See Network: a and g."""
        return 2 * self.hidden_size

    def reset(self, start: str = "orthogonal", *, generator: torch.Generator | None = None) -> None:
        """See LMN. The gate of the readout starts without weights."""
        super().reset(start, generator=generator)
        for name, weight in self.named_parameters():
            if name in ("W_xo", "W_mo", "b_o"):
                nn.init.zeros_(weight)

    def put_out(self, x: Tensor, h: Tensor, m: Tensor) -> Tensor:
        """See LMN."""
        if self.readout == "hidden":
            return h
        return read_out(self.readout, h, gated_readout(x, m, self.W_xo, self.W_mo, self.b_o))


class GatedUnrolled(Unrolled):
    """The unrolled model of the gated LMN: its hidden states are gated too.

    [a_t, g_t] = W_xh x_t + b_h + sum_{i=1..k-1} Whh_i h_{t-i}, and h_t = tanh(a_t) * sigmoid(g_t); all else as in
    `Unrolled`.
    """

    @property
    def drive_size(self) -> int:
        """See Network: a and g."""
        return 2 * self.hidden_size

    def activation(self, z: Tensor) -> Tensor:
        """See Unrolled."""
        return gated(z)
