"""How the fit of one linear autoencoder grows with the songs, alone and shared: `python autoencoder.py DIR SONGS`.

DIR is a packed corpus, as fill.py makes it. Sequences are the 64 keys in the middle of its rolls, as wide as the hidden
states of `lmn`; each process has one core. Each call adds to docs/results/scale/autoencoder.json.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from watching import RESULTS, Watch, anonymous_mib, store

from lmn_music.corpora.packed import load_packed
from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.processes import joined, torchrun_rank

COMPONENTS, INPUTS = 50, 64
TOGETHER = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def fit(corpus: Path, count: int, out: Path) -> None:
    """Fit this process's share, and write what it took, all processes together."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[torchrun_rank() % len(cores)]})
    processes = joined("cpu")
    songs = load_packed(corpus).train[:count]
    first = (songs[0].frames.shape[1] - INPUTS) // 2
    share = [
        song.frames[:, first : first + INPUTS].astype(np.float64) for song in songs[processes.rank :: processes.size]
    ]
    before, wall, processor = anonymous_mib(), time.perf_counter(), time.process_time()
    fitted = LinearAutoencoder(COMPONENTS).fit(share, shared=processes)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    all_of_it = float(processes.total(np.array([processor]))[0])
    largest = float(processes.largest(np.array([before]))[0])
    if processes.first:
        found = {
            "frames": int(songs.lengths.sum()),
            "seconds": round(wall, 2),
            "processor_seconds": round(all_of_it, 2),
        }
        out.write_text(json.dumps(found | {"before_mib": round(largest), "kept": round(fitted.explained_energy_, 12)}))


def main(corpus: Path, count: int) -> None:
    """Measure a number of songs, by one and by two processes, and store it beside what is there."""
    os.environ["OMP_NUM_THREADS"] = "1"
    out, stored = corpus / "autoencoder.tmp", RESULTS / "autoencoder.json"
    rows = json.loads(stored.read_text()) if stored.exists() else []
    rows = [row for row in rows if row["songs"] != count]
    for processes, program in ((1, []), (2, TOGETHER)):
        watch = Watch([sys.executable, *program, __file__, str(corpus), str(count), str(out)])
        if watch.code:
            raise SystemExit(f"the fit to {count} songs has failed")
        found = {"songs": count, "processes": processes, **json.loads(out.read_text())}
        rows.append(found | {"anonymous_mib": round(watch.anonymous_mib), "load": watch.figures()["load"]})
    out.unlink()
    store("autoencoder", sorted(rows, key=lambda row: (row["songs"], row["processes"])))


if __name__ == "__main__":
    corpus, count = Path(sys.argv[1]), int(sys.argv[2])
    fit(corpus, count, Path(sys.argv[3])) if sys.argv[3:] else main(corpus, count)
