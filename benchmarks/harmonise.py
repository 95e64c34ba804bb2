"""How well a melody is harmonised: Bach's chorales, their sopranos given, and Bach beside it. A table of docs/music.md.

    python benchmarks/harmonise.py run
    python benchmarks/harmonise.py table

`run` harmonises the sopranos of the test songs of JSB Chorales with the shipped model `jsb`, in the key and the octave
of the corpus, and stores in docs/results/harmonise.json what it counts in each song, as each song is done; what is
stored already is not measured again. `table` writes the table anew.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

import torch

from lmn_music import api
from lmn_music.corpora import load_corpus
from lmn_music.generation.constraints import Limits, melody_on_top, parallels
from lmn_music.generation.filling import fill
from lmn_music.generation.harmonising import PARALLELS
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.music.measures import MEASURES
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.music.windows import Frames, top_voice
from studies.stored import read_json, write_json
from studies.tables import fill as fill_page
from studies.tables import markdown

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "harmonise.json"
PAGE = ROOT / "docs" / "music.md"
WAYS: dict[str, tuple[int, Limits]] = {  # particles, and what is asked for
    "plain clamping: 1 particle": (1, Limits()),
    "64 particles": (64, Limits()),
    "64 particles, four voices asked for": (64, Limits(voices=4)),
    "64 particles, four voices, few parallels: as the command does": (64, Limits(voices=4, parallels=PARALLELS)),
}
BACH = "Bach"
CLASHES = next(measure for measure in MEASURES if measure.name == "frames with a semitone or major seventh")

Counts = dict[str, float]


def stored() -> dict[str, Counts]:
    """Return what was counted so far, by row and song."""
    rows = read_json(STORED)
    columns = rows.pop("columns", [])
    return {name: dict(zip(columns, values, strict=True)) for name, values in rows.items()}


def store(found: dict[str, Counts]) -> None:
    """Keep what was counted, a song in a line, after a line that names the counts."""
    rows = {"columns": list(next(iter(found.values())))}
    write_json(STORED, rows | {name: list(found[name].values()) for name in sorted(found)})


def count(checkpoint: Checkpoint, frames: Frames, bach: Frames, seconds: float) -> Counts:
    """Return what is counted in a song."""
    with torch.no_grad():
        log_prob, _ = checkpoint.model(torch.tensor(frames, dtype=torch.float32).unsqueeze(1))
    voices, asked = frames.sum(axis=1), bach.sum(axis=1)
    clashes, sounding = CLASHES.count(PianoRoll(frames, checkpoint.header.corpus.frames_per_quarter))
    return {
        "frames": len(frames),
        "nats": round(-float(log_prob.sum()), 3),
        "clashes": int(clashes),
        "sounding": int(sounding),
        "keys": int(voices.sum()),
        "fewer": int((voices < asked).sum()),
        "more": int((voices > asked).sum()),
        "parallels": int(parallels(*(torch.tensor(part).float() for part in (frames[:-1], frames[1:]))).sum()),
        "melody": int(bach.any(axis=1).sum()),
        "kept": int((top_voice(frames) & top_voice(bach)).sum()),
        "seconds": round(seconds, 2),
    }


def run(every: int) -> None:
    """Count what is missing, in each song."""
    checkpoint = api.load_model("jsb", device="cpu")
    found = stored()
    for number, song in list(enumerate(load_corpus("jsb").test))[::every]:
        found.setdefault(f"{BACH}, song {number:02d}", count(checkpoint, song.frames, song.frames, 0))
        for way, (particles, limits) in WAYS.items():
            name = f"{way}, song {number:02d}"
            if name in found:
                continue
            start = time.process_time()
            filled = fill(
                checkpoint.model,
                melody_on_top(top_voice(song.frames)),
                torch.Generator().manual_seed(number),
                particles=particles,
                limits=limits,
            )
            found[name] = count(checkpoint, filled.frames, song.frames, time.process_time() - start)
        store(found)
        print("song", number, "is done", flush=True)


def table() -> str:
    """Return a line for Bach and one for each way."""
    found, rows = stored(), []
    for way in (BACH, *WAYS):
        songs = [counts for name, counts in found.items() if re.fullmatch(re.escape(way) + r", song \d+", name)]
        total = {name: sum(counts[name] for counts in songs) for name in songs[0]}
        frames = total["frames"]
        rows.append(
            {
                "": way,
                "nats per frame": f"{total['nats'] / frames:.2f}",
                "frames with a semitone or major seventh": f"{total['clashes'] / total['sounding']:.1%}",
                "keys per frame": f"{total['keys'] / frames:.2f}",
                "frames with fewer keys than Bach": "" if way == BACH else f"{total['fewer'] / frames:.1%}",
                "with more": "" if way == BACH else f"{total['more'] / frames:.1%}",
                "parallel fifths and octaves in 100 frames": f"{100 * total['parallels'] / frames:.2f}",
                "melody kept": f"{total['kept'] / total['melody']:.1%}",
                "seconds a chorale": "" if way == BACH else f"{total['seconds'] / len(songs):.1f}",
            }
        )
    return markdown(rows)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("run")
    command.add_argument("--every", type=int, default=1, help="harmonise every n-th song only")
    commands.add_parser("table")
    options = parser.parse_args()
    if options.command == "run":
        torch.set_num_threads(1)
        run(options.every)
    else:
        fill_page(PAGE, {"harmonise": table()}, alone=False)


if __name__ == "__main__":
    main()
