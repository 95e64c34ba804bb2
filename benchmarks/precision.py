"""What the shipped models say, and to how many digits. For docs/reliability.md and the tests.

    python benchmarks/precision.py tunes
    python benchmarks/precision.py splits [MODEL ...]
    python benchmarks/precision.py table

`tunes` reads the tunes of data/samples with each shipped model, in seconds: the golden figures of the tests, by which a
change of the code that changes a likelihood is noticed. `splits` reads the test split of each model's corpus in float32
and in float64, in about fifteen minutes. docs/results/precision.json keeps both with the SHA-256 of the checkpoint;
a split is not measured again with the checkpoint that is stored. `table` writes the table anew.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmn_music import api
from lmn_music.corpora import load_corpus
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.formats import read_score
from lmn_music.models.checkpoint import Checkpoint, find_checkpoint
from lmn_music.music.pianoroll import PianoRoll
from studies.stored import read_json, write_json
from studies.tables import fill, markdown

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "precision.json"
PAGE = ROOT / "docs" / "reliability.md"
TUNES = sorted((ROOT / "data" / "samples").glob("*.musicxml"))


def stored(what: str) -> dict[str, dict[str, Any]]:
    """Return what was measured of the tunes or the splits so far, by model."""
    return read_json(STORED).get(what, {})


def sha256(model: str) -> str:
    """Return the SHA-256 of a shipped checkpoint."""
    return hashlib.sha256(find_checkpoint(model).read_bytes()).hexdigest()


def tunes(checkpoint: Checkpoint) -> list[PianoRoll]:
    """Return the tunes that the package ships, in the frames of a model."""
    return [read_score(path, checkpoint.header.corpus.frames_per_quarter) for path in TUNES]


def in_both(checkpoint: Checkpoint, songs: Sequence[PianoRoll]) -> tuple[npt.NDArray[np.float64], ...]:
    """Return the log-likelihood of every frame in float32, and in float64; the model stays as it is."""
    single = np.concatenate(frame_log_probs(checkpoint.model.float(), songs))
    double = np.concatenate(frame_log_probs(checkpoint.model.double(), songs))
    checkpoint.model.float()
    return single, double


def golden(checkpoint: Checkpoint) -> dict[str, float]:
    """Return the nats per frame of each tune."""
    read = frame_log_probs(checkpoint.model, tunes(checkpoint))
    return {path.stem: round(-float(values.mean()), 6) for path, values in zip(TUNES, read, strict=True)}


def precise(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return how far float32 is from float64 on the test split of the model's corpus."""
    single, double = in_both(checkpoint, load_corpus(checkpoint.header.corpus.source).test)
    return {
        "frames": len(double),
        "nats per frame": round(-float(double.mean()), 8),
        "mean difference": float(f"{abs(single.mean() - double.mean()):.2g}"),
        "largest difference of a frame": float(f"{np.abs(single - double).max():.2g}"),
    }


def run(what: str, models: Sequence[str]) -> None:
    """Measure the tunes, or the splits that are missing, and keep the figures."""
    for model in models:
        found = {each: stored(each) for each in ("tunes", "splits")}
        if what == "splits" and found[what].get(model, {}).get("sha256") == sha256(model):
            continue
        checkpoint = api.load_model(model, device="cpu")
        measured = golden(checkpoint) if what == "tunes" else precise(checkpoint)
        found[what][model] = {"sha256": sha256(model), **measured}
        write_json(STORED, found)


def table() -> str:
    """Return the rows of the page."""
    return markdown(
        {
            "model": model,
            "frames of the test split": f"{found['frames']:,}",
            "nats per frame in float64": f"{found['nats per frame']:.5f}",
            "in float32 it differs by": f"{found['mean difference']:.1e}",
            "in one frame by at most": f"{found['largest difference of a frame']:.1e}",
        }
        for model, found in sorted(stored("splits").items())
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["tunes", "splits", "table"])
    parser.add_argument("models", nargs="*")
    asked = parser.parse_args()
    if asked.what == "table":
        fill(PAGE, {"precision": table()}, alone=False)
    else:
        run(asked.what, asked.models or api.shipped_models())
