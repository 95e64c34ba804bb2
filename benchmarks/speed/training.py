"""One epoch of each shipped recipe: seconds, peak memory, where the time goes, and what the parts are worth.

python benchmarks/speed/training.py             # an epoch of each
python benchmarks/speed/training.py whole jsb   # a whole training by `lmn-music train`, into runs/speed/jsb
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from measure import BIN, ROOT, fresh, in_turn, median, peak_mib, ratio, store
from torch.profiler import ProfilerActivity, profile

from lmn_music.allocator import keep_freed_memory
from lmn_music.corpora import load_corpus
from lmn_music.models.build import build
from lmn_music.models.networks.scan import reference_scan, scan
from lmn_music.training.recipe import default_recipe, load_recipe
from lmn_music.training.trainer import Trainer

CORPORA = ("jsb", "piano", "nottingham", "muse")
PROFILED = 10  # batches

# What the profiler calls things -> what they are.
KINDS = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::addmm_", "aten::bmm"),
    "copying, joining, filling": (
        "aten::cat",
        "aten::copy_",
        "aten::fill_",
        "aten::zero_",
        "aten::clone",
        "aten::index",
    ),
    "element by element": (
        *("aten::add", "aten::add_", "aten::mul", "aten::mul_", "aten::sub", "aten::div", "aten::tanh_", "aten::tanh"),
        *("aten::threshold_backward", "aten::clamp_min", "aten::tanh_backward", "aten::relu", "aten::sigmoid"),
        *("aten::bernoulli_", "aten::binary_cross_entropy_with_logits", "aten::exp", "aten::log1p"),
    ),
    "sums": ("aten::sum", "aten::cumsum", "aten::_softmax", "aten::_softmax_backward_data", "aten::norm"),
    "optimiser, averaging, projection": (
        *("Optimizer.step#Adam.step", "aten::lerp_", "aten::addcdiv_", "aten::addcmul_", "aten::sqrt"),
        *("aten::_linalg_eigh", "aten::_foreach_add_"),
    ),
}


def trainer(corpus: str) -> Trainer:
    """Return the second stage of the corpus's recipe, from a drawn memory: the same work as from an autoencoder's."""
    songs, recipe = load_corpus(corpus), load_recipe(default_recipe(corpus))
    model = build(recipe.model, torch.Generator().manual_seed(1))
    return Trainer(model, songs.train, songs.valid, recipe.training, stage="lmn", seed=1)


def epoch(corpus: str, *, keep_memory: bool = True) -> dict[str, float]:
    """Train one epoch as the command does it, the validation included."""
    if keep_memory:
        keep_freed_memory()
    work = trainer(corpus)
    work.progress.best_valid = 1e9  # else the untrained model is validated first
    work.config = work.config.model_copy(update={"epochs": 1})
    start = time.perf_counter()
    work.run()
    seconds = time.perf_counter() - start
    return {"epoch, s": seconds, "threads": torch.get_num_threads(), "peak memory, MiB": peak_mib()}


def shares(corpus: str) -> dict[str, float]:
    """Return the share of each kind of work in the training of some batches, one thread."""
    torch.set_num_threads(1)
    work = trainer(corpus)
    batches = range(PROFILED)
    for number in batches[:2]:
        work._train_batch([number])
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for number in batches:
            work._train_batch([4 * number + song for song in range(4)])
    kind_of = {name: kind for kind, names in KINDS.items() for name in names}
    total: Counter[str] = Counter()
    for event in profiler.key_averages():
        total[kind_of.get(event.key, "Python, the rest")] += event.self_cpu_time_total
    return {kind: time / total.total() for kind, time in total.most_common()}


def parts() -> dict[str, float]:
    """Return what an epoch's batches would cost with the plain loop over frames, by the scan, in turn."""
    torch.set_num_threads(2)
    work = trainer("jsb")

    def batches(recurrence: object) -> None:
        with patch("lmn_music.models.networks.lmn.scan", recurrence):
            for number in range(5):
                work._train_batch([4 * number + song for song in range(4)])

    times = in_turn({"scan": lambda: batches(scan), "plain loop": lambda: batches(reference_scan)}, seconds=20)
    return {"jsb, five batches, s": median(times["scan"]), "scan / plain loop": ratio(times, "scan", "plain loop")}


def whole(corpus: str) -> None:
    """Train by the command, and keep the wall-clock to the end of each epoch and the validation likelihood there.

    The command's start, the reading of the corpus, the fit and the hand-over are in it. A training that was interrupted
    resumes, and its last epochs count from where it stood.
    """
    out = ROOT / "runs" / "speed" / corpus
    before = epochs(out)
    start = time.time()
    command = ["train", "--resume", str(out)] if out.exists() else ["train", corpus, "--out", str(out)]
    subprocess.run([BIN / "lmn-music", *command], check=True)
    finished = (out / "best.safetensors").stat().st_mtime, time.time()
    curve = epochs(out)
    gone = before[-1]["seconds"] if before else 0.0
    result = {
        "command": f"lmn-music train {corpus}",
        "validation, nats per frame": min(line["valid_nll"] for line in curve),
        "wall-clock to it, s": gone + finished[0] - start,
        "in all, s": gone + finished[1] - start,
        "curve": [(line["stage"], line["seconds"], line["valid_nll"]) for line in curve],
    }
    store(f"training-{corpus}", result)


def epochs(run: Path) -> list[dict[str, Any]]:
    """Return the finished epochs of a run so far."""
    metrics = run / "metrics.jsonl"
    lines = [json.loads(line) for line in metrics.read_text().splitlines()] if metrics.exists() else []
    return [line for line in lines if "epoch" in line]


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["epochs", "whole"], default="epochs")
    parser.add_argument("corpus", nargs="?", choices=CORPORA)
    arguments = parser.parse_args()
    if arguments.what == "whole":
        whole(arguments.corpus)
    else:
        results = {corpus: fresh(epoch, corpus) | {"shares": shares(corpus)} for corpus in CORPORA}
        memory = {True: list[float](), False: list[float]()}
        for keep in [True, False] * 3:
            memory[keep].append(fresh(partial(epoch, keep_memory=keep), "jsb")["epoch, s"])
        kept = {"memory kept / given back": median([a / b for a, b in zip(*memory.values(), strict=True)])}
        store("training", {"epochs": results, "parts": parts() | kept})


if __name__ == "__main__":
    main()
