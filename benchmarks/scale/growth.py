"""Seconds and memory of the index of a packed corpus, by the number of songs: `python growth.py DIR SONGS`.

The songs are made by fill.py in DIR, about sixteen frames each, as the index reads no frames; half of them are
near-duplicates. Each call adds a row to docs/results/scale/index.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fill import shards
from watching import RESULTS, Watch, store

from lmn_music.corpora.index import PackSettings, make_index
from lmn_music.corpora.packing import SETTINGS

FRAMES = 16


def index(out: Path) -> None:
    """Make the index of a corpus."""
    settings = PackSettings.model_validate_json((out / SETTINGS).read_text())
    make_index(out, settings, sorted(out.glob("[0-9]*.arrow")), deduplicate=True)


def main(place: Path, songs: int) -> None:
    """Measure it in a process of its own."""
    out, stored = place / str(songs), RESULTS / "index.json"
    if not out.exists():
        shards(out, songs, FRAMES)
    rows = json.loads(stored.read_text()) if stored.exists() else []
    rows = [row for row in rows if row["songs"] != songs]
    row = {"songs": songs, **Watch([sys.executable, __file__, str(out)]).figures()}
    store("index", sorted([*rows, row], key=lambda row: row["songs"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2])) if sys.argv[2:] else index(Path(sys.argv[1]))
