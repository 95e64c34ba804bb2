"""Does it help to start the memory as an autoencoder? Trainings of equal length from several starts, in several models.

For every corpus, model and start: each setting of a small grid (see `initialisation_plan.settings`) with seed 1, the
best by its validation likelihood once more with the other seeds. All trainings of a corpus get the same time on one
core, in which the first stage and the autoencoder's fit count. It is turned into epochs beforehand, by a measurement of
each model's speed, so that what else the machine does while it trains changes no figure. The test split is read once
for each seed, by the model of the best validation likelihood.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lmn_music.corpora import load_corpus
from lmn_music.corpora.corpus import Corpus
from lmn_music.errors import LmnMusicError, TrainingError
from lmn_music.evaluation.report import evaluate
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.training.folder import RunConfig, corpus_info
from lmn_music.training.reporter import Silent
from lmn_music.training.run import Run
from lmn_music.training.stages import UNROLLED
from studies.initialisation_plan import (
    GRID,
    Plan,
    Timing,
    Training,
    dense_recipe,
    finals,
    names,
    parameters,
    protocol,
    timings,
    trials,
)
from studies.store import Done, Result, begin, carry_out

COMMAND = "lmn-music experiment initialisation"
TIMED, REPEATS = 3, 2  # epochs by which the speed of a model is measured, and how often


def run(
    out: Path,
    runs: Path,
    plan: Plan | None = None,
    *,
    data: Path | None = None,
    workers: int = 2,
    done: Done | None = None,
) -> dict[str, Result]:
    """Do what is missing in `out`/initialisation.json, the trainings in folders under `runs`; return all results.

    done: told each name, its result and how many are left of the whole plan. LmnMusicError if the file holds trainings
    by another protocol, on other songs or of other lengths.
    """
    plan, path = plan or Plan(), out / "initialisation.json"
    # What is missing or damaged is told now, not after hours.
    songs = {corpus: corpus_of(corpus, data).sha256 for corpus in plan.seconds}
    runs.mkdir(parents=True, exist_ok=True)
    known = begin(path, protocol())
    for name, result in known.items():
        corpus, limit = result.get("corpus", name), result.get("limit")
        if corpus in songs and result.get("sha256", songs[corpus]) != songs[corpus]:
            raise LmnMusicError(
                f"{path} was made with other songs than {corpus} has now: choose another --out and --runs"
            )
        if limit is not None and limit != plan.seconds.get(corpus, limit):
            raise LmnMusicError(
                f"{path} holds trainings of {limit:g} seconds on {corpus}, not {plan.seconds[corpus]:g}: "
                "choose another --out and --runs, or the same --seconds"
            )
    left = names(plan) - known.keys()

    def told(name: str, result: Result, _: int) -> None:
        left.discard(name)
        if done is not None:
            done(name, result, len(left))

    def carried_out(tasks: Mapping[str, Any], work: Callable[[Any], Result]) -> dict[str, Result]:
        return carry_out(path, tasks, work, workers=workers, done=told)

    results = known
    for corpus, seconds in plan.seconds.items():  # whole corpora: an interruption leaves finished ones
        tied = {corpus: plan.tied[corpus]} if corpus in plan.tied else {}
        part = plan.model_copy(update={"seconds": {corpus: seconds}, "tied": tied})
        results = carried_out(timings(part, data), measure_speed)
        results = carried_out(trials(part, runs, data, results), train)
        results = carried_out(finals(part, runs, data, results), train)
    return results


class Clock(Silent):
    """Notes the processor time at the end of each epoch of the last stage."""

    def __init__(self) -> None:
        self.times = [time.process_time()]

    def epoch(self, metrics: Mapping[str, Any]) -> None:
        """Note the time, unless the epoch is one of the unrolled model."""
        if metrics["stage"] != UNROLLED:
            self.times.append(time.process_time())


def measure_speed(timing: Timing) -> Result:
    """Return the seconds an epoch takes, and what comes before the first, with an autoencoder: the least of some."""
    corpus, epochs, before = corpus_of(timing.corpus, timing.data), [], []
    setting = next(iter(GRID))
    config = RunConfig(
        command=COMMAND,
        seed=1,
        corpus=corpus_info(corpus, timing.corpus),
        recipe=dense_recipe(timing.corpus, timing.model, timing.start, setting, TIMED),
    )
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            clock = Clock()
            Run.start(Path(folder), config, corpus, reporter=clock).run()
        first, *others = np.diff(clock.times)
        epochs += others
        before.append(first - min(others))
    return {
        **timing.model_dump(include={"corpus", "model", "start"}),
        "sha256": corpus.sha256,
        "before": round(max(0.0, min(before)), 3),
        "epoch": round(max(1e-3, min(epochs)), 4),
    }


def train(training: Training) -> Result:
    """Train, or go on, to the end, and return the figures: JSON."""
    corpus, failed = corpus_of(training.corpus, training.data), None
    config = RunConfig(
        command=COMMAND, seed=training.seed, corpus=corpus_info(corpus, training.corpus), recipe=training.recipe
    )
    if (training.folder / "config.toml").exists():
        work = Run.resume(training.folder, corpus)
        if (work.config.recipe, work.config.seed) != (training.recipe, training.seed):
            raise LmnMusicError(f"{training.folder} holds another training: choose another --runs, or move it away")
    else:
        work = Run.start(training.folder, config, corpus)
    try:
        work.run()
    except TrainingError as error:
        failed = str(error)  # stands beside the figures of the best model before, if there is one
    metrics = training.folder / "metrics.jsonl"
    lines = [json.loads(line) for line in metrics.read_text().splitlines()] if metrics.exists() else []
    first_stage = [line for line in lines if line["stage"] == UNROLLED]
    epochs = [line for line in lines if line["stage"] not in (UNROLLED, "hand-over")]
    seconds = [float(line["seconds"]) for line in epochs]
    if training.before is not None and training.epoch is not None:
        seconds = [training.before + number * training.epoch for number in range(1, len(epochs) + 1)]
    result: dict[str, Any] = {
        **training.model_dump(include={"corpus", "model", "start", "setting", "seed", "limit"}),
        "valid_nll": None,
        "first_stage": len(first_stage),
        "epochs": len(epochs),
        "seconds": round(seconds[-1], 1) if seconds else 0.0,
        "failed": failed,
    }
    if not (training.folder / "best.safetensors").exists():
        return result
    checkpoint = load_checkpoint(training.folder)
    result["parameters"] = parameters(checkpoint.header.model)
    result["valid_nll"] = checkpoint.header.figures["valid_nll"]
    if not training.test:
        return result
    figures = evaluate(checkpoint, corpus)
    result |= {
        "test_nll": figures.nll,
        "first_frame_excluded": figures.nll_first_frame_excluded,
        "accuracy_sampled": figures.accuracy_sampled,
        "accuracy_thresholded": figures.accuracy_thresholded,
        "curve": [
            [len(first_stage) + number, round(at, 2), round(line["valid_nll"], 4)]
            for number, (at, line) in enumerate(zip(seconds, epochs, strict=True), 1)
        ],
    }
    if hand_over := [line for line in lines if line["stage"] == "hand-over"]:
        before = first_stage[-1]["seconds"] if training.before is None else training.before
        result["curve"].insert(0, [len(first_stage), round(before, 2), round(hand_over[0]["valid_nll_after"], 4)])
        result |= {key: value for key, value in hand_over[0].items() if key != "stage"}
    return result


@cache
def corpus_of(name: str, data: Path | None) -> Corpus:
    """Return the corpus, read once in each process."""
    return load_corpus(name, data)
