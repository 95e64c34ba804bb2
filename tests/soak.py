"""What `make soak` kills: work that is begun again where it was killed, and what it must have done in the end."""

import hashlib
import json
import os
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context

import pooch  # noqa: F401 - and others below: what is imported here, no process of its own has to import

import lmn_music.formats.midi
import lmn_music.formats.midi_writer
import lmn_music.formats.npz
import lmn_music.generation.sampler
import lmn_music.training.run  # noqa: F401
from lmn_music import api
from lmn_music.corpora import BENCHMARKS, Corpus, benchmark_files, packing
from lmn_music.corpora.benchmark_table import Source
from lmn_music.corpora.corpus import content_sha256
from lmn_music.formats import write_roll
from lmn_music.models.checkpoint import load_checkpoint
from tests.helpers import make_roll

CHANGES = ["model.hidden_size=6", "model.memory_size=8", "model.window=3", "model.dropout=0.3", "pretraining.epochs=2"]
CHANGES += [f"{stage}.{value}" for stage in ("pretraining", "training") for value in ("batch_songs=3", "ema_decay=0.9")]
SONGS = 6
TUNES = 40


class DifferenceError(Exception):
    """Something that was killed and resumed is not what it would have been."""


def contents(folder):
    """Return the SHA-256 of every file that is not hidden."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if not path.name.startswith(".")
    }


class Training:
    """A training of two stages, all that it leaves compared but for its times."""

    def __init__(self, place):
        rolls = [make_roll(12 + 3 * seed, seed) for seed in range(12)]
        splits = tuple(rolls[:8]), tuple(rolls[8:10]), tuple(rolls[10:])
        self.corpus = Corpus("small", *splits, 1, "made here", content_sha256(*splits), False, "", "")
        self.folder = place / "run"

    def begin(self):
        """Train, or resume."""
        if (self.folder / "config.toml").exists():
            api.resume(self.folder, self.corpus)
        else:
            api.train(self.corpus, out=self.folder, recipe="lmn", changes=CHANGES, epochs=3, seed=5)

    def killed(self):
        """A training may leave anything from which it resumes."""

    def found(self):
        """Return everything that a training leaves but for its times."""
        found = {"files": sorted(path.name for path in self.folder.iterdir())}
        found["config"] = (self.folder / "config.toml").read_text()
        lines = map(json.loads, (self.folder / "metrics.jsonl").read_text().splitlines())
        found["metrics"] = [{name: value for name, value in line.items() if name != "seconds"} for line in lines]
        for name in ("best", "last"):
            checkpoint = load_checkpoint(self.folder / f"{name}.safetensors")
            figures = {key: value for key, value in checkpoint.header.figures.items() if key != "seconds"}
            found[name] = figures, {key: weight.tolist() for key, weight in checkpoint.model.state_dict().items()}
        return found


class Composing:
    """Songs, each in two files: the name of a song stands before a whole one only."""

    def __init__(self, place):
        training = Training(place)
        training.begin()
        self.model, self.folder, self.whole = training.folder, place / "songs", None

    def begin(self):
        """Compose all songs."""
        self.folder.mkdir(exist_ok=True)
        paths = [self.folder / "song.mid", self.folder / "song.npz"]
        for _ in api.compose_files(paths, self.model, count=SONGS, frames=24, seed=3):
            pass

    def killed(self):
        """What is there is whole."""
        if self.folder.exists() and not contents(self.folder).items() <= self.whole.items():
            raise DifferenceError("half a song has the name of a whole one")

    def found(self):
        """Return the songs."""
        found = contents(self.folder)
        self.whole = self.whole or found
        return found


class Packing:
    """A folder of tunes packed by a process of its own."""

    def __init__(self, place):
        self.folder, self.tunes = place / "packed", place / "tunes"
        self.tunes.mkdir()
        for seed in range(TUNES):
            write_roll(make_roll(30, seed, frames_per_quarter=2), self.tunes / f"{seed:02}.mid")

    def begin(self):
        """Pack, or continue. The worker is forked: a spawned one would first import everything, for seconds."""
        packing.get_context = lambda _: get_context("fork")
        api.pack_corpus(self.tunes, self.folder, workers=1)

    def killed(self):
        """A packing may leave anything from which it continues."""

    def found(self):
        """Return the shards and the index."""
        return contents(self.folder)


class Quiet(SimpleHTTPRequestHandler):
    """A server that says nothing, and sends slowly enough to be killed at."""

    def log_message(self, *_):
        """See BaseHTTPRequestHandler."""

    def copyfile(self, source, outputfile):
        """See SimpleHTTPRequestHandler."""
        with suppress(ConnectionError):  # whoever asked was killed
            while part := source.read(20_000):
                outputfile.write(part)
                time.sleep(0.001)


class Fetching:
    """A corpus from a server on this machine."""

    def __init__(self, place):
        (place / "server").mkdir()
        content = bytes(range(256)) * 2000
        (place / "server" / "corpus.mat").write_bytes(content)
        self.folder = place / "cache"
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(place / "server")))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/corpus.mat"
        self.spec = replace(BENCHMARKS["jsb"], sources=(Source(address, hashlib.sha256(content).hexdigest()),))

    def begin(self):
        """Fetch."""
        os.environ |= {benchmark_files.CACHE_VARIABLE: str(self.folder), "NO_PROXY": "127.0.0.1"}
        os.environ.pop(benchmark_files.DATA_VARIABLE, None)
        benchmark_files.obtain(self.spec)

    def killed(self):
        """What has a name is compared in the end."""

    def found(self):
        """Return what was fetched."""
        return contents(self.folder)


def clear(work):
    """Remove what a work has written."""
    shutil.rmtree(work.folder, ignore_errors=True)


WORKS = {"training": Training, "composing": Composing, "fetching": Fetching, "packing": Packing}
