"""Small runs, for tests."""

import json

from lmn_music.training.folder import RunConfig, corpus_info
from lmn_music.training.recipe import BASELINES, parse_recipe

BASE = ["model.hidden_size=6", "model.memory_size=8", "model.window=3", "model.dropout=0.3", "model.input_dropout=0.2"]
BASE += [
    "training.batch_songs=3",
    "training.chunk=12",
    "training.epochs=3",
    "training.ema_decay=0.9",
    "training.transpose=2",
]
BASE += ["pretraining.batch_songs=3", "pretraining.epochs=2"]

# What is compared with the LMN, small, and the multi-scale memory with three scales of one epoch each.
SMALL = ["model.hidden_size=6", "model.memory_size=8"]
OTHERS = {name: [*changes, *SMALL] for name, changes in BASELINES.items()}
OTHERS["ms-lmn"].append("model.scales=3")


def config(corpus, *changes, seed=5):
    recipe = parse_recipe("", [*BASE, *changes])
    return RunConfig(command="lmn-music train small", seed=seed, corpus=corpus_info(corpus), recipe=recipe)


def metrics_of(folder):
    """Return the lines that a run has written to metrics.jsonl."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
