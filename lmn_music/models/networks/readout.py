"""What a layer with a linear memory puts out, and the cells of a memory that an autoencoder leaves over."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Readout = Literal["memory", "hidden", "both"]


def output_size(readout: Readout, hidden_size: int, memory_size: int) -> int:
    """Return the size of the output that `read_out` returns."""
    return {"memory": memory_size, "hidden": hidden_size, "both": hidden_size + memory_size}[readout]


def read_out(readout: Readout, h: Tensor, m: Tensor) -> Tensor:
    """Return what a layer with this readout puts out, of its hidden states and its memories (..., size)."""
    if readout == "both":
        return torch.cat([h, m], dim=-1)
    return m if readout == "memory" else h


def spare_memory(cells: int, hidden_size: int) -> tuple[Tensor, Tensor]:
    """Return weights for the cells of a memory that an autoencoder leaves over, always the same ones.

    Nothing reads these cells at first; but they remember, so that reading them can be learned.

    Args:
        cells: how many cells are left over.
        hidden_size: the hidden units that the cells receive.

    Returns:
        W_hm (cells, hidden_size), drawn, and W_mm (cells, cells), orthogonal.
    """
    W_hm, W_mm = torch.zeros(cells, hidden_size), torch.zeros(cells, cells)
    if cells:
        generator = torch.Generator().manual_seed(0)
        nn.init.xavier_uniform_(W_hm, generator=generator)
        nn.init.orthogonal_(W_mm, generator=generator)
    return W_hm, W_mm
