"""The Linear Memory Network with a memory of several time scales, as a torch layer."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.models.networks.lmn import Readout, output_size, read_out, spare_memory
from lmn_music.models.networks.network import Network, Start

Scalar = TypeVar("Scalar", bound=np.generic)


class MultiScaleLMN(Network):
    """A recurrent layer whose linear memory has `scales` modules, each half as often updated as the one before it.

        h_t   = tanh(W_xh x_t + sum_i W_mh^i m^i_{t-1} + b_h)
        m^i_t = W_hm^i h_t + sum_{j>=i} W_mm^ij m^j_{t-1} + b_m^i   if 2^i divides t
        m^i_t = m^i_{t-1}                                           otherwise

    Modules i = 0 ... scales - 1 have `memory_size` cells each and stand side by side, the fastest first, in the whole
    recurrent state m (batch, cells), cells = scales * memory_size. W_mm is block upper triangular: slower modules
    feed faster ones. With one scale this is the LMN. Frames are numbered from 0 at the beginning of the song, and 0 is
    divided by everything: the first frame updates all modules, and module i sees frames 0, 2^i, 2 * 2^i, ...

    `readout` says what the layer puts out: the memory m_t (the default), the hidden state h_t, or both, [h_t, m_t].

    Shapes: input (time, batch, input_size), initial state (1, batch, cells), zeros if not given. Returns the output
    (time, batch, output_size) and the last memory (1, batch, cells).

    Source: Carta, Sperduti, Bacciu, "Incremental training of a recurrent neural network exploiting a multi-scale
    dynamic memory", ECML-PKDD 2020.
    """

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
        blocks = torch.ones(scales, scales).triu()
        self.register_buffer("mask", blocks.kron(torch.ones(memory_size, memory_size)), persistent=False)
        self.reset()

    @torch.no_grad()
    def reset(self, start: Start = "orthogonal", *, generator: torch.Generator | None = None) -> None:
        """Draw new weights, uniform (Glorot and Bengio 2010).

        W_mm: the modules each orthogonal and apart from each other, or random like all others. With one scale the
        weights are those that the LMN draws.
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

    @torch.no_grad()
    def constrain(self) -> None:
        """Clip the singular values of each module's rows of W_mm at 1, so that no song makes the memory explode.

        The rows are [W_mm^ii, ..., W_mm^i,g-1]: a module's own block and all that feeds it. The result is the nearest
        W_mm with sum_j W_mm^ij W_mm^ij' <= I for every i. A module that nothing feeds, as a new one, is clipped like
        an LMN, and one scale is the LMN.

        Why it holds: n updates m^i <- W_mm^ii m^i + C y + d, where y are the slower modules and d is W_hm^i h + b_m^i,
        bounded because h is, give

            |m^i_n| <= (|m^i_0|^2 + |y_1|^2 + ... + |y_n|^2)^1/2 + |d_1| + ... + |d_n|

        so that a module outgrows those that feed it by n^1/2 at most; and not for ever, because what it never forgets
        (directions in which W_mm^ii keeps all lengths) they cannot feed. In the end the memory grows like t at most,
        as that of the LMN. With the diagonal blocks alone clipped it may grow like t^g: one module that keeps all
        feeds another. A norm of 1 for W_mm as a whole would allow no more than t from the first frame on, but costs
        memory: to feed c into a cell, it and the slower one have both to forget about c/2 per update, here the first
        alone c^2/2.
        """
        if not self.W_mm.requires_grad:
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
        """Run over time: x (time, batch, input), m (batch, cells) -> h and m, each (time, batch, size).

        drive: what else enters h beside W_xh x_t, broadcastable to (time, batch, hidden_size).
        position: the number of the first frame of x within its song.
        """
        u = nn.functional.linear(x, self.W_xh, self.b_h)
        u = u if drive is None else u + drive
        return multiscale_scan(u, m, self.W_mh, self.W_hm, self.W_mm * self.mask, self.b_m, self.scales, position)

    def advance(self, x: Tensor, m: Tensor, drive: Tensor | None = None, position: int = 0) -> tuple[Tensor, Tensor]:
        """Run over time: x (time, batch, input), m (batch, cells) -> output (time, batch, output_size), last m.

        drive, position: see `run`.
        """
        h, ms = self.run(x, m, drive, position)
        return read_out(self.readout, h, ms), ms[-1]

    def step(self, x: Tensor, m: Tensor, position: int) -> tuple[Tensor, Tensor]:
        """Advance one frame, number `position` of its song: x (batch, input), m (batch, cells) -> output, m."""
        output, m = self.advance(x.unsqueeze(0), m, position=position)
        return output[0], m

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over a batch of sequences from their beginning; see the class for the shapes."""
        output, last = self.advance(x, self.initial_state(x.shape[1]) if state is None else state[0])
        return output, last.unsqueeze(0)

    @torch.no_grad()
    def with_scale(self, memory: LinearAutoencoder) -> MultiScaleLMN:
        """Return a layer with one more module, the slowest, that encodes h as `memory` does; all else stays as it is.

        memory: fitted to this layer's hidden sequences, as `sampled_hidden` gives them; one of fewer components leaves
        the last cells to a `spare_memory`. Source: the paper's incremental training, but for
        b_m = -A mean: the autoencoder may be centred here.

        The new cells are the last of the memory, and nothing hears them yet: their columns in W_mh and in the rows
        of the other modules are zero, as must be those that the caller adds to a readout from the memory.
        """
        size, first = memory.n_components, self.cells
        if size > self.memory_size or memory.n_features_in_ != self.hidden_size:
            raise ValueError(
                f"a module of {self.memory_size} cells that sees {self.hidden_size} hidden units cannot hold "
                f"an autoencoder of {size} components that sees {memory.n_features_in_}"
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
    """Return the frames of a song's hidden sequence, (time, hidden), that module `scale` sees: every 2^scale-th."""
    return h[:: 2**scale]


def modules_updated(t: int, scales: int) -> int:
    """Return how many modules frame t updates: those i < scales, the fastest first, for which 2^i divides t."""
    return min((t & -t).bit_length(), scales) if t else scales


def multiscale_scan(
    u: Tensor, m: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, b_m: Tensor, scales: int, position: int
) -> tuple[Tensor, Tensor]:
    """Run the recurrence over time.

    u: (time, batch, hidden), the input's part of the functional component, W_xh x_t + b_h.
    m: (batch, cells), the memory before the first frame, which is number `position` of its song.
    W_mh (hidden, cells), W_hm (cells, hidden), W_mm (cells, cells), zero below the block diagonal, b_m (cells,).
    Returns h (time, batch, hidden) and m (time, batch, cells), in the precision of the weights, also under autocast.
    First derivatives only; of W_mm, those of the blocks that may differ from zero. Backward by hand, as in
    lmn_music.models.networks.scan: what a weight gets from all frames is one product, or one for each module.
    """
    u, m = u.to(W_mm.dtype), m.to(W_mm.dtype)
    with torch.autocast(u.device.type, enabled=False):
        return _MultiScaleScan.apply(u, m, W_mh, W_hm, W_mm, b_m, scales, position)  # type: ignore[no-any-return]


class _MultiScaleScan(torch.autograd.Function):
    """The modules that a frame updates are the first `size` cells: only their rows enter its products.

    The LMN's scan is that of one scale, written apart: it takes up to 15 % less time on large batches.
    """

    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        m: Tensor,
        W_mh: Tensor,
        W_hm: Tensor,
        W_mm: Tensor,
        b_m: Tensor,
        scales: int,
        position: int,
    ) -> Any:
        time, batch, hidden_size = u.shape
        ctx.scales, ctx.position = scales, position
        ctx.sizes = [modules_updated(position + t, scales) * len(W_mm) // scales for t in range(time)]
        mh, hm, mm = (W.t().contiguous() for W in (W_mh, W_hm, W_mm))
        hs, ms = u.new_empty(time, batch, hidden_size), m.new_empty(time + 1, *m.shape)
        ms[0] = m
        parts = {size: (b_m[:size], mm[:, :size], hm[:, :size]) for size in set(ctx.sizes)}
        h, m_before = hs.unbind(), ms.unbind()  # m_before[t] is m_{t-1}
        for t, (u_t, size) in enumerate(zip(u.unbind(), ctx.sizes, strict=True)):
            b, to_m, from_h = parts[size]
            torch.addmm(u_t, m_before[t], mh, out=h[t]).tanh_()
            torch.addmm(b, m_before[t], to_m, out=m_before[t + 1][:, :size]).addmm_(h[t], from_h)
            if size < len(W_mm):
                m_before[t + 1][:, size:] = m_before[t][:, size:]
        ctx.save_for_backward(hs, ms, W_mh, W_hm, W_mm)
        return hs, ms[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: Tensor, grad_m: Tensor) -> Any:
        hs, ms, W_mh, W_hm, W_mm = ctx.saved_tensors
        # d loss / d (argument of tanh), and d loss / d m_{t-1}, frame by frame
        delta_a, delta_m = torch.empty_like(hs), torch.empty_like(ms)
        delta_m[1:], delta_m[0] = grad_m, 0
        a, m_before, h, from_h = delta_a.unbind(), delta_m.unbind(), hs.unbind(), grad_h.unbind()
        parts = {size: (W_hm[:size], W_mm[:size]) for size in set(ctx.sizes)}
        for t in reversed(range(len(hs))):
            size, (hm, mm) = ctx.sizes[t], parts[ctx.sizes[t]]
            updated = m_before[t + 1][:, :size]
            torch.addmm(from_h[t], updated, hm, out=a[t])
            torch.ops.aten.tanh_backward.grad_input(a[t], h[t], grad_input=a[t])
            m_before[t].addmm_(a[t], W_mh).addmm_(updated, mm)
            if size < len(W_mm):
                m_before[t][:, size:] += m_before[t + 1][:, size:]
        grad_hm, grad_mm, grad_b = torch.empty_like(W_hm), torch.zeros_like(W_mm), torch.empty_like(W_mm[0])
        for i in range(ctx.scales):
            first, last = i * len(W_mm) // ctx.scales, (i + 1) * len(W_mm) // ctx.scales
            seen = slice(-ctx.position % 2**i, None, 2**i)  # the frames that update module i
            delta = delta_m[1:][seen, :, first:last].flatten(0, 1)
            grad_hm[first:last] = delta.t() @ hs[seen].flatten(0, 1)
            grad_mm[first:last, first:] = delta.t() @ ms[:-1][seen, :, first:].flatten(0, 1)
            grad_b[first:last] = delta.sum(dim=0)
        grad_mh = delta_a.flatten(0, 1).t() @ ms[:-1].flatten(0, 1)
        return delta_a, delta_m[0].clone(), grad_mh, grad_hm, grad_mm, grad_b, None, None
