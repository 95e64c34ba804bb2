"""Does it help to start the memory as an autoencoder? Trainings of equal length from several starts, in several models.

For every corpus, model and start: each setting of a small grid with seed 1, the best by its validation likelihood once
more with the other seeds. All trainings of a corpus get the same time on one core, in which the first stage and the
autoencoder's fit count. It is turned into epochs beforehand, by a measurement of each model's speed, so that what else
the machine does while it trains changes no figure. The test split is read once for each seed, by the model of the best
validation likelihood.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lmn_music.corpora import load_corpus
from lmn_music.corpora.corpus import Corpus
from lmn_music.errors import LmnMusicError, TrainingError
from lmn_music.evaluation.report import evaluate
from lmn_music.experiments.store import Done, Result, begin, carry_out
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.models.config import ModelConfig, Settings
from lmn_music.models.sequence_model import build
from lmn_music.training.recipe import Recipe, default_recipe, load_recipe, parse_recipe
from lmn_music.training.run import UNROLLED, Run, RunConfig, corpus_info
from lmn_music.training.trainer import Silent

Start = Literal["laes", "orthogonal", "random", "delay"]
COMMAND = "lmn-music experiment initialisation"
STARTS: tuple[Start, ...] = ("laes", "orthogonal", "random", "delay")
DEPENDENT = ("model.output=nade", "model.output_hidden_size=64")
MODELS: dict[str, tuple[str, ...]] = {
    "LMN-A": ("model.readout=hidden",),
    "LMN-B": ("model.readout=memory",),
    "LMN-NADE": ("model.readout=memory", *DEPENDENT),
    **{name.upper(): (f"model.network={name}",) for name in ("rnn", "gru", "lstm")},
    **{f"{name.upper()}-NADE": (f"model.network={name}", *DEPENDENT) for name in ("rnn", "gru", "lstm")},
}
# Linear readouts, as in the papers; a hidden state that is small beside the memory, which so holds more of its past.
# An autoencoder of 20,000 frames would take a fifth of the time on the large corpora.
COMMON = """
laes_frames = 10000

[model]
hidden_size = 64
memory_size = 256
input_dropout = 0.1

[pretraining]
batch_songs = 8
average = 0.9

[training]
batch_songs = 8
average = 0.99
memory_rate = 0.25
patience = 8
decay = 0.5
stop = 1000
"""
GRID: dict[str, tuple[str, ...]] = {
    f"rate {rate}, dropout {dropout}": (f"training.learning_rate={rate}", f"model.dropout={dropout}")
    for rate in (0.004, 0.01)
    for dropout in (0.2, 0.5)
}
SECONDS = {"jsb": 60.0, "piano": 100.0, "nottingham": 120.0, "muse": 200.0}
# Small corpora are learned by heart before the time is over, and want a rate that falls when validation says so; large
# ones are not, and want one that has fallen when the time is over.
ANNEALED = ("nottingham", "muse")
FIRST_STAGE = {"jsb": 10, "nottingham": 4, "muse": 2, "piano": 5}  # epochs of the unrolled model, a fifth of the time
TIMED, REPEATS = 3, 2  # epochs by which the speed of a model is measured, and how often
SEEDS = {"jsb": 5, "nottingham": 3, "muse": 3, "piano": 3}
# The tied model, by its own recipe, epochs for epochs: what the unrolled stage has goes to the LMN instead.
TIED = {"jsb": 5, "piano": 3}


class Plan(Settings):
    """What is to be done.

    models: which of MODELS. seconds: of each training, by corpus. seeds: how many, by corpus. tied: the same for the
    tied model.
    """

    models: tuple[str, ...] = tuple(MODELS)
    seconds: dict[str, float] = SECONDS
    seeds: dict[str, int] = SEEDS
    tied: dict[str, int] = TIED


class Timing(Settings):
    """A model whose speed is to be measured."""

    corpus: str
    data: Path | None
    model: str


class Training(Settings):
    """One training, in a run folder of its own.

    setting: of GRID, None for the tied model's own. limit: the seconds it may take, which the epochs of the recipe
    fill; before, epoch: the seconds before the first epoch of the LMN and of each epoch, as they were measured
    beforehand, None for the tied model, which takes what time it needs. test: whether the test split is read at the
    end.
    """

    corpus: str
    data: Path | None
    model: str
    start: Start
    setting: str | None
    seed: int
    limit: float | None = None
    before: float | None = None
    epoch: float | None = None
    test: bool
    folder: Path
    recipe: Recipe


def tied_recipe(corpus: str, start: Start) -> Recipe:
    """Return the recipe of the tied model; without a first stage, the LMN is trained for that stage's epochs too."""
    name = default_recipe(corpus)
    recipe = load_recipe(name)
    if start == "laes":
        return recipe
    epochs = recipe.pretraining.epochs + recipe.training.epochs
    return load_recipe(name, [f"init={start}", f"training.epochs={epochs}"])


def dense_recipe(corpus: str, model: str, start: Start, setting: str, epochs: int) -> Recipe:
    """Return the recipe of a dense model; RNN, GRU and LSTM have as many parameters as the LMN of the same output."""
    changes = [*MODELS[model], *GRID[setting], f"init={start}", f"training.epochs={epochs}"]
    changes += [f"pretraining.epochs={FIRST_STAGE.get(corpus, 2)}", f"training.anneal={corpus in ANNEALED}".lower()]
    changes += [change.replace("training", "pretraining") for change in GRID[setting] if "learning_rate" in change]
    recipe = parse_recipe(COMMON, changes)
    if recipe.model.network == "lmn":
        return recipe
    lmn = "LMN-NADE" if recipe.model.output == "nade" else "LMN-B"
    size = parameters(dense_recipe(corpus, lmn, start, setting, epochs).model)
    return parse_recipe(COMMON, [*changes, f"model.hidden_size={width_of_same_size(recipe.model, size)}"])


def width_of_same_size(config: ModelConfig, count: int) -> int:
    """Return the hidden size with which the model has about `count` parameters, and no more."""
    low, high = 1, math.isqrt(count) + 1  # the recurrent weights alone are its square
    while high - low > 1:
        middle = (low + high) // 2
        fits = parameters(config.model_copy(update={"hidden_size": middle})) <= count
        low, high = (middle, high) if fits else (low, middle)
    return low


@cache
def parameters(config: ModelConfig) -> int:
    """Return how many numbers a model learns."""
    return sum(parameter.numel() for parameter in build(config).parameters())


def starts(model: str) -> tuple[Start, ...]:
    """Return the starts a model has: an RNN, GRU or LSTM begins with orthogonal weights."""
    return STARTS if model.startswith("LMN") else STARTS[1:2]


def timings(plan: Plan, data: Path | None) -> dict[str, Timing]:
    """Return what is to be timed, by name."""
    return {
        f"{corpus}, {model}, speed": Timing(corpus=corpus, data=data, model=model)
        for corpus in plan.seconds
        for model in plan.models
    }


def trials(plan: Plan, runs: Path, data: Path | None, results: Mapping[str, Result]) -> dict[str, Training]:
    """Return the trainings among which the settings are chosen, by name, as long as the timings in `results` allow."""
    found = {}
    for name, timing in timings(plan, data).items():
        corpus, model, limit = timing.corpus, timing.model, plan.seconds[timing.corpus]
        for start in starts(model):
            before, epoch = results[name]["before"] if start == "laes" else 0.0, results[name]["epoch"]
            if before + epoch > limit:
                raise LmnMusicError(
                    f"{limit:g} seconds on {corpus} are over before {model} has had an epoch: choose another --out "
                    "and --runs, and more --seconds"
                )
            for setting in GRID:
                found[f"{corpus}, {model}, {start}, {setting}"] = Training(
                    corpus=corpus,
                    data=data,
                    model=model,
                    start=start,
                    setting=setting,
                    seed=1,
                    limit=limit,
                    before=before,
                    epoch=epoch,
                    test=False,
                    folder=runs / _slug(corpus, model, start, setting, 1),
                    recipe=dense_recipe(corpus, model, start, setting, int((limit - before) / epoch)),
                )
    return found


def finals(plan: Plan, runs: Path, data: Path | None, results: Mapping[str, Result]) -> dict[str, Training]:
    """Return the trainings that are reported, by name: every seed with the setting of the best trial, and the tied."""
    best: dict[tuple[str, str, Start], Training] = {}
    for name, trial in trials(plan, runs, data, results).items():
        cell = trial.corpus, trial.model, trial.start
        if cell not in best or _reached(results[name]) < _reached(results[_name(best[cell])]):
            best[cell] = trial
    found = {}
    for trial in best.values():
        for seed in range(1, plan.seeds[trial.corpus] + 1):
            folder = runs / _slug(trial.corpus, trial.model, trial.start, str(trial.setting), seed)
            training = trial.model_copy(update={"seed": seed, "test": True, "folder": folder})
            found[f"{trial.corpus}, {trial.model}, {trial.start}, seed {seed}"] = training
    for corpus, seeds in plan.tied.items():
        for start in STARTS[:2]:
            for seed in range(1, seeds + 1):
                found[f"{corpus}, tied, {start}, seed {seed}"] = Training(
                    corpus=corpus,
                    data=data,
                    model="tied",
                    start=start,
                    setting=None,
                    seed=seed,
                    test=True,
                    folder=runs / _slug(corpus, "tied", start, seed),
                    recipe=tied_recipe(corpus, start),
                )
    return found


def _reached(result: Result) -> float:
    return math.inf if result["valid_nll"] is None else float(result["valid_nll"])


def _name(trial: Training) -> str:
    return f"{trial.corpus}, {trial.model}, {trial.start}, {trial.setting}"


def _slug(*parts: object) -> str:
    """Return the name of a folder; what is in the parts besides letters and digits is told apart by a number."""
    text = "-".join(str(part) for part in parts)
    plain = text.replace(", ", "-").replace(" ", "-")
    return plain if plain.replace("-", "").replace(".", "").isalnum() else f"{zlib.crc32(text.encode()):08x}"


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
    by another protocol or of other lengths.
    """
    plan, path = plan or Plan(), out / "initialisation.json"
    for corpus in plan.seconds:
        _corpus(corpus, data)  # what is missing or damaged is told now, not after hours
    protocol = {"common": COMMON, "models": MODELS, "grid": GRID, "first stage": FIRST_STAGE, "annealed": ANNEALED}
    for name, result in begin(path, protocol).items():
        corpus, limit = result.get("corpus", name), result.get("limit")
        if limit is not None and limit != plan.seconds.get(corpus, limit):
            raise LmnMusicError(
                f"{path} holds trainings of {limit:g} seconds on {corpus}, not {plan.seconds[corpus]:g}: "
                "choose another --out and --runs, or the same --seconds"
            )
    results: dict[str, Result] = {}
    cells = sum(len(starts(model)) for model in plan.models)
    later = {
        corpus: [len(plan.models), len(GRID) * cells, cells * plan.seeds[corpus] + 2 * plan.tied.get(corpus, 0)]
        for corpus in plan.seconds
    }

    def work_through(corpus: str, tasks: Mapping[str, Any], work: Callable[[Any], Result]) -> dict[str, Result]:
        later[corpus].pop(0)
        rest = sum(sum(counts) for counts in later.values())
        told = None if done is None else lambda name, result, left: done(name, result, left + rest)
        return carry_out(path, tasks, work, workers=workers, done=told)

    for corpus, seconds in plan.seconds.items():  # whole corpora: an interruption leaves finished ones
        tied = {corpus: plan.tied[corpus]} if corpus in plan.tied else {}
        part = plan.model_copy(update={"seconds": {corpus: seconds}, "tied": tied})
        results = work_through(corpus, timings(part, data), measure_speed)
        results = work_through(corpus, trials(part, runs, data, results), train)
        results = work_through(corpus, finals(part, runs, data, results), train)
    return results


class _Clock(Silent):
    """Notes the processor time at the end of each epoch of the last stage."""

    def __init__(self) -> None:
        self.times = [time.process_time()]

    def epoch(self, metrics: Mapping[str, Any]) -> None:
        if metrics["stage"] != UNROLLED:
            self.times.append(time.process_time())


def measure_speed(timing: Timing) -> Result:
    """Return the seconds an epoch takes, and what comes before the first, with an autoencoder: the least of some."""
    corpus, epochs, before = _corpus(timing.corpus, timing.data), [], []
    start, setting = STARTS[0] if timing.model.startswith("LMN") else STARTS[1], next(iter(GRID))
    config = RunConfig(
        command=COMMAND,
        seed=1,
        corpus=corpus_info(corpus, timing.corpus),
        recipe=dense_recipe(timing.corpus, timing.model, start, setting, TIMED),
    )
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            clock = _Clock()
            Run.start(Path(folder), config, corpus, reporter=clock).run()
        first, *others = np.diff(clock.times)
        epochs += others
        before.append(first - min(others))
    return {
        **timing.model_dump(include={"corpus", "model"}),
        "before": round(max(0.0, min(before)), 3),
        "epoch": round(max(1e-3, min(epochs)), 4),
    }


def train(training: Training) -> Result:
    """Train, or go on, to the end, and return the figures: JSON."""
    corpus, failed = _corpus(training.corpus, training.data), None
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
def _corpus(name: str, data: Path | None) -> Corpus:
    return load_corpus(name, data)
