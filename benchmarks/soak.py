"""Kills at random moments: what is resumed must equal what nothing disturbed, bit for bit. For docs/reliability.md.

    python benchmarks/soak.py run [--kills 1000] [--minutes 40] [--seed 1]
    python benchmarks/soak.py table

`run` trains, composes, fetches and packs in processes of their own, each of which gets SIGKILL after a random time, and
begins again where the last one was killed. It ends when so many kills have been survived, those of earlier runs
included, or after so many minutes; it stops at the first difference from what nothing disturbed. docs/results/soak.json
keeps the counts, to which the next run adds. `table` writes the table anew.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from studies.stored import read_json, write_json
from studies.tables import fill, markdown
from tests.soak import WORKS, DifferenceError, clear

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "soak.json"
PAGE = ROOT / "docs" / "reliability.md"
SHARES = {"training": 0.55, "composing": 0.2, "fetching": 0.2, "packing": 0.05}  # of all kills

Counts = dict[str, dict[str, int]]


def stored(path: Path) -> Counts:
    """Return what was survived so far, by the kind of work.

    `kills` are processes that SIGKILL has ended; `resumed`, works that were then compared with what nothing disturbed;
    `leftovers`, temporary files that killed processes left, and that were gone in the end.
    """
    found = read_json(path)
    return {name: found.get(name, {"kills": 0, "resumed": 0, "leftovers": 0}) for name in WORKS}


def killed(work: Any, seconds: float) -> bool:
    """Do some work in a process of its own, and kill it after some time.

    Args:
        work: one of WORKS.
        seconds: how long the process may live.

    Returns:
        Whether it was killed; otherwise it has done its work.

    Raises:
        DifferenceError: it has ended by itself without having done its work.
    """
    child = os.fork()
    if not child:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            work.begin()
            os._exit(0)
        finally:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    descriptor = os.pidfd_open(child)
    if not select.select([descriptor], [], [], seconds)[0]:
        os.kill(child, signal.SIGKILL)
    os.close(descriptor)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, -signal.SIGKILL):
        raise DifferenceError(f"a process ended with {code}")
    return code != 0


class Soaked:
    """A work, and what it is when nothing disturbs it."""

    def __init__(self, name: str, place: Path) -> None:
        place.mkdir()
        self.work = WORKS[name](place)
        self.usual = 0.0  # seconds
        self._undisturbed(10_000)
        self.whole = self.work.found()
        clear(self.work)

    def _undisturbed(self, seconds: float) -> bool:
        """Do the whole work if it takes no longer than that, and return whether it is done."""
        began = time.monotonic()
        done = not killed(self.work, seconds)
        if done:
            self.usual = time.monotonic() - began  # anew each time, as the machine may have more or less to do
        return done

    def kill(self, count: dict[str, int], dice: random.Random) -> None:
        """Do the work, killed again and again, until it is done, and compare.

        Args:
            count: is added to.
            dice: where random numbers come from.

        Raises:
            DifferenceError: something is not what it would have been.
        """
        left: set[Path] = set()
        longest = 1.3 * self.usual
        done = self._undisturbed(dice.uniform(0, longest))
        while not done:
            count["kills"] += 1
            longest *= 1.1  # so that it is done some day, also where the machine has become busy
            left |= set(self.work.folder.rglob(".*"))
            self.work.killed()
            done = not killed(self.work, dice.uniform(0, longest))
        count["leftovers"] += len(left)
        count["resumed"] += 1
        if still := list(self.work.folder.rglob(".*.tmp")):
            raise DifferenceError(f"left behind: {still}")
        if self.work.found() != self.whole:
            raise DifferenceError(f"{type(self.work).__name__} {count['resumed']}")
        clear(self.work)


def soak(place: Path, out: Path, kills: int, minutes: float, seed: int) -> None:
    """Survive kills in every kind of work, the one next that lacks most of its share.

    Args:
        place: an empty folder to work in.
        out: the file of the counts.
        kills: how many, in all, at least.
        minutes: after which no work is begun.
        seed: of the random moments, with the kills so far.

    Raises:
        DifferenceError: something was not survived.
    """
    works: dict[str, Soaked] = {}
    ends = time.monotonic() + 60 * minutes
    while time.monotonic() < ends:
        counts = stored(out)
        total = sum(count["kills"] for count in counts.values())
        if total >= kills and all(count["resumed"] for count in counts.values()):
            return
        name = min(SHARES, key=lambda name: (counts[name]["kills"] + 1) / SHARES[name])
        if name not in works:
            works[name] = Soaked(name, place / name)
        works[name].kill(counts[name], random.Random(f"{seed} {counts}"))  # noqa: S311 - no secret
        write_json(out, counts)


def table() -> str:
    """Return the rows of the page."""
    titles = {"kills": "SIGKILL", "resumed": "works resumed to their end", "leftovers": "temporary files swept away"}
    counts = stored(STORED)
    counts["all"] = {name: sum(count[name] for count in counts.values()) for name in titles}
    return markdown(
        {"work": work, **{title: f"{count[name]:,}" for name, title in titles.items()}, "differences": "0"}
        for work, count in counts.items()
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=STORED)
    asked = parser.parse_args()
    if asked.what == "table":
        fill(PAGE, {"soak": table()}, alone=False)
    else:
        torch.set_num_threads(1)
        with tempfile.TemporaryDirectory() as made:
            soak(Path(made), asked.out, asked.kills, asked.minutes, asked.seed)
        print(stored(asked.out))
