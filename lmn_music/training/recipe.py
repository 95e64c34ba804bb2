"""From a TOML file, and changes of it, to a recipe."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lmn_music.errors import UsageError
from lmn_music.files import read_regular
from lmn_music.models.migrate import NEW_NAMES
from lmn_music.training.config import Recipe

LONGEST = 1_000_000  # bytes of a file that a person may have written
DENSE = "lmn"  # the recipe that the models below change
# What `train --baseline NAME` trains: changes of a dense recipe. RNN, GRU, LSTM and gated LMN get as many parameters as
# the LMN of the recipe `lmn` has.
BASELINES: dict[str, tuple[str, ...]] = {
    "lmn-a": ("model.readout=hidden", "model.feedback=true"),
    "lmn-b": ("model.readout=memory",),
    "gated-lmn": (
        "model.network=gated-lmn",
        "model.readout=both",
        "model.memory_size=160",
        "training.memory_rate=0.1",
    ),
    "lmn-orthogonal": ("start=orthogonal",),
    "lmn-orthogonal-frozen": ("start=orthogonal", "training.memory_rate=0"),
    "lmn-delay": ("start=delay",),
    "lmn-delay-frozen": ("start=delay", "training.memory_rate=0"),
    "lmn-legendre": ("start=legendre",),
    "lmn-legendre-frozen": ("start=legendre", "training.memory_rate=0"),
    "lmn-laes": ("start=laes",),
    "lmn-laes-frozen": ("start=laes", "training.memory_rate=0"),
    "ms-lmn": ("model.network=ms-lmn", "model.scales=4", "model.memory_size=64", "start=orthogonal"),
    "rnn": ("model.network=rnn", "model.hidden_size=280", "start=orthogonal"),
    "rnn-laes": ("model.network=rnn", "model.hidden_size=280", "start=laes"),
    "gru": ("model.network=gru", "model.hidden_size=156", "start=orthogonal"),
    "lstm": ("model.network=lstm", "model.hidden_size=133", "start=orthogonal"),
}


def recipe_names() -> list[str]:
    """Return the names of the shipped recipes."""
    folder = resources.files("lmn_music.training") / "recipes"
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml"))


def default_recipe(corpus: str) -> str:
    """Return the name of the recipe for a corpus: its own, or the one for all others."""
    return corpus if corpus in recipe_names() else "tied"


def load_recipe(name: str | Path, changes: Sequence[str] = ()) -> Recipe:
    """Read a recipe, and change values of it.

    Args:
        name: a shipped recipe by name, or a TOML file by path.
        changes: such as `training.epochs=20`, applied in their order.

    Returns:
        The recipe.

    Raises:
        UsageError: the recipe does not exist, a key is unknown (by name), or values do not fit together.
    """
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise UsageError(f"there is no recipe file {path}")
        try:
            text = read_regular(path, LONGEST).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} is not a TOML file: {error}") from error
    elif str(name) in recipe_names():
        text = (resources.files("lmn_music.training") / "recipes" / f"{name}.toml").read_text()
    else:
        raise UsageError(f"there is no recipe {str(name)!r}; there are {', '.join(recipe_names())}, or a .toml file")
    return parse_recipe(text, changes, str(name))


def parse_recipe(text: str, changes: Sequence[str] = (), source: str = "recipe") -> Recipe:
    """Make a recipe of TOML text, and change values of it.

    Args:
        text: what a recipe file holds.
        changes: see `load_recipe`.
        source: names the recipe in errors.

    Returns:
        The recipe.

    Raises:
        UsageError: see `load_recipe`.
    """
    try:
        values = parse_toml(text)
    except ValueError as error:
        raise UsageError(f"{source} is not a TOML file: {error}") from error
    for change in changes:
        _apply(values, change)
    return _recipe(values, f"{source}: ")


def parse_toml(text: str) -> dict[str, Any]:
    """Return the values of a TOML text, which may be a stranger's.

    Raises:
        ValueError: it is not TOML, or its tables lie too deep in one another.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("too many tables or lists in one another") from None


def with_epochs(recipe: Recipe, epochs: int) -> Recipe:
    """Return the recipe with at most `epochs` epochs in each stage; what `--epochs` does.

    The unrolled model keeps its own number of epochs if that is smaller; the model itself gets `epochs`, whether its
    own number is larger or smaller. The scales of an ms-lmn share these out.

    Args:
        recipe: the recipe, which stays as it is.
        epochs: at most so many in each stage.

    Returns:
        The recipe with other numbers of epochs.

    Raises:
        UsageError: the recipe needs more epochs.
    """
    first = min(recipe.pretraining.epochs, epochs)
    values = recipe.model_dump()
    values["pretraining"]["epochs"], values["training"]["epochs"] = first, epochs
    return _recipe(values)


def _recipe(values: dict[str, Any], where: str = "") -> Recipe:
    from lmn_music.training.stages import check_recipe  # brings torch, which the names of recipes do not need

    try:
        recipe = Recipe.model_validate(values)
        check_recipe(recipe)
    except ValidationError as error:
        raise UsageError(f"{where}{_first_fault(error)}") from error
    except UsageError as error:
        raise UsageError(f"{where}{error}") from error
    return recipe


def _apply(values: dict[str, Any], change: str) -> None:
    key, equals, value = change.partition("=")
    if not equals:
        raise UsageError(f"a change is written key=value, such as training.epochs=20, not {change!r}")
    *tables, last = key.strip().split(".")
    for table in tables:
        values = values.setdefault(table, {})
        if not isinstance(values, dict):
            raise UsageError(f"unknown key {key.strip()!r} in a change")
    try:
        values[last] = parse_toml(f"value = {value}")["value"]
    except ValueError:
        values[last] = value.strip()  # a bare word is a string


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden" and (new := NEW_NAMES.get(str(fault["loc"][-1]))):
        return f"{key} is called {new} now"
    if fault["type"] == "extra_forbidden":
        return f"unknown key {key!r}; `lmn-music recipes` shows every key"
    if fault["type"] == "model_type":
        return f"{key} is a table, not a value: change one of the values in it, as in {key}.KEY=VALUE"
    text = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {text}" if key else text
