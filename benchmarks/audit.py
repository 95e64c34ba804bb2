"""What the likelihoods of the shipped models owe to their corpora: a table of docs/results.md.

    python benchmarks/audit.py run
    python benchmarks/audit.py table

`run` reads the test songs of each corpus with its shipped model: as they are, in another key, and without their first
frames; it looks for relatives of the test songs in the training split, and stores all in docs/results/audit.json.
`table` writes the table anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from lmn_music import api
from lmn_music.corpora import load_corpus
from lmn_music.evaluation.likelihood import frame_log_probs, nll_per_frame
from lmn_music.evaluation.relatives import nearest
from lmn_music.memory.sequences import FloatArray
from lmn_music.models.checkpoint import shipped_names
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.music.prints import prints
from studies.stored import read_json, write_json
from studies.tables import fill, markdown

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "audit.json"
PAGE = ROOT / "docs" / "results.md"
MOVED = 3  # semitones
DROPPED = 3  # frames


def moved(song: PianoRoll) -> PianoRoll:
    """Return the song three semitones higher, an octave lower than that where it would leave the keyboard."""
    try:
        return song.transposed(MOVED)
    except ValueError:
        return song.transposed(MOVED - 12)


def measure(name: str) -> dict[str, Any]:
    """Return what is measured of one model on its test songs: nats per frame of all of them, and without relatives."""
    corpus, model = load_corpus(name), api.load_model(name, device="cpu").model
    related = [one.related for one in nearest(prints(corpus.test), prints(corpus.train))]

    def nats(read: list[FloatArray], which: bool | None = None) -> float | None:
        kept = [each for each, one in zip(read, related, strict=True) if which in (None, one)]
        # More digits than are shown: rounded to four first, 4.21247 would be shown as 4.213.
        return round(nll_per_frame(kept), 6) if kept else None

    as_is = frame_log_probs(model, corpus.test)
    ways = {
        "as it is": as_is,
        "moved": frame_log_probs(model, [moved(song) for song in corpus.test]),
        "dropped": frame_log_probs(model, [song[DROPPED:] for song in corpus.test]),
        "not dropped": [each[DROPPED:] for each in as_is],
    }
    if at_hand := model.with_songs(corpus.train):
        ways["songs at hand"] = frame_log_probs(at_hand, corpus.test)
    found: dict[str, Any] = {"songs": len(related), "related": sum(related), "relatives": nats(as_is, True)}
    return found | {way: [nats(read), nats(read, False)] for way, read in ways.items()}


def run(names: list[str]) -> None:
    """Measure the models of that name anew."""
    for name in names:
        results = read_json(STORED) | {name: measure(name)}
        write_json(STORED, dict(sorted(results.items())))
        print(name, results[name], flush=True)


def table() -> str:
    """Return a line for each corpus."""

    def cell(figures: list[float]) -> str:
        return "{:.3f} ({:.3f})".format(*figures)

    return markdown(
        {
            "corpus": name,
            "test songs with a relative": f"{found['related']} of {found['songs']}",
            "their likelihood": "" if found["relatives"] is None else f"{found['relatives']:.3f}",
            "all test songs (those without a relative)": cell(found["as it is"]),
            "the same, the training songs at hand": cell(found["songs at hand"]),
            f"moved by +{MOVED} semitones": cell(found["moved"]),
            f"first {DROPPED} frames dropped": cell(found["dropped"]),
            f"the same frames, the first {DROPPED} read": cell(found["not dropped"]),
        }
        for name, found in read_json(STORED).items()
    )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run").add_argument("models", nargs="*", default=shipped_names())
    commands.add_parser("table")
    options = parser.parse_args()
    if options.command == "run":
        torch.set_num_threads(1)
        run(options.models)
    else:
        fill(PAGE, {"audit": table()}, alone=False)


if __name__ == "__main__":
    main()
