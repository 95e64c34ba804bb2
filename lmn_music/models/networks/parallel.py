"""Linear Memory Networks that are computed for all frames at once: one without feedback, and a stack of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from lmn_music.memory.laes import fit_autoencoder
from lmn_music.models.networks.linear_scan import linear_scan
from lmn_music.models.networks.lmn import LMN
from lmn_music.models.networks.readout import Readout


def parallel_scan(u: Tensor, m: Tensor, W_mh: Tensor, W_hm: Tensor, W_mm: Tensor, b_m: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG001 - one signature for all scans
    """Run an LMN whose W_mh is zero over time; see `lmn_music.models.networks.scan.scan`."""
    h = torch.tanh(u)
    return h, linear_scan(nn.functional.linear(h, W_hm, b_m), m, W_mm)


class ParallelLMN(LMN):
    """An LMN without feedback, W_mh = 0: its hidden units read the input alone, so that no frame waits for another.

        h_t = tanh(W_xh x_t + b_h)
        m_t = W_hm h_t + W_mm m_{t-1} + b_m

    Args, output and state are those of `LMN`; only what stands above the memory can compare it with what follows.

    Args:
        input_size: the numbers of a frame of the input.
        hidden_size: the units h of the functional component.
        memory_size: the cells m of the memory.
        readout: what the layer puts out: `both`, [h_t, m_t]; `memory`, m_t; `hidden`, h_t.
        batch_first: whether inputs and outputs are (batch, time, size) and not (time, batch, size).
    """

    scan = staticmethod(parallel_scan)
    W_mh: Tensor  # type: ignore[assignment]

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
        del self.W_mh
        self.register_buffer("W_mh", torch.zeros(hidden_size, memory_size), persistent=False)

    def reset(self, start: str = "orthogonal", *, generator: torch.Generator | None = None) -> None:
        """See LMN."""
        super().reset(start, generator=generator)
        nn.init.zeros_(self.W_mh)


class Block(nn.Module):
    """A recurrent layer between a normalisation and a gated mixing of its outputs, added to what it reads.

        y = x + a * sigmoid(b),    [a, b] = W gelu(layer(norm(x)))

    Args:
        layer: called as `layer(x, state)`, it returns (time, batch, output_size) and its last state.
        size: the numbers of a frame that the layer reads, and that the block puts out.
        output_size: those that the layer puts out.

    Source: the block of Gu, Goel, Re, "Efficiently modeling long sequences with structured state spaces", 2022, and of
    Orvieto et al., "Resurrecting recurrent neural networks for long sequences", 2023.
    """

    def __init__(self, layer: nn.Module, size: int, output_size: int) -> None:
        super().__init__()
        self.norm, self.layer, self.mix = nn.LayerNorm(size), layer, nn.Linear(output_size, 2 * size)

    def forward(
        self, x: Tensor | PackedSequence, state: Tensor | None = None
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Run over time.

        Args:
            x: (time, batch, size), or packed.
            state: of the layer, before the first frame.

        Returns:
            The output in the form of the input, and the last state of the layer.
        """
        frames = x.data if isinstance(x, PackedSequence) else x
        read = self.norm(frames)
        y, state = self.layer(x._replace(data=read) if isinstance(x, PackedSequence) else read, state)
        mixed = nn.functional.glu(self.mix(nn.functional.gelu(y.data if isinstance(y, PackedSequence) else y)))
        return (x._replace(data=frames + mixed) if isinstance(x, PackedSequence) else frames + mixed), state


class LMNStack(nn.Module):
    """A stack of linear memories, computed for all frames at once: `ParallelLMN` layers in blocks (see `Block`).

    A single one has no feedback; in a stack, the hidden units of a layer read the memories of the layers below it, so
    that frames are compared with the past all the same.

    Args:
        input_size: the numbers of a frame of the input.
        size: the numbers of a frame between the layers, and of the output.
        hidden_size: the hidden units of each layer.
        memory_size: the cells of the memory of each layer.
        layers: how many.
        batch_first: whether inputs and outputs are (batch, time, size) and not (time, batch, size).

    Example:
        >>> stack = LMNStack(input_size=88, size=64, hidden_size=32, memory_size=64, layers=2)
        >>> output, memories = stack(torch.randn(1000, 8, 88))  # (1000, 8, 64), (2, 8, 64)
    """

    def __init__(
        self,
        input_size: int,
        size: int,
        hidden_size: int,
        memory_size: int,
        layers: int = 2,
        *,
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        self.input_size, self.output_size, self.batch_first = input_size, size, batch_first
        self.read_in = nn.Linear(input_size, size)
        made = [ParallelLMN(size, hidden_size, memory_size) for _ in range(layers)]
        self.blocks = nn.ModuleList(Block(layer, size, layer.output_size) for layer in made)

    @property
    def layers(self) -> list[ParallelLMN]:
        """The layers, lowest first."""
        return [block.layer for block in self.blocks]  # type: ignore[misc]

    def reset(self, start: str = "orthogonal", *, generator: torch.Generator | None = None) -> None:
        """Draw the weights of the layers anew; see `LMN.reset`."""
        for layer in self.layers:
            layer.reset(start, generator=generator)

    @torch.no_grad()
    def start_as_autoencoders(self, x: Tensor, length: int = 0) -> None:
        """Let each memory start as the linear autoencoder of the hidden states that it reads, the lowest first.

        Args:
            x: (time, batch, input_size), or (batch, time, input_size) with `batch_first`: sequences to fit to.
            length: cut the hidden sequences into pieces of so many frames; 0 leaves them whole.

        Raises:
            ValueError: the hidden states never change.
        """
        y = self.read_in(x.transpose(0, 1) if self.batch_first else x)
        for block, layer in zip(self.blocks, self.layers, strict=True):
            assert isinstance(block, Block)
            h, _ = layer.run(block.norm(y), layer.initial_state(y.shape[1]))
            pieces = [song for part in h.split(length or len(h)) for song in part.transpose(0, 1).cpu().numpy()]
            layer.load_autoencoder(fit_autoencoder(pieces, layer.memory_size))
            y, _ = block(y)

    @torch.no_grad()
    def constrain(self) -> None:
        """Clip the singular values of every memory at 1; to be called after each step of an optimiser."""
        for layer in self.layers:
            layer.constrain()

    def forward(
        self, x: Tensor | PackedSequence, state: Tensor | None = None
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Run over a batch of sequences.

        Args:
            x: (time, batch, input_size), or (batch, time, input_size) with `batch_first`, or a PackedSequence.
            state: (layers, batch, memory_size), the memories before the first frame; zeros if not given.

        Returns:
            The output, in the form of the input, and the last memories (layers, batch, memory_size); for a packed
            batch, those after each sequence's own last frame.

        Raises:
            ValueError: input or state has another shape.
        """
        if isinstance(x, PackedSequence):
            y: Tensor | PackedSequence = x._replace(data=self.read_in(x.data))
        elif x.dim() != 3:
            raise ValueError(f"a stack takes (time, batch, input) or (batch, time, input), not {tuple(x.shape)}")
        else:
            y = self.read_in(x.transpose(0, 1) if self.batch_first else x)
        before: Sequence[Tensor | None] = [None] * len(self.blocks) if state is None else state.split(1)
        if len(before) != len(self.blocks):
            raise ValueError(f"the state has the memories of {len(before)} layers, not of {len(self.blocks)}")
        after = []
        for block, memory in zip(self.blocks, before, strict=True):
            y, last = block(y, memory)
            after.append(last)
        output = y.transpose(0, 1) if self.batch_first and isinstance(y, Tensor) else y
        return output, torch.cat(after)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Advance by one frame: the same numbers as `forward`, in constant time.

        Args:
            x: (batch, input_size).
            state: (layers, batch, memory_size), the memories before the frame.

        Returns:
            The output (batch, size), and the memories after the frame.
        """
        frame = x.unsqueeze(1 if self.batch_first else 0)
        y, after = self(frame, state)
        return y.squeeze(1 if self.batch_first else 0), after
