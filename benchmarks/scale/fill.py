"""A packed corpus of any size without reading a file: `python benchmarks/scale/fill.py DIR SONGS [FRAMES]`.

Songs of FRAMES frames, 1000 if not given, a half more or less; two voices each, from 500 melodies in other keys and
begun elsewhere: what training at this size takes does not depend on what the songs are. Names and sketches are random;
every other song has most of its sketch from the song before it, so that they count as near-duplicates.
"""

from __future__ import annotations

import sys
from math import ceil
from pathlib import Path

import numpy as np

from lmn_music.corpora.index import PackSettings, make_index
from lmn_music.corpora.packing import LEAST, SETTINGS, SHARDS, TYPES
from lmn_music.corpora.shards import packed, write_table
from lmn_music.music.pianoroll import KEYS
from lmn_music.music.prints import SKETCH

MELODIES = 500
OTHERS = 16  # numbers of a sketch that a near-duplicate has for itself


def melodies(frames: int) -> list[np.ndarray]:
    """Return rolls of about so many frames."""
    random, found = np.random.default_rng(0), []
    for _ in range(MELODIES):
        length = int(random.integers(frames // 2, frames * 3 // 2))
        roll = np.zeros((length, KEYS), dtype=bool)
        for centre in (30, 48):
            steps = random.integers(-2, 3, size=length) * (random.random(length) < 0.4)
            roll[np.arange(length), np.clip(centre + np.cumsum(steps), 12, KEYS - 13)] = True
        found.append(roll)
    return found


def shards(out: Path, songs: int, frames: int) -> tuple[PackSettings, list[Path]]:
    """Write the shards; return what the index is made of."""
    random, known = np.random.default_rng(1), melodies(frames)
    out.mkdir(parents=True)
    paths, size = [], max(LEAST, ceil(songs / SHARDS))
    sketches = dict.fromkeys(("texture", "top_voice"), np.zeros(SKETCH, np.uint32))
    for shard, first in enumerate(range(0, songs, size)):
        rows = []
        for number in range(first, min(first + size, songs)):
            roll = np.roll(known[number % MELODIES], int(random.integers(-6, 7)), axis=1)
            roll = np.roll(roll, int(random.integers(len(roll))), axis=0)
            name = f"{number // 1000:04}/{number:07}"
            values = {"path": f"{name}.mid", "title": f"{number:07}", "length": len(roll), "frames": packed(roll)}
            values |= {"music": random.bytes(32), "whole": random.bytes(16), "top_keys": 0, "sounding": 0}
            for kind, before in sketches.items():
                fresh = np.frombuffer(random.bytes(4 * SKETCH), np.uint32)
                sketches[kind] = np.concatenate([before[:-OTHERS], fresh[-OTHERS:]]) if number % 2 else fresh
                values[kind] = sketches[kind].tobytes()
            rows.append(values)
        paths.append(out / f"{shard:05}.arrow")
        write_table(paths[-1], {name: (kind, [row.get(name) for row in rows]) for name, kind in TYPES.items()})
    settings = PackSettings(files=songs, names="", folder="made up", frames_per_quarter=2, to_c=False)
    (out / SETTINGS).write_text(settings.model_dump_json())
    return settings, paths


def main(out: Path, songs: int, frames: int = 1000) -> None:
    """Write the shards and their index."""
    make_index(out, *shards(out, songs, frames), deduplicate=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
