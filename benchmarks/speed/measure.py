"""How the benchmarks measure: everything that is compared runs in turn in one process, or in fresh ones, in turn."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from lmn_music.files import replacing

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results" / "speed"
BIN = Path(sys.executable).parent
T = TypeVar("T")


def in_turn(
    functions: Mapping[str, Callable[[], object]],
    *,
    seconds: float = 10,
    least: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Time every function once per round, in turn, for about so many seconds and at least so many rounds.

    The first round warms up and does not count. Returns the seconds of each call; the same round has the same index.
    With time.process_time as `clock` they are seconds of processor time, of which other programs take none.
    """
    for function in functions.values():
        function()
    times: dict[str, list[float]] = {name: [] for name in functions}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(times.values()))) < least:
        for name, function in functions.items():
            start = clock()
            function()
            times[name].append(clock() - start)
    return times


def median(times: list[float]) -> float:
    """Return the median seconds."""
    return statistics.median(times)


def ratio(times: Mapping[str, list[float]], ours: str, theirs: str) -> float:
    """Return the median over rounds of our time by theirs: what slows the machine down slows both of one round."""
    return statistics.median(a / b for a, b in zip(times[ours], times[theirs], strict=True))


def fresh(function: Callable[..., T], *arguments: Any) -> T:
    """Return what a function returns in a process of its own, which has a peak memory of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def peak_mib(process: int | str = "self") -> float:
    """Return the most memory that a process has used so far: the kernel's own high-water mark of the program.

    The one of resource.getrusage counts the parent's memory too.
    """
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024 if "VmHWM:" in status else 0.0


def process(*command: str) -> dict[str, Any]:
    """Run a command in a fresh process: wall-clock seconds, peak memory in MiB, and what it printed."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True)
    peaks = [0.0]

    def watch() -> None:
        with suppress(OSError, ValueError):  # the process has ended
            while True:
                peaks.append(peak_mib(child.pid))
                time.sleep(0.02)

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    output, _ = child.communicate()
    seconds = time.perf_counter() - start
    watcher.join()
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed with exit code {child.returncode}")
    return {"seconds": seconds, "peak_mib": max(peaks), "output": output}


def script(code: str) -> dict[str, Any]:
    """Run Python code in a fresh process; see `process`."""
    return process(sys.executable, "-c", code)


def store(name: str, results: Any) -> None:
    """Keep what a benchmark measured, and on what."""
    import torch

    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    RESULTS.mkdir(parents=True, exist_ok=True)
    with replacing(RESULTS / f"{name}.json") as temporary:
        temporary.write_text(json.dumps({"machine": machine, "results": results}, indent=1) + "\n")
    print(json.dumps(results, indent=1))
