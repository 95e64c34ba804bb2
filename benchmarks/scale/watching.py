"""Watches a command and all processes below it: seconds, processor seconds, and memory of the largest process."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lmn_music.files import replacing

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results" / "scale"
TICK = os.sysconf("SC_CLK_TCK")


class Watch:
    """What a command took.

    Attributes:
        code: its exit code.
        seconds: of wall-clock time.
        processor: seconds of the processor, of all its processes.
        peak_mib: the peak memory of the largest process (VmHWM), which counts pages of memory maps.
        anonymous_mib: the most memory that was seen in a process besides such pages (RssAnon, ten times a second).
        used: wall-clock seconds, and seconds of the processor up to then.
    """

    def __init__(
        self, command: Sequence[str], *, until: Callable[[float], bool] = lambda _: False, number: int = signal.SIGTERM
    ) -> None:
        """Run the command, and send it a signal when `until`, given the seconds so far, says so."""
        began, asked, peak, anonymous = time.monotonic(), False, 0, 0
        self.used = [(0.0, 0.0)]
        before = children_seconds()
        process = subprocess.Popen(command, start_new_session=True)
        while process.poll() is None:
            spent = 0.0
            for each in family(process.pid):
                try:
                    status = Path(f"/proc/{each}/status").read_text()
                    ticks = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[11:15]
                    peak, anonymous = max(peak, entry(status, "VmHWM")), max(anonymous, entry(status, "RssAnon"))
                    spent += sum(map(int, ticks)) / TICK
                except (OSError, IndexError):  # it has just ended
                    continue
            now = time.monotonic() - began
            self.used.append((now, spent))
            if not asked and until(now):
                asked = True
                os.kill(process.pid, number)
            time.sleep(0.1)
        self.code, self.seconds = process.returncode, time.monotonic() - began
        # Workers that outlive a killed command are not counted as its children, so what was seen counts too.
        self.processor = max(children_seconds() - before, *(spent for _, spent in self.used))
        self.peak_mib, self.anonymous_mib = peak / 1024, anonymous / 1024

    def figures(self) -> dict[str, Any]:
        """Return what is stored."""
        return {
            "seconds": round(self.seconds, 1),
            "processor_seconds": round(self.processor, 1),
            "peak_mib": round(self.peak_mib),
            "anonymous_mib": round(self.anonymous_mib),
            "code": self.code,
            "load": [round(load, 1) for load in os.getloadavg()],
        }

    def processor_of_the_last(self, seconds: float) -> float:
        """Return the seconds of the processor in the last wall-clock seconds."""
        start = self.seconds - seconds
        return self.processor - next(spent for now, spent in reversed(self.used) if now <= start)


def anonymous_mib() -> float:
    """Return the memory of this process besides pages of files."""
    return entry(Path("/proc/self/status").read_text(), "RssAnon") / 1024


def children_seconds() -> float:
    """Return the seconds of the processor of all commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def entry(status: str, name: str) -> int:
    """Return a number of /proc/PID/status, 0 if there is none."""
    found = status.partition(f"{name}:")[2].split()
    return int(found[0]) if found else 0


def family(parent: int) -> list[int]:
    """Return a process and all below it."""
    found = [parent]
    for children in Path("/proc").glob(f"{parent}/task/*/children"):
        try:
            below = children.read_text().split()
        except OSError:
            continue
        for child in below:
            found += family(int(child))
    return found


def store(name: str, figures: Any) -> None:
    """Print figures and write them to a file of that name."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with replacing(RESULTS / f"{name}.json") as temporary:
        temporary.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures))
