"""How far a recipe depends on its seed: finished trainings on the test split.

    lmn-music train piano --seed 2 --out runs/piano-2     # the command of the shipped model, and another seed
    python benchmarks/seeds.py run runs/piano-2
    python benchmarks/seeds.py table

`run` reads the test split, once for each training, and adds to docs/results/seeds.json its likelihoods, without and
with the training songs at hand. `table` writes the table of docs/results.md anew.
"""

from __future__ import annotations

import argparse
import json
from itertools import groupby
from pathlib import Path
from statistics import fmean, stdev

import torch

from lmn_music.corpora import load_corpus
from lmn_music.errors import UsageError
from lmn_music.evaluation.likelihood import frame_log_probs, nll_per_frame
from lmn_music.models.checkpoint import load_checkpoint
from studies.engine import commit
from studies.stored import read_json, write_json
from studies.tables import fill, markdown

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "seeds.json"
PAGE = ROOT / "docs" / "results.md"
LIKELIHOODS = {  # by their names in the table
    "validation": "valid",
    "test": "test",
    "training songs at hand: validation": "valid_songs_at_hand",
    "the same, test": "test_songs_at_hand",
}


def run(folders: list[str]) -> None:
    """Add finished trainings to what is stored."""
    for folder in folders:
        checkpoint = load_checkpoint(folder)
        header, model = checkpoint.header, checkpoint.model
        if not header.corpus.comparable:
            raise UsageError(f"{folder} was trained on a stand-in for a benchmark, or on a folder")
        corpus = load_corpus(header.corpus.source)
        lines = [json.loads(line) for line in (Path(folder) / "metrics.jsonl").read_text().splitlines()]
        validated = [line["valid_nll_songs_at_hand"] for line in lines if "valid_nll_songs_at_hand" in line]
        if not validated:
            raise UsageError(f"{folder} is not finished: resume it")
        at_hand = model.with_songs(corpus.train)
        assert at_hand is not None
        found = {
            "valid": header.figures["valid_nll"],
            "test": nll_per_frame(frame_log_probs(model, corpus.test)),
            "valid_songs_at_hand": validated[0],
            "test_songs_at_hand": nll_per_frame(frame_log_probs(at_hand, corpus.test)),
        }
        row = {name: round(nll, 4) for name, nll in found.items()}
        stored = read_json(STORED) | {f"{header.corpus.name}, seed {header.seed}": row | {"commit": commit()}}
        write_json(STORED, dict(sorted(stored.items())))
        print(header.corpus.name, header.seed, row, flush=True)


def table() -> str:
    """Return a line for each corpus, means and standard deviations over seeds."""
    rows = read_json(STORED)
    by_corpus = groupby(rows, key=lambda name: name.split(",")[0])
    return markdown(_line(corpus, [rows[name] for name in names]) for corpus, names in by_corpus)


def _line(corpus: str, rows: list[dict[str, float]]) -> dict[str, str]:
    line = {"corpus": corpus, "seeds": str(len(rows))}
    for title, name in LIKELIHOODS.items():
        nats = [row[name] for row in rows]
        line[title] = f"{fmean(nats):.3f}" + (f" ± {stdev(nats):.3f}" if len(nats) > 1 else "")
    return line


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run").add_argument("runs", nargs="+")
    commands.add_parser("table")
    options = parser.parse_args()
    if options.command == "run":
        torch.set_num_threads(1)
        run(options.runs)
    else:
        fill(PAGE, {"seeds": table()}, alone=False)


if __name__ == "__main__":
    main()
