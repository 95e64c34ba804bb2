"""What packing and training at scale take: `python benchmarks/scale/measure.py pack FOLDER DIR`, `... train DIR RUN`.

Writes docs/results/scale/pack.json and train.json: seconds, files or frames per second, and the peak memory of the
largest process (VmHWM of /proc, which counts the pages of memory maps too).
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from lmn_music.files import replacing

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results" / "scale"
COMMAND = [sys.executable, "-m", "lmn_music"]
KILLED_AFTER = 120  # seconds until the packing is killed once, to be resumed
TRAINED_FOR = 180  # seconds until the training is asked to stop
RECIPE = [
    "--recipe",
    "lmn",
    "--start",
    "orthogonal",
    "--set",
    "training.batch_songs=64",
    "--set",
    "training.transpose=5",
]


def family(parent: int) -> list[int]:
    """Return a process and all below it."""
    found = [parent]
    for children in Path("/proc").glob(f"{parent}/task/*/children"):
        for child in children.read_text().split():
            found += family(int(child))
    return found


def watched(command: list[str], *, seconds: float | None = None, number: int = signal.SIGINT) -> dict[str, Any]:
    """Run a command, end it by a signal after some seconds, and return what it took."""
    began, largest, asked = time.monotonic(), 0, False
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    before = used.ru_utime + used.ru_stime
    process = subprocess.Popen(command, start_new_session=True)
    while process.poll() is None:
        for each in family(process.pid):
            try:
                lines = Path(f"/proc/{each}/status").read_text().splitlines()
                largest = max([largest, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))])
            except OSError:  # it has just ended
                continue
        if seconds is not None and not asked and time.monotonic() - began > seconds:
            asked = True
            os.kill(process.pid, number)
        time.sleep(0.5)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": round(time.monotonic() - began, 1),
        "processor_seconds": round(after.ru_utime + after.ru_stime - before, 1),
        "peak_mib": round(largest / 1024),
        "code": process.returncode,
        "load": [round(load, 1) for load in os.getloadavg()],
    }


def stored(name: str, figures: dict[str, Any]) -> None:
    """Print figures and write them to a file of that name."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with replacing(RESULTS / f"{name}.json") as temporary:
        temporary.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures))


def pack(folder: Path, out: Path) -> None:
    """Pack a folder; the packing is killed once and resumed."""
    command = [*COMMAND, "corpora", "pack", str(folder), "--out", str(out), *sys.argv[4:]]
    first = watched(command, seconds=KILLED_AFTER, number=signal.SIGKILL)
    shards = len(list(out.glob("[0-9]*.arrow")))
    second = watched(command)
    header = json.loads((out / "corpus.json").read_text())
    seconds = first["seconds"] + second["seconds"]
    size = sum(path.stat().st_size for path in out.iterdir())
    stored(
        "pack",
        {
            "files": header["settings"]["files"],
            "songs": header["songs"],
            "frames": header["frames"],
            "left_out": header["left_out"],
            "near_duplicates": header["near_duplicates"],
            "largest_group": header["largest_group"],
            "bytes": size,
            "cores": os.cpu_count(),
            "killed": {**first, "shards": shards},
            "resumed": second,
            "files_per_second": round(header["settings"]["files"] / seconds, 1),
        },
    )


def train(corpus: Path, run: Path) -> None:
    """Train on a packed corpus for some minutes, stop, and resume for one more."""
    first = watched(
        [*COMMAND, "train", str(corpus), "--out", str(run), "--device", "cpu", *RECIPE], seconds=TRAINED_FOR
    )
    import torch

    progress = torch.load(run / "state.pt", weights_only=True)["trainer"]["progress"]
    resumed = watched([*COMMAND, "train", "--resume", str(run), "--device", "cpu"], seconds=60)
    after = torch.load(run / "state.pt", weights_only=True)["trainer"]["progress"]
    header = json.loads((corpus / "corpus.json").read_text())
    stored(
        "train",
        {
            "frames_in_all": header["frames"],
            "recipe": RECIPE,
            "cores": os.cpu_count(),
            "threads": os.environ.get("OMP_NUM_THREADS", "all"),
            "trained": first,
            "resumed": resumed,
            "frames_read": progress["frames"],
            "frames_read_after_resuming": after["frames"],
            "training_seconds": round(progress["seconds"], 1),
            "frames_per_second": round(progress["frames"] / progress["seconds"]),
        },
    )


if __name__ == "__main__":
    {"pack": pack, "train": train}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
