"""Layers on sequences of 100 to 100,000 frames: those that read all frames at once, beside one frame after the other.

Seconds of a processor, one thread, one sequence of 64 numbers a frame: reading alone, and reading with the gradients of
all weights. Hidden = memory = 64, and an LRU of 64 complex states; the wider parallel LMN has as many parameters as the
LSTM. S4D has 16 complex states for each of its 64 inputs. `python benchmarks/speed/length.py 1000` measures one length.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import torch
from measure import RESULTS, in_turn, median, store
from torch import nn

from lmn_music import LMN, ParallelLMN
from studies.memory.lru import LRU
from studies.memory.s4d import S4D

LEAST = {
    100: 5,
    1000: 5,
    10_000: 2,
    100_000: 0,
}  # lengths, and how often each is measured at least; 0: once, unprepared
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


def once(function: Callable[[], None]) -> float:
    """Return the seconds of one call."""
    begun = time.process_time()
    function()
    return time.process_time() - begun


def measure(length: int, layers: dict[str, nn.Module]) -> list[dict[str, object]]:
    """Return what every layer takes to read, and to learn from, a sequence of so many frames."""
    x, rows = torch.randn(length, 1, SIZE), []
    for what, called in (("read", reading), ("learn", learning)):
        functions = {name: called(layer, x) for name, layer in layers.items()}
        if LEAST[length]:
            seconds = 2 if length < 10_000 else 0
            times = in_turn(functions, seconds=seconds, least=LEAST[length], clock=time.process_time)
            found = {name: median(values) for name, values in times.items()}
        else:
            found = {name: once(function) for name, function in functions.items()}
        row: dict[str, object] = {"frames": length, "": what}
        row |= {f"{name}, ms": 1e3 * taken for name, taken in found.items()}
        rows.append(row | {f"LSTM / {name}": found["LSTM"] / found[name] for name in ("parallel LMN", "wider")})
    return rows


def main() -> None:
    """Measure the lengths that are named, or all, and keep the others as they are stored."""
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
    sizes = {name: sum(weight.numel() for weight in layer.parameters()) for name, layer in layers.items()}
    path = RESULTS / "length.json"
    rows: dict[int, list[dict[str, object]]] = {length: [] for length in LEAST}
    for row in json.loads(path.read_text())["results"]["times"] if path.exists() else []:
        rows[row["frames"]].append(row)
    for length in map(int, sys.argv[1:] or LEAST):
        rows[length] = measure(length, layers)
        store("length", {"times": [row for found in rows.values() for row in found], "parameters": sizes})


if __name__ == "__main__":
    main()
