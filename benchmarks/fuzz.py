"""Every reader, on inputs that a coverage-guided fuzzer makes up. For docs/reliability.md, and inputs for the tests.

    python benchmarks/fuzz.py run [TARGET ...] [--inputs 20000] [--minutes 10]
    python benchmarks/fuzz.py table

`run` needs atheris (pip install 'lmn-music[fuzz]'). Each target gets so many inputs, or so many minutes, the first of
them from tests/fuzz. A fault is an exception that is no LmnMusicError, an input that takes more than 2 seconds of the
processor (Humdrum: 10, when its process is stopped), and one that takes more than 500 MB: the input is kept beside the
project, and the next target follows. Inputs that reach something new are kept in tests/fuzz, and the tests read them.
docs/results/fuzz.json keeps the counts, added up over all runs. `table` writes the table anew.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from studies.stored import read_json, write_json
from studies.tables import fill, markdown
from tests.fuzz.targets import TARGETS, load, store

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "fuzz.json"
PAGE = ROOT / "docs" / "reliability.md"
KEPT = 40  # inputs of a target, the smallest of those that reach something new
LONGEST = 2000  # bytes of an input that is kept
# The memory of a whole run: atheris keeps the results of comparisons of arrays, some 24 kB for each MIDI file.
LIMITS = ["-timeout=300", "-rss_limit_mb=8000", "-max_len=20000", "-print_final_stats=1"]

Counts = dict[str, float]

ONE = """
import resource
import sys
import time

import atheris

include = ["lmn_music", "mido", "tomllib", "json", "zipfile", "pickle", "xml", "music21.humdrum"]
with atheris.instrument_imports(include=include):
    from tests.fuzz.targets import TARGETS

    target = TARGETS[sys.argv[1]]
    target.prepare()

measured, page = sys.argv[2], resource.getpagesize()
most = {"seconds": 0.0, "megabytes": 0.0}
inputs, resident = 0, 0


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


highest = peak()


def watched(data):
    global inputs, resident, highest
    if not inputs % 1000:  # what the process itself takes grows slowly
        with open("/proc/self/statm") as file:
            resident = int(file.read().split()[1]) * page
    inputs += 1
    began = time.process_time()
    target(data)
    found = {"seconds": time.process_time() - began, "megabytes": 0.0}
    if peak() > highest:  # else it took no more than one before it, or than what was there in the beginning
        highest = peak()
        found["megabytes"] = (highest - resident) / 1e6
    if any(found[name] > most[name] for name in most):
        most.update({name: max(most[name], found[name]) for name in most})
        with open(measured, "w") as file:
            file.write(repr(most))
    if found["seconds"] > target.seconds or found["megabytes"] > 500:
        raise RuntimeError(f"too much: {found}")


atheris.Setup([sys.argv[0], *sys.argv[3:]], watched)
atheris.Fuzz()
"""


def run(target: str, inputs: int, minutes: float) -> bool:
    """Fuzz a target, keep the inputs that reach the most, and add up what was counted.

    Returns:
        Whether nothing was found that should not be.
    """
    with tempfile.TemporaryDirectory() as place:
        measured, known = Path(place) / "measured", [*load(target), *TARGETS[target].seeds()]
        corpus = Path(place) / "corpus"
        corpus.mkdir()
        for number, data in enumerate(known):
            (corpus / str(number)).write_bytes(data)
        ends = [f"-runs={inputs}", f"-max_total_time={round(60 * minutes)}", f"-artifact_prefix={ROOT}/{target}-"]
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", ONE, target, measured, corpus, *LIMITS, *ends],
            cwd=ROOT,
            capture_output=True,
            text=True,
            errors="replace",
        )
        found = {path.read_bytes() for path in corpus.iterdir()} | set(known)  # each reaches something new
        if not done.returncode:
            short = sorted((data for data in found if len(data) <= LONGEST), key=lambda data: (len(data), data))
            store(target, short[:KEPT])
        most = ast.literal_eval(measured.read_text())
    figures = {name: int(number) for name, number in re.findall(r"stat::(\w+):\s+(\d+)", done.stderr)}
    executed = figures.get("number_of_executed_units", max(map(int, re.findall(r"^#(\d+)", done.stderr, re.M))))
    counts: dict[str, Counts] = read_json(STORED)
    before = counts.get(target, {})
    reached = max(map(int, re.findall(r"cov: (\d+)", done.stderr)), default=0)
    now = {"inputs": executed + before.get("inputs", 0), "reached": max(reached, before.get("reached", 0))}
    counts[target] = now | {name: round(max(value, before.get(name, 0)), 2) for name, value in most.items()}
    write_json(STORED, counts)
    print(target, counts[target], f"{len(load(target))} kept", flush=True)
    if done.returncode:
        print(f"{target}: {done.stderr[-6000:]}", flush=True)
    return not done.returncode


def table() -> str:
    """Return the rows of the page."""
    found: dict[str, Counts] = read_json(STORED)
    rows: list[dict[str, object]] = [
        {
            "reader": TARGETS[name].title,
            "inputs": f"{counts['inputs']:,}",
            "places of the code reached": f"{counts['reached']:,}",
            "s of the slowest": f"{counts['seconds']:.2f}",
            "MB of the largest": f"{counts['megabytes']:.0f}",
        }
        for name, counts in found.items()
    ]
    every = f"{sum(counts['inputs'] for counts in found.values()):,}"
    return markdown([*rows, dict.fromkeys(rows[0], "") | {"reader": "all", "inputs": every}])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=10)
    asked = parser.parse_args()
    if asked.what == "table":
        fill(PAGE, {"fuzz": table()}, alone=False)
    else:
        whole = [run(name, asked.inputs, asked.minutes) for name in asked.targets or TARGETS]
        sys.exit(not all(whole))
