"""Layers on sequences of 100 to 100,000 frames: those that read all frames at once, beside one frame after the other.

Seconds of a processor, one thread, one sequence of 64 numbers a frame: reading alone, and reading with the gradients of
all weights. Hidden = memory = 64, and an LRU of 64 complex states; the wider parallel LMN has as many parameters as the
LSTM. S4D has 16 complex states for each of its 64 inputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from measure import in_turn, median, store
from torch import nn

from lmn_music import LMN, ParallelLMN
from studies.memory.lru import LRU
from studies.memory.s4d import S4D

LENGTHS = (100, 1000, 10_000, 100_000)
SIZE, WIDER, STATES = 64, 112, 16


def reading(layer: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    """Return a function that reads a sequence."""

    @torch.no_grad()
    def read() -> None:
        layer(x)

    return read


def learning(layer: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    """Return a function that reads a sequence and makes all gradients."""
    return lambda: layer(x)[0].sum().backward()


def main() -> None:
    """Measure all lengths."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    layers = {
        "LMN": LMN(SIZE, SIZE, SIZE),
        "parallel LMN": ParallelLMN(SIZE, SIZE, SIZE, readout="memory"),
        "wider": ParallelLMN(SIZE, WIDER, WIDER, readout="memory"),
        "LSTM": nn.LSTM(SIZE, SIZE),
        "LRU": LRU(SIZE, SIZE),
        "S4D": S4D(SIZE, STATES),
    }
    results = []
    for length in LENGTHS:
        x = torch.randn(length, 1, SIZE)
        for what, called in (("read", reading), ("learn", learning)):
            functions = {name: called(layer, x) for name, layer in layers.items()}
            few = length > LENGTHS[-2]
            times = in_turn(functions, seconds=0 if few else 2, least=1 if few else 5, clock=time.process_time)
            found = {name: median(values) for name, values in times.items()}
            row: dict[str, object] = {"frames": length, "": what}
            row |= {f"{name}, ms": 1e3 * seconds for name, seconds in found.items()}
            row |= {f"LSTM / {name}": found["LSTM"] / found[name] for name in ("parallel LMN", "wider")}
            print(row, flush=True)
            results.append(row)
    sizes = {name: sum(weight.numel() for weight in layer.parameters()) for name, layer in layers.items()}
    results.append({"frames": "parameters", "": ""} | {f"{name}, ms": size for name, size in sizes.items()})
    store("length", results)


if __name__ == "__main__":
    main()
