"""The Linear Memory Network with a memory of several time scales, as a torch layer."""

from __future__ import annotations

from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.models.config import ModelConfig
from lmn_music.models.networks.multiscale_scan import multiscale_scan
from lmn_music.models.networks.network import Network
from lmn_music.models.networks.readout import Readout, output_size, read_out, spare_memory

#: The type of the numbers of an array.
Scalar = TypeVar("Scalar", bound=np.generic)


class MultiScaleLMN(Network):
    """A recurrent layer whose linear memory has `scales` modules, each half as often updated as the one before it.

        h_t   = tanh(W_xh x_t + sum_i W_mh^i m^i_{t-1} + b_h)
        m^i_t = W_hm^i h_t + sum_{j>=i} W_mm^ij m^j_{t-1} + b_m^i   if 2^i divides t
        m^i_t = m^i_{t-1}                                           otherwise

    Modules i = 0 ... scales - 1 have `memory_size` cells each and stand side by side, the fastest first, in the whole
    recurrent state m (batch, cells), cells = scales * memory_size. W_mm is block upper triangular: slower modules
    feed faster ones. With one scale this is the LMN. Frames are numbered from 0 at the beginning of the song, and 0 is
    divided by everything: the first frame updates all modules, and module i reads frames 0, 2^i, 2 * 2^i, ...

    Args:
        input_size: the numbers of a frame of the input.
        hidden_size: the units h of the functional component.
        memory_size: the cells of each module.
        scales: the number of modules.
        readout: what the layer puts out: `memory`, m_t; `hidden`, h_t; `both`, [h_t, m_t].

    Source: Carta, Sperduti, Bacciu, "Incremental training of a recurrent neural network exploiting a multi-scale
    dynamic memory", ECML-PKDD 2020.
    """

    memory_weights = ("W_hm", "W_mm", "b_m")
    mask: Tensor

    def __init__(
        self, input_size: int, hidden_size: int, memory_size: int, scales: int, *, readout: Readout = "memory"
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.memory_size = input_size, hidden_size, memory_size
        self.scales, self.readout = scales, readout
        self.cells = cells = scales * memory_size
        self.output_size = output_size(readout, hidden_size, cells)
        self.W_xh = nn.Parameter(torch.empty(hidden_size, input_size))
        self.W_mh = nn.Parameter(torch.empty(hidden_size, cells))
        self.b_h = nn.Parameter(torch.zeros(hidden_size))
        self.W_hm = nn.Parameter(torch.empty(cells, hidden_size))
        # Square, so that it is one product and one parameter. Below the block diagonal it is zero and so is its
        # gradient: an optimiser has nothing to move there.
        self.W_mm = nn.Parameter(torch.empty(cells, cells))
        self.b_m = nn.Parameter(torch.zeros(cells))
        mask = torch.ones(cells, cells)
        for i in range(scales):
            mask[self._rows(i), : i * memory_size] = 0
        self.register_buffer("mask", mask, persistent=False)
        self.reset()

    @classmethod
    def from_config(cls, config: ModelConfig, input_size: int) -> Self:
        """See Network."""
        return cls(input_size, config.hidden_size, config.memory_size, config.scales, readout=config.readout)

    @torch.no_grad()
    def reset(self, start: str = "orthogonal", *, generator: torch.Generator | None = None) -> None:
        """Draw new weights, uniform (Glorot and Bengio 2010). With one scale the LMN draws the same weights.

        Args:
            start: `orthogonal`, the modules' own blocks of W_mm are orthogonal and all other blocks zero; else W_mm is
                drawn like all other weights.
            generator: where the random numbers come from; torch's global ones if not given.
        """
        for weight in (self.W_xh, self.W_mh, self.W_hm, self.W_mm):
            nn.init.xavier_uniform_(weight, generator=generator)
        if start == "orthogonal":
            self.W_mm.zero_()
            for i in range(self.scales):
                nn.init.orthogonal_(self.W_mm[self._rows(i), self._rows(i)], generator=generator)
        self.W_mm.mul_(self.mask)
        nn.init.zeros_(self.b_h)
        nn.init.zeros_(self.b_m)
        self.constrain()

    def prepare(self) -> None:
        """Let h not depend on the memories yet, as in the LMN."""
        nn.init.zeros_(self.W_mh)

    @torch.no_grad()
    def constrain(self) -> None:
        """Clip the singular values of each module's rows of W_mm at 1, so that no song makes the memory explode.

        The rows are [W_mm^ii, ..., W_mm^i,g-1]: a module's own block and all blocks that feed it. The result is the
        nearest W_mm with sum_j W_mm^ij W_mm^ij' <= I for every i. A module that nothing feeds, as a new one, is clipped
        like an LMN, and one scale is the LMN.

        Why it holds: n updates m^i <- W_mm^ii m^i + C y + d, where y are the slower modules and d is W_hm^i h + b_m^i,
        bounded because h is, give

            |m^i_n| <= (|m^i_0|^2 + |y_1|^2 + ... + |y_n|^2)^1/2 + |d_1| + ... + |d_n|

        so that a module outgrows the modules that feed it by n^1/2 at most; and not for ever, because they cannot feed
        the directions that it never forgets (in which W_mm^ii keeps all lengths). In the end the memory grows like t at
        most, as the memory of the LMN does. With the diagonal blocks alone clipped it may grow like t^g: one module
        that keeps all feeds another. A norm of 1 for W_mm as a whole would allow no more than t from the first frame
        on, but costs memory: to feed c into a cell, this cell and the slower one must both forget about c/2 per update;
        here the first alone must forget c^2/2.

        A frozen W_mm (one that needs no gradient) stays as it is, and so does one that has a shape but no numbers.
        """
        if not self.W_mm.requires_grad or self.W_mm.is_meta:
            return
        W = self.W_mm * self.mask
        W = W.cpu() if W.device.type == "mps" else W  # mps has no eigh
        rows = W.view(self.scales, self.memory_size, self.cells)
        # Near 1 the squared matrix gives the singular vectors as well as the SVD does, in half the time.
        squares, U = torch.linalg.eigh(rows @ rows.mT)
        excess = 1 - squares.clamp(min=1).rsqrt()
        rows = rows - (U * excess.unsqueeze(1)) @ (U.mT @ rows)
        self.W_mm.copy_(rows.view_as(W))

    def initial_state(self, batch: int) -> Tensor:
        """Return the empty memory, (batch, cells)."""
        return self.W_mm.new_zeros(batch, self.cells)

    def run(self, x: Tensor, m: Tensor, drive: Tensor | None = None, position: int = 0) -> tuple[Tensor, Tensor]:
        """Run over time, and return both components.

        Args:
            x: (time, batch, input_size).
            m: (batch, cells), the memory before the first frame.
            drive: what enters h beside W_xh x_t, broadcastable to (time, batch, hidden_size).
            position: the number of the first frame of x within its song.

        Returns:
            h (time, batch, hidden_size) and m (time, batch, cells).
        """
        u = nn.functional.linear(x, self.W_xh, self.b_h)
        u = u if drive is None else u + drive
        return multiscale_scan(u, m, self.W_mh, self.W_hm, self.W_mm * self.mask, self.b_m, self.scales, position)

    def advance(self, x: Tensor, m: Tensor, drive: Tensor | None = None, position: int = 0) -> tuple[Tensor, Tensor]:
        """See Network."""
        h, ms = self.run(x, m, drive, position)
        return read_out(self.readout, h, ms), ms[-1]

    def step(self, x: Tensor, m: Tensor, position: int) -> tuple[Tensor, Tensor]:
        """Advance by one frame.

        Args:
            x: (batch, input_size).
            m: (batch, cells), the memory before the frame.
            position: the number of the frame within its song.

        Returns:
            The output (batch, output_size), and the memory (batch, cells) after the frame.
        """
        output, m = self.advance(x.unsqueeze(0), m, position=position)
        return output[0], m

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over a batch of sequences from their beginning.

        Args:
            x: (time, batch, input_size).
            state: (1, batch, cells), the memory before the first frame; zeros if not given.

        Returns:
            The output (time, batch, output_size), and the last memory (1, batch, cells).
        """
        output, last = self.advance(x, self.initial_state(x.shape[1]) if state is None else state[0])
        return output, last.unsqueeze(0)

    @torch.no_grad()
    def with_scale(self, memory: LinearAutoencoder) -> MultiScaleLMN:
        """Return a layer with one more module, the slowest, that encodes h as `memory` does; all else stays as it is.

        The new cells are the last ones of the memory, and nothing reads them yet: their columns in W_mh and in the rows
        of the other modules are zero. A caller who reads out from the memory adds columns of zeros for them too.

        Source: the paper's incremental training, with b_m = -A mean because the autoencoder may be centred here.

        Args:
            memory: fitted to this layer's hidden sequences, as `sampled_hidden` gives them; if it has fewer components
                than a module has cells, the last cells become a `spare_memory`.

        Raises:
            ValueError: the autoencoder does not fit into a module.
        """
        size, first = len(memory.B_), self.cells
        if size > self.memory_size or memory.n_features_in_ != self.hidden_size:
            raise ValueError(
                f"a module of {self.memory_size} cells that reads {self.hidden_size} hidden units cannot hold "
                f"an autoencoder of {size} components that reads {memory.n_features_in_}"
            )
        layer = MultiScaleLMN(
            self.input_size, self.hidden_size, self.memory_size, self.scales + 1, readout=self.readout
        ).to(self.W_mm)  # the same device and precision
        layer.W_mh.zero_()
        layer.W_mm.zero_()
        for name, weight in self.named_parameters():
            layer.get_parameter(name)[tuple(slice(length) for length in weight.shape)] = weight
        fitted, spare = slice(first, first + size), slice(first + size, layer.cells)
        layer.W_hm[fitted], layer.W_mm[fitted, fitted] = torch.from_numpy(memory.A_), torch.from_numpy(memory.B_)
        layer.W_hm[spare], layer.W_mm[spare, spare] = spare_memory(self.memory_size - size, self.hidden_size)
        layer.b_m[first:] = -layer.W_hm[first:] @ torch.from_numpy(memory.mean_).to(layer.W_hm)
        return layer

    def _rows(self, i: int) -> slice:
        return slice(i * self.memory_size, (i + 1) * self.memory_size)

    def extra_repr(self) -> str:
        """Name the sizes in the module's printed form."""
        return f"{self.input_size}, {self.hidden_size}, {self.memory_size}, {self.scales}, readout={self.readout!r}"


def sampled_hidden(h: npt.NDArray[Scalar], scale: int) -> npt.NDArray[Scalar]:
    """Return the frames of a song's hidden sequence, (time, hidden), that module `scale` reads: every 2^scale-th."""
    return h[:: 2**scale]
