"""Seconds and memory of the index of a packed corpus, by the number of songs: `python benchmarks/scale/growth.py DIR`.

The songs are made by fill.py in DIR, about sixteen frames each, as the index reads no frames; half of them are
near-duplicates. Stored in docs/results/scale/index.json.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fill import main as fill
from watching import Watch, store

from lmn_music.corpora.index import PackSettings, make_index
from lmn_music.corpora.packing import SETTINGS
from lmn_music.corpora.shards import arrow

SONGS = (100_000, 400_000, 1_400_000)
FRAMES = 16


def index(out: Path) -> None:
    """Make the index of a corpus once more."""
    arrow()
    settings = PackSettings.model_validate_json((out / SETTINGS).read_text())
    make_index(out, settings, sorted(out.glob("[0-9]*.arrow")), deduplicate=True)


def main(place: Path) -> None:
    """Measure, each in a process of its own."""
    rows = []
    for songs in SONGS:
        out = place / str(songs)
        if not out.exists():
            fill(out, songs, FRAMES)
        rows.append({"songs": songs, **Watch([sys.executable, __file__, str(out), "index"]).figures()})
        print(rows[-1], flush=True)
    store("index", rows)


if __name__ == "__main__":
    index(Path(sys.argv[1])) if sys.argv[2:] else main(Path(sys.argv[1]))
