"""What packing and training at scale take; docs/scale.md says what of this is measured, and shows it.

    python benchmarks/scale/songs.py FOLDER 100000
    python benchmarks/scale/measure.py pack FOLDER DIR --workers 2
    python benchmarks/scale/fill.py FILLED 127000
    python benchmarks/scale/measure.py train FILLED RUNS

`pack` kills the packing once, when half of the shards are there, and gives the same command again. `train` trains in
three ways by turns: one process with a thread, one with two threads, two processes with a thread each. All are asked to
stop (SIGTERM, as nohup lets processes ignore Ctrl-C), and then each resumes. Both store docs/results/scale/*.json.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from watching import Watch, store

COMMAND = ["-m", "lmn_music"]
TRAINED_FOR = (180, 90)  # seconds: after the validation of the start, and after resuming, start-up included
ALONE = [sys.executable, *COMMAND]
TOGETHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *COMMAND]
WAYS = {"one process, one thread": (ALONE, 1), "one process, two threads": (ALONE, 2), "two processes": (TOGETHER, 1)}
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


def progress_of(run: Path) -> tuple[int, float]:
    """Return the frames that a run has read and the seconds of training."""
    progress = torch.load(run / "state.pt", weights_only=True)["trainer"]["progress"]
    return progress["frames"], progress["seconds"]


def trained(way: str, run: Path, arguments: list[str], seconds: float) -> dict[str, Any]:
    """Train for some seconds, which begin when the first state is saved: before that, the start is validated."""
    program, threads = WAYS[way]
    os.environ["OMP_NUM_THREADS"] = str(threads)
    before, start = (0, 0.0), [] if not (run / "state.pt").exists() else [0.0]
    if start:
        before = progress_of(run)

    def enough(now: float) -> bool:
        if not start and (run / "state.pt").exists():
            start.append(now)
        return bool(start) and now - start[0] > seconds

    watch = Watch([*program, "train", *arguments, "--device", "cpu"], until=enough)
    frames, spent = (after - old for after, old in zip(progress_of(run), before, strict=True))
    processor = watch.processor_of_the_last(spent)
    print(way, frames / spent, frames / processor, watch.figures(), flush=True)
    return {
        **watch.figures(),
        "until_training": round(watch.seconds - spent, 1),
        "frames": frames,
        "training_seconds": round(spent, 1),
        "training_processor_seconds": round(processor, 1),
    }


def train(corpus: Path, runs: Path) -> None:
    """Train on a packed corpus for some minutes in each way, stop, and resume."""
    figures: dict[str, Any] = {way: [] for way in WAYS}
    for number, seconds in enumerate(TRAINED_FOR):
        for way in WAYS:
            run = runs / way.replace(" ", "-")
            arguments = ["--resume", str(run)] if number else [str(corpus), "--out", str(run), *RECIPE]
            figures[way].append(trained(way, run, arguments, seconds))
    header = json.loads((corpus / "corpus.json").read_text())
    songs, frames = header["songs"], header["frames"]
    store("train", {"songs": songs, "frames": frames, "recipe": RECIPE, "cores": os.cpu_count(), "ways": figures})


if __name__ == "__main__":
    {"pack": pack, "train": train}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
