"""What the experiment on starts has to do: the models and their starts, the settings, the budget, the trainings."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from lmn_music.errors import LmnMusicError
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig, Settings
from lmn_music.training.config import Recipe
from lmn_music.training.recipe import default_recipe, load_recipe, parse_recipe
from studies.store import Result

Start = Literal["laes", "pieces", "feedback", "orthogonal", "random", "delay"]
# The autoencoder of whole songs; of pieces as long as the window of the unrolled model, so that most of what this has
# learned is handed over, and nothing is held that lies further back; the same where this window feeds back.
WINDOW = ModelConfig().window
STARTS: dict[Start, tuple[str, ...]] = {
    "laes": ("start=laes",),
    "pieces": ("start=laes", f"laes_length={WINDOW}"),
    "feedback": ("start=laes", f"laes_length={WINDOW}", "model.feedback=true"),
    "orthogonal": ("start=orthogonal",),
    "random": ("start=random",),
    "delay": ("start=delay",),
}
AUTOENCODERS = tuple(start for start, changes in STARTS.items() if "start=laes" in changes)
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
ema_decay = 0.9
memory_rate = 0.1

[training]
batch_songs = 8
ema_decay = 0.99
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
# Large corpora are not learned by heart in so short a time: on Nottingham all models and starts chose less dropout.
SETTINGS = {"muse": tuple(setting for setting in GRID if setting.endswith("dropout 0.2"))}
SECONDS = {"jsb": 60.0, "piano": 100.0, "nottingham": 120.0, "muse": 200.0}
# Small corpora are learned by heart before the time is over, and want a rate that falls when validation says so; large
# ones are not, and want one that has fallen when the time is over.
ANNEALED = ("nottingham", "muse")
FIRST_STAGE = {"jsb": 10, "nottingham": 4, "muse": 2, "piano": 5}  # epochs of the unrolled model, a fifth of the time
SEEDS = {"jsb": 5, "nottingham": 3, "muse": 3, "piano": 3}
# The tied model, by its own recipe, epochs for epochs: what the unrolled stage has goes to the LMN instead.
TIED = {"jsb": 5, "piano": 3}
TIED_STARTS: tuple[Start, ...] = ("laes", "orthogonal")


class Plan(Settings):
    """What is to be done.

    models: which of MODELS. seconds: of each training, by corpus. seeds: how many, by corpus. tied: the same for the
    tied model.
    """

    models: tuple[str, ...] = tuple(MODELS)
    seconds: dict[str, float] = SECONDS
    seeds: dict[str, int] = SEEDS
    tied: dict[str, int] = TIED


def protocol() -> dict[str, Any]:
    """Return all that the figures depend on besides the plan, the seeds and the corpora."""
    return {
        "common": COMMON,
        "models": MODELS,
        "grid": GRID,
        "settings": SETTINGS,
        "starts": STARTS,
        "first stage": FIRST_STAGE,
        "annealed": ANNEALED,
        "tied": {
            corpus: {
                start: tied_recipe(corpus, start).model_dump(mode="json", exclude_defaults=True)
                for start in TIED_STARTS
            }
            for corpus in TIED
        },
    }


class Timing(Settings):
    """A model whose speed is to be measured; start: for which of AUTOENCODERS, of other networks "orthogonal"."""

    corpus: str
    data: Path | None
    model: str
    start: Start


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
    return load_recipe(name, [f"start={start}", f"training.epochs={epochs}"])


def dense_recipe(corpus: str, model: str, start: Start, setting: str, epochs: int) -> Recipe:
    """Return the recipe of a dense model; RNN, GRU and LSTM have as many parameters as the LMN of the same output."""
    changes = [*MODELS[model], *STARTS[start], *GRID[setting], f"training.epochs={epochs}"]
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
    return tuple(STARTS) if model.startswith("LMN") else ("orthogonal",)


def settings(corpus: str) -> tuple[str, ...]:
    """Return the settings of GRID that are tried on a corpus."""
    return SETTINGS.get(corpus, tuple(GRID))


def names(plan: Plan) -> set[str]:
    """Return the names of all results that the plan asks for."""
    found = set(timings(plan, None))
    for corpus, model in itertools.product(plan.seconds, plan.models):
        for start in starts(model):
            found |= {_trial(corpus, model, start, setting) for setting in settings(corpus)}
            found |= {_final(corpus, model, start, seed) for seed in range(1, plan.seeds[corpus] + 1)}
    for corpus, seeds in [(corpus, seeds) for corpus, seeds in plan.tied.items() if corpus in plan.seconds]:
        found |= {_final(corpus, "tied", start, seed) for start in TIED_STARTS for seed in range(1, seeds + 1)}
    return found


def timings(plan: Plan, data: Path | None) -> dict[str, Timing]:
    """Return what is to be timed, by name."""
    return {
        _speed(corpus, model, start): Timing(corpus=corpus, data=data, model=model, start=start)
        for corpus in plan.seconds
        for model in plan.models
        for start in [start for start in AUTOENCODERS if start in starts(model)] or starts(model)
    }


def _speed(corpus: str, model: str, start: Start) -> str:
    """Return the name of the measurement of speed that goes for a training."""
    own = start in AUTOENCODERS and start != "laes"
    return f"{corpus}, {model}, {start}, speed" if own else f"{corpus}, {model}, speed"


def _trial(corpus: str, model: str, start: Start, setting: str) -> str:
    return f"{corpus}, {model}, {start}, {setting}"


def _final(corpus: str, model: str, start: Start, seed: int) -> str:
    return f"{corpus}, {model}, {start}, seed {seed}"


def trials(plan: Plan, runs: Path, data: Path | None, results: Mapping[str, Result]) -> dict[str, Training]:
    """Return the trainings among which the settings are chosen, by name, as long as the timings in `results` allow."""
    found = {}
    for corpus, model in itertools.product(plan.seconds, plan.models):
        limit, epoch = plan.seconds[corpus], results[_speed(corpus, model, "laes")]["epoch"]
        for start in starts(model):
            own = results[_speed(corpus, model, start)]
            # In epochs of its own measurement: the machine may have been faster or slower in the other.
            before = epoch * own["before"] / own["epoch"] if start in AUTOENCODERS else 0.0
            if before + epoch > limit:
                raise LmnMusicError(
                    f"{limit:g} seconds on {corpus} are over before {model} has had an epoch: choose another --out "
                    "and --runs, and more --seconds"
                )
            for setting in settings(corpus):
                found[_trial(corpus, model, start, setting)] = Training(
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
    planned, best = trials(plan, runs, data, results), dict[tuple[str, str, Start], str]()
    for name, trial in planned.items():
        cell = trial.corpus, trial.model, trial.start
        if cell not in best or _reached(results[name]) < _reached(results[best[cell]]):
            best[cell] = name
    found = {}
    for trial in map(planned.__getitem__, best.values()):
        for seed in range(1, plan.seeds[trial.corpus] + 1):
            folder = runs / _slug(trial.corpus, trial.model, trial.start, str(trial.setting), seed)
            training = trial.model_copy(update={"seed": seed, "test": True, "folder": folder})
            found[_final(trial.corpus, trial.model, trial.start, seed)] = training
    for corpus, seeds in plan.tied.items():
        for start in TIED_STARTS:
            for seed in range(1, seeds + 1):
                found[_final(corpus, "tied", start, seed)] = Training(
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


def _slug(*parts: object) -> str:
    """Return the name of a folder; what is in the parts besides letters and digits is told apart by a number."""
    text = "-".join(str(part) for part in parts)
    plain = text.replace(", ", "-").replace(" ", "-")
    return plain if plain.replace("-", "").replace(".", "").isalnum() else f"{zlib.crc32(text.encode()):08x}"
