"""How soon a training heeds Ctrl-C: the time between one look and the next, over all of it. For docs/reliability.md.

    python benchmarks/stopping.py run
    python benchmarks/stopping.py table

`run` trains on JSB chorales with the recipes `lmn` and `tied`, one epoch in each stage and all of the work between the
stages, in one thread, and notes when it looks whether the user has asked to stop: a signal waits until the next look,
whenever it comes. docs/results/stopping.json keeps the figures. `table` writes the table anew.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from pathlib import Path

import torch

from lmn_music import api
from studies.stored import read_json, write_json
from studies.tables import fill, markdown

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "stopping.json"
PAGE = ROOT / "docs" / "reliability.md"
RECIPES = ("lmn", "tied")
WORK = {  # the function that looks, or for which another one does
    "_from_unrolled": "the autoencoder",
    "with_experts": "copy experts",
    "with_own_past": "own past",
    "shared_nll": "validation",
    "run": "batches",
}

Figures = dict[str, dict[str, float]]


def looks(recipe: str) -> Figures:
    """Train, and return for each kind of work how often it looks, its seconds, and the longest time without a look.

    Args:
        recipe: the name of a recipe.
    """
    between, last = defaultdict(list), time.process_time()

    def stop() -> bool:
        nonlocal last
        now, callers = time.process_time(), {frame.f_code.co_name for frame, _ in traceback.walk_stack(sys._getframe())}
        between[next(work for name, work in WORK.items() if name in callers)].append(now - last)
        last = now
        return False

    with tempfile.TemporaryDirectory() as place:
        changes = ["pretraining.epochs=1"]
        run = api.start_run("jsb", out=Path(place) / "run", recipe=recipe, epochs=1, changes=changes, seed=1)
        last = time.process_time()
        run.run(stop)
    return {
        work: {"looks": len(times), "seconds": round(sum(times), 1), "longest": round(max(times), 2)}
        for work, times in between.items()
    }


def table() -> str:
    """Return the rows of the page."""
    return markdown(
        {
            "recipe": recipe,
            "work": work,
            "looks": f"{found['looks']:,}",
            "s in all": f"{found['seconds']:.1f}",
            "s between two looks, at most": f"{found['longest']:.2f}",
        }
        for recipe, figures in read_json(STORED).items()
        for work, found in figures.items()
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "table"])
    if parser.parse_args().what == "table":
        fill(PAGE, {"stopping": table()}, alone=False)
    else:
        torch.set_num_threads(1)
        counts = {recipe: looks(recipe) for recipe in RECIPES}
        write_json(STORED, counts)
        print(table())
