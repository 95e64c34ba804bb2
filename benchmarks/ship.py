"""Make a finished run the shipped model of its corpus.

    python benchmarks/ship.py runs/piano

Reads the test split, once, and writes checkpoints/CORPUS.safetensors: the run's best weights with the figures of the
test split in the header, and the command without the run folder, which is nobody else's.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from lmn_music.corpora import load_corpus
from lmn_music.evaluation.report import evaluate
from lmn_music.models.checkpoint import load_checkpoint, save_checkpoint

FIGURES = ("nll", "nll_first_frame_excluded", "accuracy_sampled", "accuracy_thresholded")


def ship(run: str) -> None:
    """Evaluate the run's best model and write it to the shipped checkpoints."""
    checkpoint = load_checkpoint(run)
    header = checkpoint.header
    evaluation = evaluate(checkpoint, load_corpus(header.corpus.source))
    figures = header.figures | {f"test_{name}": getattr(evaluation, name) for name in FIGURES}
    words = shlex.split(header.command)
    if "--out" in words:
        place = words.index("--out")
        del words[place : place + 2]
    shipped = header.model_copy(update={"figures": figures, "command": shlex.join(words)})
    path = Path(__file__).resolve().parent.parent / "checkpoints" / f"{header.corpus.name}.safetensors"
    save_checkpoint(path, checkpoint.model.state_dict(), shipped)
    print(path.name, shipped.command, shipped.seed, figures, evaluation.nll_interval)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        ship(argument)
