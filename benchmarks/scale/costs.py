"""What a frame costs on one core, in training steps and in exact likelihoods: `python benchmarks/scale/costs.py DIR`.

DIR is a packed corpus, as fill.py makes it. Frames per second of the processor, one thread. Each call
measures all once more; docs/results/scale/costs.json keeps every one.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch
from watching import RESULTS, store

from lmn_music.allocator import keep_freed_memory
from lmn_music.corpora.batches import randomly_transposed
from lmn_music.corpora.packed import load_packed
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.models.build import build
from lmn_music.training.recipe import load_recipe
from lmn_music.training.trainer import Trainer
from studies.stored import read_json

RECIPES = ("lmn", "lmn-nade")
READ, BATCHES = 32, (8, 32)
STORED = RESULTS / "costs.json"


def trained(recipe: str, songs_of_a_batch: int, corpus: Path) -> float:
    """Return the frames that are trained on in a second of the processor."""
    config, songs = load_recipe(recipe), load_packed(corpus).train
    training = config.training.model_copy(update={"batch_songs": songs_of_a_batch, "transpose": 5})
    model = build(config.model, torch.Generator().manual_seed(0))
    trainer, seen = Trainer(model, songs[: 4 * songs_of_a_batch], songs[:1], training, stage="costs", seed=0), []

    def stop() -> bool:
        if trainer.progress.batch:  # else it is asked during the validation of the start
            seen.append((trainer.progress.frames, time.process_time()))
        return len(seen) > 2

    trainer.run(stop=stop)
    return (seen[-1][0] - seen[0][0]) / (seen[-1][1] - seen[0][1])


def read(recipe: str, corpus: Path) -> float:
    """Return the frames that are read in a second of the processor."""
    model = build(load_recipe(recipe).model, torch.Generator().manual_seed(0))
    songs, began = load_packed(corpus).test[:READ], time.process_time()
    frame_log_probs(model, songs)
    return float(songs.lengths.sum() / (time.process_time() - began))


def prepared(corpus: Path) -> float:
    """Return the frames of songs that are read from the disk and transposed in a second of the processor."""
    songs, generator = load_packed(corpus).train[: 8 * READ], torch.Generator().manual_seed(0)
    began = time.process_time()
    for song in songs:
        randomly_transposed(song, 5, generator)
    return float(songs.lengths.sum() / (time.process_time() - began))


def main(corpus: Path) -> None:
    """Measure all once more, and store it beside what was measured before."""
    torch.set_num_threads(1)
    keep_freed_memory()
    found: dict[str, list[float]] = read_json(STORED)
    for recipe in RECIPES:
        for count in BATCHES:
            found.setdefault(f"{recipe}, training, {count} songs of a batch", []).append(trained(recipe, count, corpus))
        found.setdefault(f"{recipe}, likelihood", []).append(read(recipe, corpus))
    found.setdefault("songs read and transposed", []).append(prepared(corpus))
    store("costs", {name: [round(rate) for rate in rates] for name, rates in found.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
