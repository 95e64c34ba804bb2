"""On a GPU, in under ten minutes: the LMN layer beside nn.LSTM (cuDNN), and frames per second of trainings.

`python benchmarks/speed/gpu.py` needs a GPU. With `--device cpu --smoke` the same code runs in a minute, so that it is
known to work where there is none; then nothing is stored.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
from measure import in_turn, median, ratio, store
from torch import Tensor, nn

from lmn_music.models.build import build
from lmn_music.models.networks.lmn import LMN
from lmn_music.music.pianoroll import KEYS
from lmn_music.training.recipe import load_recipe
from lmn_music.training.sharing import Loss

TIME = 100
SHAPES = [
    (128, 32),
    (256, 256),
    (512, 256),
    (64, 11264),
]  # hidden = memory, batch; the last: 128 songs of the tied model
BATCHES = {"lmn": (16, 128, 1024), "lmn-nade": (16, 128), "tied": (8, 64)}  # songs side by side, by recipe
SECONDS = 15.0  # for each of these, so that all take less than ten minutes


def both_ways(layer: Callable[[Tensor], Any], x: Tensor) -> Callable[[], None]:
    """Return a function that runs a layer forward and backward, and waits for the device."""

    def run() -> None:
        layer(x)[0].sum().backward()
        if x.is_cuda:
            torch.cuda.synchronize()

    return run


def layers(device: str, size: int, batch: int, seconds: float) -> dict[str, Any]:
    """Return milliseconds of the layer and of nn.LSTM, forward and backward; on a GPU also of its graph."""
    x = torch.randn(TIME, batch, size, device=device)
    torch.manual_seed(0)
    modules: dict[str, Any] = {"lmn": LMN(size, size, size).to(device), "lstm": nn.LSTM(size, size).to(device)}
    if x.is_cuda:  # torch captures the kernels of all frames, forward and backward, and launches them at once
        modules["captured"] = torch.cuda.make_graphed_callables(LMN(size, size, size).to(device), (x,))
    times = in_turn({name: both_ways(module, x) for name, module in modules.items()}, seconds=seconds)
    found = {name: round(1000 * median(times[name]), 3) for name in modules}
    ratios = {f"{name} / lstm": round(ratio(times, name, "lstm"), 3) for name in modules if name != "lstm"}
    return {"size": size, "batch": batch, **found, **ratios}


def training(device: str, recipe: str, songs: int, precision: str, seconds: float) -> dict[str, Any]:
    """Return the frames that a training step takes per second; in bf16 by autocast, where the scan stays in float32."""
    config = load_recipe(recipe)
    model = build(config.model, torch.Generator().manual_seed(0)).to(device).train()
    loss, optimizer = Loss(model), torch.optim.Adam(model.parameters())
    frames = (torch.rand(config.training.chunk, songs, KEYS, device=device) < 0.04).float()
    mask = torch.ones(frames.shape[:2], dtype=torch.bool, device=device)
    steps, began = 0, 0.0
    while steps < 3 or time.perf_counter() - began < seconds:
        if steps == 2:  # the first ones are slower
            began = time.perf_counter()
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16"):
            state = model.training_state(frames, torch.default_generator)
            nll, _ = loss(frames, mask, state)
        optimizer.zero_grad()
        (nll / mask.sum()).backward()
        optimizer.step()
        model.constrain()
        if frames.is_cuda:
            torch.cuda.synchronize()
        steps += 1
    rate = (steps - 2) * mask.numel() / (time.perf_counter() - began)
    peak = torch.cuda.max_memory_allocated() / 2**30 if frames.is_cuda else None
    return {
        "recipe": recipe,
        "songs": songs,
        "precision": precision,
        "frames_per_second": round(rate),
        "peak_gib": peak,
    }


def main() -> None:
    """Measure, and store what was measured on a GPU."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--smoke", action="store_true", help="tiny shapes, nothing is stored")
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("no GPU here: --device cpu --smoke shows that the code runs")
    shapes, batches, seconds = (([(8, 4)], {"lmn": (2,)}, 0.1)) if given.smoke else (SHAPES, BATCHES, SECONDS)
    results = {
        "gpu": torch.cuda.get_device_name() if given.device == "cuda" else given.device,
        "layers": [layers(given.device, size, batch, seconds) for size, batch in shapes],
        "training": [
            training(given.device, recipe, songs, precision, seconds)
            for recipe, counts in batches.items()
            for songs in counts
            for precision in ("float32", "bf16")
        ],
    }
    if given.smoke:
        print(results)
    else:
        store("gpu", results)


if __name__ == "__main__":
    main()
