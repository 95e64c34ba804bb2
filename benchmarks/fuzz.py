"""Every reader, on inputs that a coverage-guided fuzzer makes up. For docs/reliability.md, and inputs for the tests.

    python benchmarks/fuzz.py run [TARGET ...] [--inputs 20000]
    python benchmarks/fuzz.py table

`run` needs atheris (pip install 'lmn-music[fuzz]'). Each target gets so many inputs, the first of them from tests/fuzz.
It fails at an exception that is no LmnMusicError, at an input that takes more than 2 seconds of a processor, and above
500 MB more than a reader needs for nothing. Inputs that reach something new are kept in tests/fuzz, and the tests read
them. docs/results/fuzz.json keeps the counts, added up over all runs. `table` writes the table anew.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from lmn_music.files import replacing
from studies.tables import fill, markdown
from tests.fuzz.targets import TARGETS, load, store

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "fuzz.json"
PAGE = ROOT / "docs" / "reliability.md"
KEPT = 60  # inputs of a target, the smallest of those that reach something new
LONGEST = 2000  # bytes of an input that is kept
HANGS, MEGABYTES = 120, 1200  # of one input, on a busy machine; the process alone takes 700 MB with torch

Counts = dict[str, int]

ONE = """
import sys
import time

import atheris

with atheris.instrument_imports(include=["lmn_music", "mido", "tomllib", "json", "zipfile", "pickle"]):
    from tests.fuzz.targets import TARGETS

    target = TARGETS[sys.argv[1]]
    target.prepare()


def timed(data):
    began = time.process_time()
    target(data)
    if time.process_time() - began > 2:
        raise TimeoutError("more than 2 seconds")


atheris.Setup([sys.argv[0], *sys.argv[2:]], timed)
atheris.Fuzz()
"""


def stored() -> dict[str, Counts]:
    """Return what was counted so far, by target."""
    found: dict[str, Counts] = json.loads(STORED.read_text()) if STORED.exists() else {}
    return found


def fuzzer(target: str, *options: str) -> str:
    """Run the fuzzer in a process of its own, and return what it prints.

    Raises:
        RuntimeError: it has found something.
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ONE, target, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise RuntimeError(f"{target}: {done.stderr[-6000:]}")
    return done.stderr


def run(target: str, inputs: int) -> None:
    """Fuzz a target, keep the inputs that reach the most, and add up what was counted."""
    with tempfile.TemporaryDirectory() as place:
        known = [*load(target), *TARGETS[target].seeds()]
        for number, data in enumerate(known):
            (Path(place) / str(number)).write_bytes(data)
        limits = [f"-timeout={HANGS}", f"-rss_limit_mb={MEGABYTES}", f"-artifact_prefix={ROOT}/{target}-"]
        printed = fuzzer(target, place, f"-runs={inputs}", "-max_len=20000", "-print_final_stats=1", *limits)
        found = {path.read_bytes() for path in Path(place).iterdir()} | set(known)  # each reaches something new
        store(
            target, sorted((data for data in found if len(data) <= LONGEST), key=lambda data: (len(data), data))[:KEPT]
        )
    figures = {name: int(number) for name, number in re.findall(r"stat::(\w+):\s+(\d+)", printed)}
    reached = [int(number) for number in re.findall(r"cov: (\d+)", printed)]
    counts = stored()
    before = counts.get(target, {"inputs": 0})["inputs"]
    counts[target] = {"inputs": before + figures["number_of_executed_units"], "reached": max([0, *reached])}
    with replacing(STORED) as temporary:
        temporary.write_text(json.dumps(counts, indent=1) + "\n")
    print(target, counts[target], f"{len(load(target))} kept")


def table() -> str:
    """Return the rows of the page."""
    found = stored()
    rows: list[dict[str, object]] = [
        {
            "reader": TARGETS[name].title,
            "inputs": f"{counts['inputs']:,}",
            "places of the code reached": f"{counts['reached']:,}",
        }
        for name, counts in found.items()
    ]
    every = f"{sum(counts['inputs'] for counts in found.values()):,}"
    return markdown([*rows, {"reader": "all", "inputs": every, "places of the code reached": ""}])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--inputs", type=int, default=20_000)
    asked = parser.parse_args()
    if asked.what == "table":
        fill(PAGE, {"fuzz": table()}, alone=False)
    for name in (asked.targets or TARGETS) if asked.what == "run" else ():
        run(name, asked.inputs)
