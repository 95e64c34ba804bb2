"""What the shipped models compose, beside the test songs of their corpora: the table of docs/music.md.

    python benchmarks/music.py run
    python benchmarks/music.py table

`run` composes what is missing in docs/results/music.json, ten songs at a time without a beginning to continue, and
stores what every measure counts in them. The songs of a model are as long as its median test song, but have at most
`--frames` frames; of each test song as many frames are read. `table` writes the table anew from what is stored.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lmn_music import api
from lmn_music.corpora import Corpus, load_corpus
from lmn_music.evaluation.compare_songs import compare, measure_songs
from lmn_music.evaluation.song_report import Row
from lmn_music.evaluation.spread import distance
from lmn_music.models.checkpoint import shipped_names
from lmn_music.music.measures import value
from studies.stored import read_json, write_json
from studies.tables import fill, markdown

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "music.json"
PAGE = ROOT / "docs" / "music.md"
BLOCK = 10  # songs

Results = dict[str, list[Any]]


def store(name: str, measured: list[Any]) -> None:
    """Add a measurement, one in a line."""
    short = json.loads(json.dumps(measured), parse_float=lambda number: float(f"{float(number):.6g}"))
    results = read_json(STORED) | {name: short}  # others may have written
    write_json(STORED, dict(sorted(results.items())))


def length_of(corpus: Corpus, most: int) -> int:
    """Return how many frames the songs of a model get."""
    return min(most, int(statistics.median(map(len, corpus.test))))


def run(models: list[str], songs: int, temperature: float, most: int) -> None:
    """Measure what is missing."""
    for name in models:
        corpus, checkpoint = load_corpus(name), api.load_model(name, device="cpu")
        frames = length_of(corpus, most)
        test = f"{name}, test songs, {frames} frames"
        if test not in read_json(STORED):
            found = measure_songs([song[:frames] for song in corpus.test], corpus.train, checkpoint)
            rows = [compare(each, counted, counted, len(counted) // 2) for each, counted in found.measures]
            store(test, [row.model_dump() for row in rows])
        for first in range(1, songs + 1, BLOCK):
            block = f"{name}, temperature {temperature:g}, {frames} frames, seeds from {first:04d}"
            if block in read_json(STORED):
                continue
            new = api.compose_songs(checkpoint, count=BLOCK, frames=frames, seed=first, temperature=temperature)
            found = measure_songs(list(new), corpus.train, checkpoint)
            store(block, [_plain(counted.sum(axis=0)) for _, counted in found.measures])
            print("measured", block, flush=True)


def _plain(counted: np.ndarray) -> list[float]:
    """Return the numbers in as few characters as are exact enough."""
    return [int(number) if number == round(number) else round(number, 3) for number in counted.tolist()]


def rows_of(results: Results, name: str, frames: str, temperature: str) -> tuple[int, list[Row]]:
    """Return how many songs of a model were measured, and all measures beside the test songs."""
    begin = f"{name}, temperature {temperature}, {frames} frames, "
    blocks = [results[each] for each in results if each.startswith(begin)]
    rows = []
    for number, test in enumerate(results[f"{name}, test songs, {frames} frames"]):
        row = Row.model_validate(test)  # of the test songs, beside themselves
        songs = value(np.array([block[number] for block in blocks]))
        apart = float(distance(songs, np.array(row.test)))
        rows.append(row.model_copy(update={"songs": tuple(songs.tolist()), "distance": apart}))
    return len(blocks) * BLOCK, rows


def table() -> str:
    """Return a column for each model and temperature, a row for each measure."""
    results = read_json(STORED)
    found = [re.match(r"(\w+), temperature (\S+), (\d+) frames", name) for name in results]
    columns: dict[str, list[Row]] = {}
    for name, temperature, frames in dict.fromkeys(match.groups() for match in found if match):
        songs, rows = rows_of(results, name, frames, temperature)
        columns[f"{name}, {songs} songs of {frames} frames, temperature {temperature}"] = rows
    names = [row.cells()[0] for row in next(iter(columns.values()))]
    inside = {title: sum(row.inside is True for row in rows) for title, rows in columns.items()}
    body = [
        {"": name} | {title: _cell(rows[number]) for title, rows in columns.items()}
        for number, name in enumerate(names)
    ]
    return markdown([*body, {"": "inside"} | {title: f"{count} of {len(names)}" for title, count in inside.items()}])


def _cell(row: Row) -> str:
    """Return what is composed, and in parentheses the test songs and their spread; bold if it is outside."""
    _, songs, test, apart, spread, _ = row.cells()
    text = f"{apart} (0 ± {spread})" if row.bins else f"{songs} ({test} ± {spread})"
    return text if row.inside else f"**{text}**"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("run")
    command.add_argument("models", nargs="*", default=shipped_names())
    command.add_argument("--songs", type=int, default=100)
    command.add_argument("--temperature", type=float, default=1.0)
    command.add_argument("--frames", type=int, default=256)
    commands.add_parser("table")
    options = parser.parse_args()
    if options.command == "run":
        torch.set_num_threads(1)
        run(options.models, options.songs, options.temperature, options.frames)
    else:
        fill(PAGE, {"music": table()}, alone=False)


if __name__ == "__main__":
    main()
