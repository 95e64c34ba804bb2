"""The gated LMN, forward and backward, beside torch's LSTM and GRU and the plain LMN: one thread, processor time."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from layer import SHAPES, TIME
from measure import in_turn, median, ratio, store
from torch import Tensor, nn

from lmn_music.models.networks.gated import GatedLMN
from lmn_music.models.networks.lmn import LMN

# input, hidden, memory, units of the LSTM, batch: as many parameters, but for the last two, the study of starts and the
# small tied model, where whole models have as many
PAIRS = [(size, size, size, size, batch) for size, batch in SHAPES] + [(88, 64, 160, 130, 8), (69, 32, 48, 40, 700)]


def measure(inputs: int, hidden: int, memory: int, units: int, batch: int) -> dict[str, float]:
    """Return milliseconds of each, and our ratios."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(TIME, batch, inputs, generator=generator)

    def both_ways(layer: nn.Module, size: int) -> Callable[[], None]:
        upstream = torch.randn(TIME, batch, size, generator=generator)

        def run() -> None:
            output: Tensor = layer(x)[0]
            output.backward(upstream)

        return run

    functions = {
        "gated LMN": both_ways(GatedLMN(inputs, hidden, memory, readout="memory"), memory),
        "LMN": both_ways(LMN(inputs, hidden, memory), memory),
        "LSTM": both_ways(nn.LSTM(inputs, units), units),
        "GRU": both_ways(nn.GRU(inputs, units), units),
    }
    times = in_turn(functions, seconds=8, least=7, clock=time.process_time)
    figures = {f"{name}, ms": 1e3 * median(values) for name, values in times.items()}
    return figures | {
        f"gated LMN / {name}": ratio(times, "gated LMN", name) for name in functions if "gated" not in name
    }


def main() -> None:
    """Measure all shapes."""
    torch.set_num_threads(1)
    columns = ("input", "hidden", "memory", "LSTM, GRU", "batch")
    store("gated", [dict(zip(columns, pair, strict=True)) | measure(*pair) for pair in PAIRS])


if __name__ == "__main__":
    main()
