"""Make a finished run the shipped model of its corpus.

    python benchmarks/ship.py runs/piano

Reads the test split, once, and writes checkpoints/CORPUS.safetensors: the run's best weights in half precision, with
their figures on the test split in the header, and the command without the run folder, which is nobody else's. Half
precision moves a likelihood by less than 0.001 nats, and files are half as large.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from lmn_music.corpora import load_corpus
from lmn_music.evaluation.evaluate import evaluate
from lmn_music.models.checkpoint import load_checkpoint, save_checkpoint
from lmn_music.training.folder import read_metrics

FIGURES = ("nll", "nll_first_frame_excluded", "accuracy_sampled", "accuracy_thresholded")


PRIVATE = ("--out", "--data", "--device")


def public(command: str) -> str:
    """Return the command without what holds on one machine only; ValueError if some other path is left."""
    words = iter(shlex.split(command))
    kept = []
    for word in words:
        if word in PRIVATE:
            next(words)
        elif not word.startswith(tuple(f"{option}=" for option in PRIVATE)):
            kept.append(word)
    if paths := [word for word in kept if word.startswith("/")]:
        raise ValueError(f"{paths} exist on this machine only")
    return shlex.join(kept)


def ship(run: str) -> None:
    """Evaluate the run's best model and write it to the shipped checkpoints."""
    checkpoint = load_checkpoint(run)
    header = checkpoint.header
    if not header.corpus.comparable:
        raise ValueError(f"{run} was trained on a stand-in for a benchmark, or on a folder")
    # The last stages have no epochs: the header states those of the stage before them.
    epochs = [line for line in read_metrics(Path(run)) if line["stage"] == header.model.network]
    if not epochs:
        raise ValueError(f"{run} is no run folder, or has no epochs")
    best = max((line["epoch"] for line in epochs if line["best"]), default=0)
    weights = {name: weight.half() for name, weight in checkpoint.model.state_dict().items()}
    checkpoint.model.load_state_dict(weights)  # the figures are of what is written
    evaluation = evaluate(checkpoint, load_corpus(header.corpus.source))
    figures = header.figures | {"best_epoch": best, "epochs": epochs[-1]["epoch"]}
    figures |= {f"test_{name}": getattr(evaluation, name) for name in FIGURES}
    if evaluation.songs_at_hand:
        figures["test_nll_songs_at_hand"] = evaluation.songs_at_hand.nll
    shipped = header.model_copy(update={"figures": figures, "command": public(header.command)})
    path = Path(__file__).resolve().parent.parent / "checkpoints" / f"{header.corpus.name}.safetensors"
    save_checkpoint(path, weights, shipped)
    print(path.name, shipped.command, shipped.seed, figures, evaluation.nll_interval)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        ship(argument)
