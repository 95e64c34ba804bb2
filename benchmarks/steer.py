"""How well `generate --voices` and `--density` are followed: a table of docs/music.md.

    python benchmarks/steer.py run
    python benchmarks/steer.py table

`run` composes five songs of each model with two, three and four keys asked for, in either way, and stores in
docs/results/steer.json which share of the frames has exactly so many keys, and how many keys a frame has. `table`
writes the table anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from lmn_music import api
from studies.stored import read_json, write_json
from studies.tables import fill, markdown

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "steer.json"
PAGE = ROOT / "docs" / "music.md"
MODELS = ("jsb", "nottingham")
ASKED = (2, 3, 4)
SEEDS = range(1, 6)


def keys_of(model: str, **limits: int) -> np.ndarray:
    """Return how many keys sound in each frame of five songs."""
    return np.concatenate([api.compose(model, seed=seed, device="cpu", **limits).frames.sum(axis=1) for seed in SEEDS])


def run() -> None:
    """Measure all, and store it."""
    found = {
        name: {
            "as it is": float(keys_of(name).mean()),
            "voices": [float((keys_of(name, voices=keys) == keys).mean()) for keys in ASKED],
            "density": [float(keys_of(name, density=keys).mean()) for keys in ASKED],
        }
        for name in MODELS
    }
    write_json(STORED, found)


def table() -> str:
    """Return a line for each model and number of keys."""
    return markdown(
        {
            "model": name,
            "keys in a frame, nothing asked for": f"{found['as it is']:.1f}",
            "asked for": str(keys),
            "`--voices`: frames with exactly so many": f"{share:.0%}",
            "`--density`: keys in a frame": f"{mean:.1f}",
        }
        for name, found in read_json(STORED).items()
        for keys, share, mean in zip(ASKED, found["voices"], found["density"], strict=True)
    )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["run", "table"])
    if parser.parse_args().command == "run":
        torch.set_num_threads(1)
        run()
    else:
        fill(PAGE, {"steer": table()}, alone=False)


if __name__ == "__main__":
    main()
