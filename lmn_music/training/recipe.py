"""A recipe: every value that a training run depends on, from a TOML file and the overrides of the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from lmn_music.errors import UsageError
from lmn_music.models.config import ModelConfig, Settings

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]

DENSE = "lmn"  # the recipe that the models below change
# What `train --model NAME` compares: changes of a dense recipe. RNN, GRU and LSTM get as many parameters as the LMN of
# the recipe `lmn` has.
MODELS: dict[str, tuple[str, ...]] = {
    "lmn-a": ("model.readout=hidden", "model.feedback=true"),
    "lmn-b": ("model.readout=memory",),
    "lmn-orthogonal": ("init=orthogonal",),
    "lmn-orthogonal-frozen": ("init=orthogonal", "training.memory_rate=0"),
    "lmn-delay": ("init=delay",),
    "lmn-delay-frozen": ("init=delay", "training.memory_rate=0"),
    "lmn-legendre": ("init=legendre",),
    "lmn-legendre-frozen": ("init=legendre", "training.memory_rate=0"),
    "lmn-laes": ("init=laes",),
    "lmn-laes-frozen": ("init=laes", "training.memory_rate=0"),
    "ms-lmn": ("model.network=ms-lmn", "model.scales=4", "model.memory_size=64", "init=orthogonal"),
    "rnn": ("model.network=rnn", "model.hidden_size=280", "init=orthogonal"),
    "rnn-laes": ("model.network=rnn", "model.hidden_size=280", "init=laes"),
    "gru": ("model.network=gru", "model.hidden_size=156", "init=orthogonal"),
    "lstm": ("model.network=lstm", "model.hidden_size=133", "init=orthogonal"),
}


class TrainingConfig(Settings):
    """How one stage is trained. Likelihoods are in nats per frame; an epoch is one pass over the training split.

    memory_rate: the memory's own weights, and the feedback of the unrolled model, learn at this share of the learning
    rate; 0: they are frozen. Their entries are small (1/16 in an orthogonal matrix of 256), and steps of the size that
    suits the others wash out what the memory was made to hold.
    epochs: at most so many. patience: epochs without a better validation likelihood before the learning rate is
    multiplied by `decay`; stop: before the stage ends. anneal: instead of waiting, let the learning rate fall to
    nothing along half a cosine over all `epochs`. batch_songs: songs side by side. chunk: frames between two steps of
    truncated back-propagation. clip: largest gradient norm. transpose: augmentation by up to so many semitones.
    average: decay per step of the running average of the weights that is validated and kept; 0 for none.
    """

    epochs: Annotated[int, Field(ge=0)] = 200
    batch_songs: Count = 16
    chunk: Count = 100
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2e-3
    memory_rate: Annotated[float, Field(ge=0, le=1)] = 0.1
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    clip: Positive = 1.0
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.4
    patience: Count = 4
    stop: Count = 12
    anneal: bool = False
    transpose: Annotated[int, Field(ge=0, le=11)] = 0
    average: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Recipe(Settings):
    """A whole run: the model, how its memory is initialised, and how each stage is trained.

    init: `laes` trains the unrolled model first (`pretraining`), fits the autoencoder to its activations and carries
    everything over; the others start the LMN from drawn weights, and its memory from one that knows nothing of the data
    (see `LMN.reset`). Of other networks, `laes` starts an rnn from the autoencoder of its inputs, and
    `orthogonal` and `random` say how recurrent weights are drawn.
    laes_centre: subtract the mean activation before the autoencoder is fitted. laes_frames: fit it to so many frames of
    whole training songs, drawn by the seed (on a large corpus more change little and take long). laes_length: cut these
    into pieces of so many frames, each heard as a song of its own; 0: whole songs. Short pieces lose less at the
    hand-over, whole songs hold what is long past.
    """

    model: ModelConfig = ModelConfig()
    init: Literal["laes", "orthogonal", "random", "delay", "legendre"] = "laes"
    laes_centre: bool = True
    laes_frames: Count = 20_000
    laes_length: Annotated[int, Field(ge=0)] = 0
    pretraining: TrainingConfig = TrainingConfig()
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        network = self.model.network
        if network == "unrolled":
            raise ValueError('network cannot be "unrolled": that is the first stage of the lmn')
        if network != "lmn" and (self.init in ("delay", "legendre") or (self.init == "laes" and network != "rnn")):
            raise ValueError(f'init "{self.init}" is not for network "{network}"')
        if network == "ms-lmn" and self.training.epochs < self.model.scales:
            raise ValueError("training.epochs must be at least model.scales: each scale gets an equal share")
        if self.init in ("delay", "legendre") and self.model.memory_size < self.model.hidden_size:
            raise ValueError(f'init "{self.init}" needs a memory_size of at least hidden_size')
        if self.init == "legendre" and self.model.memory_size > 100 * self.model.hidden_size:
            raise ValueError('init "legendre" needs a memory_size of at most 100 times hidden_size')
        return self


def recipe_names() -> list[str]:
    """Return the names of the shipped recipes."""
    folder = resources.files("lmn_music.training") / "recipes"
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml"))


def default_recipe(corpus: str) -> str:
    """Return the name of the recipe for a corpus: its own, or the one for all others."""
    return corpus if corpus in recipe_names() else "tied"


def load_recipe(name: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a shipped recipe by name, or a TOML file by path, and apply overrides such as `training.epochs=20`.

    Raises UsageError for a recipe that does not exist, an unknown key (by name) or a value that does not fit.
    """
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise UsageError(f"there is no recipe file {path}")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} is not a TOML file: {error}") from error
    elif str(name) in recipe_names():
        text = (resources.files("lmn_music.training") / "recipes" / f"{name}.toml").read_text()
    else:
        raise UsageError(f"there is no recipe {str(name)!r}; there are {', '.join(recipe_names())}, or a .toml file")
    return parse_recipe(text, overrides, str(name))


def parse_recipe(text: str, overrides: Sequence[str] = (), source: str = "recipe") -> Recipe:
    """Make a recipe of TOML text and overrides; `source` names it in errors."""
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source} is not a TOML file: {error}") from error
    for override in overrides:
        _apply(values, override)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"{source}: {_first_fault(error)}") from error


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals:
        raise UsageError(f"an override is written key=value, such as training.epochs=20, not {override!r}")
    *tables, last = key.strip().split(".")
    for table in tables:
        values = values.setdefault(table, {})
        if not isinstance(values, dict):
            raise UsageError(f"unknown key {key.strip()!r} in an override")
    try:
        values[last] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        values[last] = value.strip()  # a bare word is a string


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"unknown key {key!r}; `lmn-music recipes` shows every key"
    text = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {text}" if key else text
