"""The Linear Memory Network as a torch layer."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.memory.static import delay_line, legendre
from lmn_music.models.config import ModelConfig
from lmn_music.models.networks.network import Network
from lmn_music.models.networks.readout import Readout, output_size, read_out, spare_memory
from lmn_music.models.networks.scan import scan, scan_step

LEGENDRE_FRAMES = 4  # that each cell of a Legendre memory stands for


class LMN(Network):
    """A recurrent layer whose memory is linear, used like `torch.nn.LSTM`.

        h_t = tanh(W_xh x_t + W_mh m_{t-1} + b_h)
        m_t = W_hm h_t + W_mm m_{t-1} + b_m

    The memory m is the whole recurrent state.

    Args:
        input_size: the numbers of a frame of the input.
        hidden_size: the units h of the functional component.
        memory_size: the cells m of the memory.
        readout: what the layer puts out: `memory`, m_t (LMN-B); `hidden`, h_t (LMN-A); `both`, [h_t, m_t].
        batch_first: whether inputs and outputs are (batch, time, size) and not (time, batch, size).

    Example:
        >>> layer = LMN(input_size=88, hidden_size=64, memory_size=256)
        >>> output, memory = layer(torch.randn(100, 8, 88))  # (100, 8, 256), (1, 8, 256)

    Source: Bacciu, Carta, Sperduti, "Linear Memory Networks", ICANN 2019, equations 1 and 2.
    """

    starts = ("orthogonal", "random", "delay", "legendre")
    memory_weights = ("W_hm", "W_mm", "b_m")
    scan = staticmethod(scan)
    scan_step = staticmethod(scan_step)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        memory_size: int,
        *,
        readout: Readout = "memory",
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.memory_size = input_size, hidden_size, memory_size
        self.readout, self.batch_first = readout, batch_first
        self.output_size = output_size(readout, hidden_size, memory_size)
        self.W_xh = nn.Parameter(torch.empty(self.drive_size, input_size))
        self.W_mh = nn.Parameter(torch.empty(self.drive_size, memory_size))
        self.b_h = nn.Parameter(torch.zeros(self.drive_size))
        self.W_hm = nn.Parameter(torch.empty(memory_size, hidden_size))
        self.W_mm = nn.Parameter(torch.empty(memory_size, memory_size))
        self.b_m = nn.Parameter(torch.zeros(memory_size))
        self.reset()

    @classmethod
    def from_config(cls, config: ModelConfig, input_size: int) -> Self:
        """See Network."""
        return cls(input_size, config.hidden_size, config.memory_size, readout=config.readout)

    def reset(self, start: str = "orthogonal", *, generator: torch.Generator | None = None) -> None:
        """Draw new weights, uniform (Glorot and Bengio 2010); the memory starts as one that knows nothing of the data.

        Args:
            start: `orthogonal`, W_mm is an orthogonal matrix; `random`, W_mm is drawn like all other weights; `delay`,
                the memory is a shift register of the last memory_size / hidden_size hidden states; `legendre`, it is
                their Legendre delay network, with a window of LEGENDRE_FRAMES frames for each cell of a hidden unit
                (see lmn_music.memory.static).
            generator: where the random numbers come from; torch's global ones if not given.
        """
        halves = [half for W in (self.W_xh, self.W_mh) for half in W.split(self.hidden_size)]
        for weight in (*halves, self.W_hm, self.W_mm):
            nn.init.xavier_uniform_(weight, generator=generator)
        if start == "orthogonal":
            nn.init.orthogonal_(self.W_mm, generator=generator)
        elif start in ("delay", "legendre"):
            order = max(1, self.memory_size // self.hidden_size)
            memory = (
                delay_line(self.hidden_size, self.memory_size)
                if start == "delay"
                else legendre(self.hidden_size, self.memory_size, window=LEGENDRE_FRAMES * order)
            )
            with torch.no_grad():
                self.W_hm.copy_(torch.from_numpy(memory.A))
                self.W_mm.copy_(torch.from_numpy(memory.B))
        nn.init.zeros_(self.b_h)
        nn.init.zeros_(self.b_m)
        self.constrain()

    @torch.no_grad()
    def load_autoencoder(self, memory: LinearAutoencoder) -> None:
        """Start the memory as the autoencoder of the hidden states h, which decodes them as far as h does not change.

        Args:
            memory: fitted to hidden sequences of this layer. Where it has fewer components than there are cells, the
                last cells become a `spare_memory`, which nothing reads yet.
        """
        W_hm, W_mm = spare_memory(self.memory_size - len(memory.B_), self.hidden_size)
        A, B = torch.from_numpy(memory.A_), torch.from_numpy(memory.B_)
        W_hm = torch.cat([A, W_hm.double()])
        self.W_hm.copy_(W_hm)
        self.W_mm.copy_(torch.block_diag(B, W_mm.double()))
        self.b_m.copy_(-W_hm @ torch.from_numpy(memory.mean_))

    def prepare(self) -> None:
        """Let h not depend on the memory yet: what comes back through drawn weights saturates h."""
        nn.init.zeros_(self.W_mh)

    @torch.no_grad()
    def constrain(self) -> None:
        """Clip the singular values of W_mm at 1, so that no song is long enough to make the memory explode.

        A frozen W_mm (one that needs no gradient) stays as it is, and so does one that has a shape but no numbers.
        """
        if not self.W_mm.requires_grad or self.W_mm.is_meta:
            return
        # Only the singular vectors above 1 are needed; near 1 the squared matrix gives them as well as the SVD does, in
        # half the time.
        W = self.W_mm.cpu() if self.W_mm.device.type == "mps" else self.W_mm  # mps has no eigh
        squares, V = torch.linalg.eigh(W.t() @ W)
        above = squares > 1
        V = V[:, above]
        self.W_mm.sub_(((W @ V) * (1 - squares[above].rsqrt()) @ V.t()).to(self.W_mm.device))

    def initial_state(self, batch: int) -> Tensor:
        """Return the empty memory, (batch, memory_size)."""
        return self.W_mm.new_zeros(batch, self.memory_size)

    def run(self, x: Tensor, m: Tensor, drive: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over time, and return both components.

        Args:
            x: (time, batch, input_size).
            m: (batch, memory_size), the memory before the first frame.
            drive: what enters h beside W_xh x_t, broadcastable to (time, batch, drive_size).

        Returns:
            h (time, batch, hidden_size) and m (time, batch, memory_size).
        """
        u = nn.functional.linear(x, self.W_xh, self.b_h)
        u = u if drive is None else u + drive
        return self.scan(u, m, self.W_mh, self.W_hm, self.W_mm, self.b_m)

    def put_out(self, x: Tensor, h: Tensor, m: Tensor) -> Tensor:  # noqa: ARG002 - a gated readout reads the input too
        """Return the output (..., output_size) of inputs, hidden states and memories (..., size)."""
        return read_out(self.readout, h, m)

    def advance(
        self,
        x: Tensor,
        m: Tensor,
        drive: Tensor | None = None,
        position: int = 0,  # noqa: ARG002
    ) -> tuple[Tensor, Tensor]:
        """See Network. The position of a frame means nothing to this network."""
        h, ms = self.run(x, m, drive)
        return self.put_out(x, h, ms), ms[-1]

    def step(self, x: Tensor, m: Tensor) -> tuple[Tensor, Tensor]:
        """Advance by one frame.

        Args:
            x: (batch, input_size).
            m: (batch, memory_size), the memory before the frame.

        Returns:
            The output (batch, output_size), and the memory (batch, memory_size) after the frame.
        """
        u = nn.functional.linear(x, self.W_xh, self.b_h)
        h, m = self.scan_step(u, m, self.W_mh, self.W_hm, self.W_mm, self.b_m)
        return self.put_out(x, h, m), m

    def forward(
        self, x: Tensor | PackedSequence, state: Tensor | None = None
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Run over a batch of sequences.

        Args:
            x: (time, batch, input_size), or (batch, time, input_size) with `batch_first`, or a PackedSequence.
            state: (1, batch, memory_size), the memory before the first frame; zeros if not given.

        Returns:
            The output, in the form of the input, and the last memory (1, batch, memory_size); for a packed batch, the
            memory after each sequence's own last frame.

        Raises:
            ValueError: input or state has another shape.
        """
        if isinstance(x, PackedSequence):
            return self._forward_packed(x, state)
        if x.dim() != 3:
            raise ValueError(f"an LMN takes (time, batch, input) or (batch, time, input), not {tuple(x.shape)}")
        if self.batch_first:
            x = x.transpose(0, 1)
        h, m = self.run(x, self._first_memory(state, x.shape[1]))
        output = self.put_out(x, h, m)
        return output.transpose(0, 1) if self.batch_first else output, m[-1:]

    def _forward_packed(self, packed: PackedSequence, state: Tensor | None) -> tuple[PackedSequence, Tensor]:
        # Run in the packed order, longest first, and put the output back where the input came from.
        x, lengths = pad_packed_sequence(PackedSequence(packed.data, packed.batch_sizes))
        m = self._first_memory(state, x.shape[1])
        if packed.sorted_indices is not None:
            m = m[packed.sorted_indices]
        h, ms = self.run(x, m)
        sounding = torch.arange(len(x)).unsqueeze(1) < lengths
        output = packed._replace(data=self.put_out(x, h, ms)[sounding.to(x.device)])
        last = ms[lengths - 1, torch.arange(len(lengths))]
        if packed.unsorted_indices is not None:
            last = last[packed.unsorted_indices]
        return output, last.unsqueeze(0)

    def _first_memory(self, state: Tensor | None, batch: int) -> Tensor:
        if state is None:
            return self.initial_state(batch)
        if state.shape != (1, batch, self.memory_size):
            raise ValueError(f"the state has shape (1, {batch}, {self.memory_size}), not {tuple(state.shape)}")
        return state[0]

    def extra_repr(self) -> str:
        """Name the sizes in the module's printed form."""
        return f"{self.input_size}, {self.hidden_size}, {self.memory_size}, readout={self.readout!r}"
