"""A packed corpus of any size without reading a file: `python benchmarks/scale/fill.py DIR SONGS`.

Songs of about 1000 frames, two voices each, from 500 melodies in other keys and begun elsewhere: what training at this
size takes does not depend on what the songs are. Names and sketches are random, so that no two songs count as alike.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from lmn_music.corpora.index import PackSettings, make_index
from lmn_music.corpora.packing import SETTINGS, TYPES
from lmn_music.corpora.shards import packed, write_table
from lmn_music.music.pianoroll import KEYS
from lmn_music.music.prints import SKETCH

PER_SHARD = 500
MELODIES = 500


def melodies() -> list[np.ndarray]:
    """Return rolls of 500 to 1500 frames."""
    random, found = np.random.default_rng(0), []
    for _ in range(MELODIES):
        length = int(random.integers(500, 1500))
        roll = np.zeros((length, KEYS), dtype=bool)
        for centre in (30, 48):
            steps = random.integers(-2, 3, size=length) * (random.random(length) < 0.4)
            roll[np.arange(length), np.clip(centre + np.cumsum(steps), 12, KEYS - 13)] = True
        found.append(roll)
    return found


def main(out: Path, songs: int) -> None:
    """Write the shards and their index."""
    random, known = np.random.default_rng(1), melodies()
    out.mkdir(parents=True)
    paths = []
    for shard, first in enumerate(range(0, songs, PER_SHARD)):
        rows = []
        for number in range(first, min(first + PER_SHARD, songs)):
            roll = np.roll(known[number % MELODIES], int(random.integers(-6, 7)), axis=1)
            roll = np.roll(roll, int(random.integers(len(roll))), axis=0)
            values = {"path": f"{number:06}", "title": f"{number:06}", "length": len(roll), "frames": packed(roll)}
            values |= {"music": random.bytes(32), "whole": random.bytes(16), "top_keys": 0, "sounding": 0}
            rows.append(values | {kind: random.bytes(4 * SKETCH) for kind in ("texture", "top_voice")})
        paths.append(out / f"{shard:05}.arrow")
        write_table(paths[-1], {name: (kind, [row.get(name) for row in rows]) for name, kind in TYPES.items()})
    settings = PackSettings(files=songs, names="", folder="made up", frames_per_quarter=2, to_c=False)
    (out / SETTINGS).write_text(settings.model_dump_json())
    make_index(out, settings, paths, deduplicate=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
