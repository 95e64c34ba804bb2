"""What packing and training at scale take; docs/scale.md shows it.

    python benchmarks/scale/songs.py FOLDER 100000
    python benchmarks/scale/measure.py pack FOLDER DIR --workers 2
    python benchmarks/scale/fill.py FILLED 127000
    python benchmarks/scale/measure.py train FILLED RUN
    python benchmarks/scale/measure.py share FILLED

`pack` kills the packing once, when half of the shards are there, and gives the same command again. `train` trains with
one thread, and ends the training after some minutes (by SIGTERM, as nohup lets processes ignore Ctrl-C). `share`
takes training steps in one process and then in two, a thread each; each call is one round.
All are stored in docs/results/scale.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import torch
from watching import RESULTS, Watch, store

from studies.stored import read_json

ALONE = [sys.executable, "-m", "lmn_music"]
TRAINED_FOR = 180  # seconds after the validation of the start
STEPS = str(Path(__file__).with_name("steps.py"))
TOGETHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", STEPS]
WAYS = {
    "one process": [sys.executable, STEPS],
    "two processes": TOGETHER,
}
BATCHES = 6
CHANGES = ["start=orthogonal", "training.batch_songs=64", "training.transpose=5"]
RECIPE = ["--recipe", "lmn", *(word for change in CHANGES for word in ("--set", change))]


def pack(folder: Path, out: Path) -> None:
    """Pack a folder; the packing is killed once and resumed."""
    command = [*ALONE, "corpora", "pack", str(folder), "--out", str(out), *sys.argv[4:]]
    half = min(500, -(-sum(1 for _ in folder.rglob("*.mid")) // 16)) // 2

    def shards() -> int:
        return len(list(out.glob("[0-9]*.arrow")))

    first = Watch(command, until=lambda _: shards() >= half, number=signal.SIGKILL)
    kept = shards()
    second = Watch(command)
    header = json.loads((out / "corpus.json").read_text())
    store(
        "pack",
        {
            **{name: header[name] for name in ("songs", "frames", "left_out", "near_duplicates", "largest_group")},
            "files": header["settings"]["files"],
            "bytes": sum(path.stat().st_size for path in out.iterdir()),
            "cores": os.cpu_count(),
            "options": sys.argv[4:],
            "killed": {**first.figures(), "shards": kept},
            "resumed": second.figures(),
        },
    )


def train(corpus: Path, run: Path) -> None:
    """Train on a packed corpus for some minutes, which begin when the validation of the start is over, and stop."""
    os.environ["OMP_NUM_THREADS"] = "1"
    start: list[float] = []

    def enough(now: float) -> bool:
        if not start and (run / "state.pt").exists():
            start.append(now)
        return bool(start) and now - start[0] > TRAINED_FOR

    watch = Watch([*ALONE, "train", str(corpus), "--out", str(run), "--device", "cpu", *RECIPE], until=enough)
    progress = torch.load(run / "state.pt", weights_only=True)["trainer"]["progress"]
    header = json.loads((corpus / "corpus.json").read_text())
    figures = {
        "songs": header["songs"],
        "corpus_frames": header["frames"],
        "recipe": RECIPE,
        "cores": os.cpu_count(),
        **watch.figures(),
        "frames": progress["frames"],
        "training_seconds": round(progress["seconds"], 1),
        "training_processor_seconds": round(watch.processor_of_the_last(progress["seconds"]), 1),
    }
    store("train", figures)


def share(corpus: Path) -> None:
    """Take training steps in each way, once more, and store them beside those of before."""
    path = RESULTS / "share.json"
    rows: dict[str, list[dict[str, float]]] = read_json(path)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    for way, command in WAYS.items():
        done = subprocess.run(
            [*command, str(corpus), str(BATCHES)], env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        found = json.loads(done.stdout.splitlines()[-1]) | {"load": round(os.getloadavg()[0], 1)}
        rows.setdefault(way, []).append(found)
        print(way, found, flush=True)
    store("share", rows)


if __name__ == "__main__":
    {"pack": pack, "train": train, "share": share}[sys.argv[1]](*map(Path, sys.argv[2:4]))
