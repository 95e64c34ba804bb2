"""Kills at random moments: what is resumed must equal what nothing disturbed, bit for bit. For docs/reliability.md.

    python benchmarks/soak.py run [--kills 1000] [--seed 1]
    python benchmarks/soak.py table

`run` trains, composes and fetches in processes of their own, each of which gets SIGKILL after a random time, and begins
again where the last one was killed, until as many kills as asked for have been survived; it stops at the first
difference from what nothing disturbed. docs/results/soak.json keeps the counts. `table` writes the table anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pooch  # noqa: F401 - and others below: what is imported here, no process of its own has to import
import torch

import lmn_music.formats.midi
import lmn_music.formats.midi_writer
import lmn_music.formats.npz
import lmn_music.generation.sampler
import lmn_music.training.run  # noqa: F401
from lmn_music import api
from lmn_music.corpora import BENCHMARKS, Corpus, benchmark_files
from lmn_music.corpora.benchmark_table import Source
from lmn_music.corpora.corpus import content_sha256
from lmn_music.files import replacing
from lmn_music.models.checkpoint import load_checkpoint
from studies.tables import fill, markdown
from tests.helpers import make_roll

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "soak.json"
PAGE = ROOT / "docs" / "reliability.md"
CHANGES = ["model.hidden_size=6", "model.memory_size=8", "model.window=3", "model.dropout=0.3", "pretraining.epochs=2"]
CHANGES += [f"{stage}.{value}" for stage in ("pretraining", "training") for value in ("batch_songs=3", "ema_decay=0.9")]
SONGS = 6
SHARES = {"training": 0.6, "composing": 0.2, "fetching": 0.2}  # of all kills


class DifferenceError(Exception):
    """Something that was killed and resumed is not what it would have been."""


@dataclass
class Count:
    """What was survived.

    Attributes:
        kills: processes that SIGKILL has ended.
        resumed: whole works that were compared with what nothing disturbed.
        leftovers: temporary files that killed processes left, and that were gone in the end.
    """

    kills: int = 0
    resumed: int = 0
    leftovers: int = 0


def killed(work: Callable[[], object], seconds: float) -> bool:
    """Do the work in a process of its own, and kill it after some time.

    Args:
        work: what to do.
        seconds: how long it may live.

    Returns:
        Whether it was killed; otherwise it has done its work.

    Raises:
        DifferenceError: it has ended by itself without having done its work.
    """
    child = os.fork()
    if not child:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            work()
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


def until_done(
    work: Callable[[], object],
    folder: Path,
    usual: float,
    count: Count,
    dice: random.Random,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Do the work, killed again and again, until it is done.

    Args:
        work: begins, or begins again.
        folder: where it writes.
        usual: seconds that the work takes.
        count: is added to.
        dice: where random numbers come from.
        check: called after each kill.
    """
    left: set[Path] = set()
    longest = 1.3 * usual
    while killed(work, dice.uniform(0, longest)):
        count.kills += 1
        longest *= 1.1  # so that it is done some day, also where the machine has become busy
        left |= set(folder.rglob(".*"))
        check()
    count.leftovers += len(left)
    count.resumed += 1
    if still := list(folder.rglob(".*")):
        raise DifferenceError(f"left behind: {still}")


def clocked(work: Callable[[], object]) -> float:
    """Do the work in a process that nobody kills, and return the seconds that this takes."""
    began = time.monotonic()
    killed(work, 1000)
    return time.monotonic() - began


# --- training


def small_corpus() -> Corpus:
    """Return a corpus that trains in no time."""
    rolls = [make_roll(12 + 3 * seed, seed) for seed in range(12)]
    splits = tuple(rolls[:8]), tuple(rolls[8:10]), tuple(rolls[10:])
    return Corpus("small", *splits, 1, "made here", content_sha256(*splits), False, "", "")


def train(folder: Path, corpus: Corpus) -> None:
    """Train in a run folder, or resume there."""
    if (folder / "config.toml").exists():
        api.resume(folder, corpus)
    else:
        api.train(corpus, out=folder, recipe="lmn", changes=CHANGES, epochs=3, seed=5)


def outcome(folder: Path) -> dict[str, Any]:
    """Return everything that a training leaves but for its times."""
    found: dict[str, Any] = {"files": sorted(path.name for path in folder.iterdir())}
    found["config"] = (folder / "config.toml").read_text()
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    found["metrics"] = [{name: value for name, value in line.items() if name != "seconds"} for line in lines]
    for name in ("best", "last"):
        checkpoint = load_checkpoint(folder / f"{name}.safetensors")
        figures = {key: value for key, value in checkpoint.header.figures.items() if key != "seconds"}
        found[name] = figures, {key: weight.tolist() for key, weight in checkpoint.model.state_dict().items()}
    return found


def trainings(place: Path, kills: int, dice: random.Random) -> Count:
    """Kill trainings."""
    corpus, count = small_corpus(), Count()
    usual = clocked(partial(train, place / "whole", corpus))
    whole = outcome(place / "whole")
    while count.kills < kills:
        folder = place / "run"
        until_done(partial(train, folder, corpus), folder, usual, count, dice)
        if outcome(folder) != whole:
            raise DifferenceError(f"the training {count.resumed}")
        shutil.rmtree(folder)
    return count


# --- composing


def compose(folder: Path, model: Path) -> None:
    """Write songs."""
    for _ in api.compose_files([folder / "song.mid", folder / "song.npz"], model, count=SONGS, frames=24, seed=3):
        pass


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that is not hidden."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if not path.name.startswith(".")
    }


def compositions(place: Path, kills: int, dice: random.Random) -> Count:
    """Kill composing."""
    count, model, whole = Count(), place / "whole", place / "songs"
    if not model.exists():
        train(model, small_corpus())
    whole.mkdir()
    usual = clocked(partial(compose, whole, model))
    expected = contents(whole)
    folder = place / "some"

    def check() -> None:
        if not contents(folder).items() <= expected.items():
            raise DifferenceError("half a song has the name of a whole one")

    while count.kills < kills:
        folder.mkdir()
        until_done(partial(compose, folder, model), folder, usual, count, dice, check)
        if contents(folder) != expected:
            raise DifferenceError(f"the songs {count.resumed}")
        shutil.rmtree(folder)
    return count


# --- fetching


class Quiet(SimpleHTTPRequestHandler):
    """A server that says nothing, and sends slowly enough to be killed at."""

    def log_message(self, *_: object) -> None:
        """See BaseHTTPRequestHandler."""

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """See SimpleHTTPRequestHandler."""
        with suppress(ConnectionError):  # whoever asked was killed
            while part := source.read(20_000):
                outputfile.write(part)
                time.sleep(0.001)


def fetches(place: Path, kills: int, dice: random.Random) -> Count:
    """Kill downloads."""
    count, content, cache = Count(), dice.randbytes(500_000), place / "cache"
    (place / "server").mkdir()
    (place / "server" / "corpus.mat").write_bytes(content)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(place / "server")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/corpus.mat"
    spec = replace(BENCHMARKS["jsb"], sources=(Source(address, hashlib.sha256(content).hexdigest()),))

    def fetch() -> None:
        os.environ |= {benchmark_files.CACHE_VARIABLE: str(cache), "NO_PROXY": "127.0.0.1"}
        os.environ.pop(benchmark_files.DATA_VARIABLE, None)
        benchmark_files.obtain(spec)

    usual = clocked(fetch)
    while count.kills < kills:
        shutil.rmtree(cache, ignore_errors=True)
        until_done(fetch, cache, usual, count, dice)
        if [path.read_bytes() for path in cache.iterdir()] != [content]:
            raise DifferenceError(f"the download {count.resumed}")
    server.shutdown()
    server.server_close()
    return count


WORKS = {"training": trainings, "composing": compositions, "fetching": fetches}


def soak(place: Path, kills: int, seed: int) -> dict[str, Count]:
    """Survive kills in every kind of work.

    Args:
        place: an empty folder.
        kills: how many, in all, at least.
        seed: of the random moments.

    Returns:
        What was survived, by the kind of work.

    Raises:
        DifferenceError: something was not.
    """
    dice = random.Random(seed)  # noqa: S311 - no secret
    return {name: work(place, round(kills * SHARES[name]), dice) for name, work in WORKS.items()}


def table() -> str:
    """Return the rows of the page."""
    found = json.loads(STORED.read_text())
    return markdown(
        {
            "work": name,
            "SIGKILL": f"{counts['kills']:,}",
            "works resumed to their end": f"{counts['resumed']:,}",
            "temporary files left, and swept away": f"{counts['leftovers']:,}",
            "differences": "0",
        }
        for name, counts in found["counts"].items()
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=STORED)
    asked = parser.parse_args()
    if asked.what == "table":
        fill(PAGE, {"soak": table()}, alone=False)
    else:
        torch.set_num_threads(1)
        with tempfile.TemporaryDirectory() as made:
            counts = soak(Path(made), asked.kills, asked.seed)
        print({name: vars(each) for name, each in counts.items()})
        with replacing(asked.out) as temporary:
            kept = {"seed": asked.seed, "counts": {name: vars(each) for name, each in counts.items()}}
            temporary.write_text(json.dumps(kept, indent=1) + "\n")
