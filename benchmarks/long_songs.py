"""Songs far longer than those of the corpora: seconds and memory by the number of frames. For docs/performance.md.

    python benchmarks/long_songs.py run
    python benchmarks/long_songs.py table

`run` reads Piano-midi's training songs, one after the other as one song, with the shipped model of Piano-midi: their
likelihood, and as a prime from which a song is continued; each in a process of its own with one thread. What
docs/results/long_songs.json has is not measured again. `table` writes the table anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from lmn_music.allocator import keep_freed_memory
from lmn_music.corpora import load_corpus
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.generation.prime import read_prime
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.music.pianoroll import PianoRoll
from studies.stored import read_json, write_json
from studies.tables import fill, markdown

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "long_songs.json"
PAGE = ROOT / "docs" / "performance.md"
FRAMES = (5_000, 10_000, 20_000, 100_000)
NEW = 64  # frames that are composed after a prime
COLUMNS = {
    "likelihood, s": ("likelihood", "seconds", ".1f"),
    "memory of the likelihood, MB": ("likelihood", "megabytes", ".0f"),
    "prime, s": ("prime", "seconds", ".1f"),
    "memory of the prime, MB": ("prime", "megabytes", ".0f"),
    "a frame drawn from the model itself after it, ms": ("prime", "frame", ".1f"),
}
WORKS = ("likelihood", "prime")

Figures = dict[str, dict[str, float]]


def stored(work: str) -> Figures:
    """Return what was measured of a kind of work so far, by the number of frames."""
    return read_json(STORED).get(work, {})


def peak() -> float:
    """Return the most megabytes that this process has used so far."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1000


@torch.no_grad()
def one(work: str, count: int) -> dict[str, float]:
    """Do a piece of work in this process.

    Returns:
        Seconds of the processor, megabytes beyond those that the model takes itself, and after a prime the
        milliseconds of the processor for each new frame.
    """
    torch.set_num_threads(1)
    keep_freed_memory()  # as every command does
    model = load_checkpoint("piano").model.eval()
    song = np.concatenate([song.frames for song in load_corpus("piano").train] * 2)[:count]
    frame_log_probs(model, [PianoRoll(song[:300], 4)])
    memory, began = peak(), time.process_time()
    if work == "likelihood":
        frame_log_probs(model, [PianoRoll(song, 4)])
    else:
        state = read_prime(model, torch.tensor(song, dtype=torch.float32), 1, free=True)
    found = {"seconds": round(time.process_time() - began, 2), "megabytes": round(peak() - memory)}
    if work == "prime":
        generator, began = torch.Generator().manual_seed(0), time.process_time()
        for _ in range(NEW):
            context, state = model.step(state)
            state = state.saw(model.output.draw(context, generator=generator).frames)
        found["frame"] = round((time.process_time() - began) / NEW * 1000, 2)
    return found


def run() -> None:
    """Measure what is missing, the shortest songs first, and keep the figures."""
    for count in FRAMES:
        for work in WORKS:
            if str(count) in stored(work):
                continue
            command = [sys.executable, __file__, "one", work, str(count)]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            figures = {each: stored(each) for each in WORKS}
            figures[work][str(count)] = found
            write_json(STORED, figures)
            print(work, count, found, flush=True)


def table() -> str:
    """Return the rows of the page."""
    return markdown(
        {"frames": f"{count:,}"}
        | {
            title: format(stored(work)[str(count)][name], "," + digits)
            for title, (work, name, digits) in COLUMNS.items()
        }
        for count in FRAMES
        if all(str(count) in stored(work) for work in WORKS)
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "one", "table"])
    parser.add_argument("work", nargs="?", choices=WORKS)
    parser.add_argument("frames", nargs="?", type=int)
    asked = parser.parse_args()
    if asked.what == "table":
        fill(PAGE, {"long_songs": table()}, alone=False)
    elif asked.what == "one":
        print(json.dumps(one(asked.work, asked.frames)))
    else:
        run()
