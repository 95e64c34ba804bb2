"""One training of a study, and the measurement of a model's speed."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lmn_music import api
from lmn_music.corpora import load_corpus
from lmn_music.corpora.corpus import Corpus
from lmn_music.errors import LmnMusicError, TrainingError
from lmn_music.training.config import Recipe
from lmn_music.training.reporter import Silent
from lmn_music.training.stages import stages_of
from studies.engine import Row
from studies.networks import registered

COMMAND = "lmn-music experiment"
HAND_OVER = "hand-over"
DIGITS = 6  # of stored likelihoods and accuracies


@dataclass(frozen=True)
class TrainingTask:
    """One training, in a run folder of its own."""

    levels: Mapping[str, str]  # the corpus, and the levels of the condition by factor
    setting: str  # of the grid, "" if there is none
    seed: int
    sha256: str  # of the corpus
    recipe: Recipe
    before: float | None  # planned seconds before the first epoch of the last stage, if a time was planned
    epoch: float | None  # planned seconds of each epoch of the last stage
    test: bool  # whether the test split is read at the end
    reported: bool  # else it is a trial among which a setting is chosen
    folder: Path = field(repr=False)  # an interrupted training resumes there, a finished trial is not made twice
    data: Path | None = field(repr=False)

    @registered()
    def measure(self) -> list[Row]:
        """Train, or resume, to the end; return the figures of the best epoch, and what led to it.

        Where the loss is no longer finite, "failed" says so, beside the figures of the best model before, if any.
        """
        corpus, failed = corpus_of(self.levels["corpus"], self.data), None
        try:
            self._train(corpus)
        except TrainingError as error:
            failed = str(error)
        metrics = self.folder / "metrics.jsonl"
        lines = [json.loads(line) for line in metrics.read_text().splitlines()] if metrics.exists() else []
        *earlier, stage = (stage.name for stage in stages_of(self.recipe))
        first = [line for line in lines if line["stage"] in earlier]
        last = [line for line in lines if line["stage"] == stage]
        clock = [line["seconds"] for line in (*first, *last)]
        seconds = clock[-1] if clock else 0.0
        if self.before is not None and self.epoch is not None:
            seconds = self.before + len(last) * self.epoch
        figures = self._figures(corpus) if (self.folder / "best.safetensors").exists() else {}
        if not self.reported:  # all that a choice needs; the task's name says the rest
            return [{"kind": "trial", "failed": failed, **figures}]
        row: Row = {
            "kind": "reported",
            **self.levels,
            "setting": self.setting or None,
            "seed": self.seed,
            "first_stage": len(first),
            "epochs": len(last),
            "seconds": round(seconds, 1),
            "before_seconds": self.before,
            "epoch_seconds": self.epoch,
            "failed": failed,
            **figures,
        }
        for line in lines:
            if line["stage"] == HAND_OVER:
                row |= {key: round(value, DIGITS) for key, value in line.items() if key != "stage"}
        row["unrolled"], row["curve"] = ([round(line["valid_nll"], 4) for line in part] for part in (first, last))
        row["clock"] = [round(at, 1) for at in clock]
        if self.before is not None:  # the time is the planned one, and after the best epoch nothing is read
            row["curve"], row["clock"] = row["curve"][: 1 + int(np.argmin(row["curve"] or [0]))], []
        return [row]

    def _train(self, corpus: Corpus) -> None:
        if (self.folder / "config.toml").exists():
            training = api.resume_run(self.folder, corpus, device="cpu")
            if (training.config.recipe, training.config.seed) != (self.recipe, self.seed):
                raise LmnMusicError(f"{self.folder} holds another training: choose another folder, or move it away")
        else:
            training = api.start_run(
                corpus, recipe=self.recipe, out=self.folder, seed=self.seed, device="cpu", command=COMMAND
            )
        training.run()

    def _figures(self, corpus: Corpus) -> Row:
        checkpoint = api.load_model(self.folder, device="cpu")
        row = {"valid_nll": checkpoint.header.figures["valid_nll"]}
        if self.test:
            found = api.evaluate(checkpoint, corpus, device="cpu")
            row |= {"test_nll": found.nll, "first_frame_excluded": found.nll_first_frame_excluded}
            row |= {"accuracy_sampled": found.accuracy_sampled, "accuracy_thresholded": found.accuracy_thresholded}
        row = {name: round(value, DIGITS) for name, value in row.items()}
        return {"parameters": sum(parameter.numel() for parameter in checkpoint.model.parameters()), **row}


@dataclass(frozen=True)
class Yardstick:
    """A model whose seconds are known from a machine that others were measured on."""

    recipe: Recipe
    seconds: float  # of an epoch, there


@dataclass(frozen=True)
class SpeedTask:
    """Measure how long a model takes on one core, by a short training; see `TrainingTask` for the attributes.

    With a yardstick, measured in turn with it: seconds of the machine on which the yardstick's seconds are known.
    """

    levels: Mapping[str, str]
    sha256: str
    recipe: Recipe
    repeats: int
    data: Path | None = field(repr=False)
    yardstick: Yardstick | None = None

    @registered()
    def measure(self) -> list[Row]:
        """Return the least seconds, of some, of an epoch of the last stage and of all that comes before the first."""
        epochs, before, beside = [], [], []
        for _ in range(self.repeats):
            first, *others = self._epochs(self.recipe)
            epochs += others
            before.append(first - min(others))
            if self.yardstick is not None:
                beside += self._epochs(self.yardstick.recipe)[1:]
        scale = self.yardstick.seconds / min(beside) if self.yardstick is not None else 1.0
        row = {
            "before_seconds": round(scale * max(0.0, min(before)), 3),
            "epoch_seconds": round(scale * max(1e-3, min(epochs)), 4),
        }
        return [{"kind": "speed", **self.levels, **row}]

    def _epochs(self, recipe: Recipe) -> list[float]:
        """Return the seconds to the end of the first epoch of the last stage, and of each epoch after it."""
        corpus, clock = corpus_of(self.levels["corpus"], self.data), Clock(stages_of(recipe)[-1].name)
        with tempfile.TemporaryDirectory() as folder:
            run = api.start_run(corpus, recipe=recipe, out=folder, device="cpu", command=COMMAND, reporter=clock)
            run.run()
        return np.diff(clock.times).tolist()


class Clock(Silent):
    """Notes the processor time at the end of each epoch of one stage."""

    def __init__(self, stage: str) -> None:
        self.stage, self.times = stage, [time.process_time()]

    def epoch(self, metrics: Mapping[str, Any]) -> None:
        """Note the time, unless the epoch is one of another stage."""
        if metrics["stage"] == self.stage:
            self.times.append(time.process_time())


@cache
def corpus_of(name: str, data: Path | None) -> Corpus:
    """Return the corpus, read once in each process."""
    return load_corpus(name, data)
