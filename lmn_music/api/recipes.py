"""Recipes: which there are, and which one a training takes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.arguments import several, whole_number
from lmn_music.errors import UsageError

if TYPE_CHECKING:
    from lmn_music.training.config import Recipe


def recipe_names() -> list[str]:
    """Return the names of the shipped recipes.

    Example:
        >>> "tied" in recipe_names()
        True
    """
    from lmn_music.training import recipe

    return recipe.recipe_names()


def recipe_text(name: str | Path) -> str:
    """Return a recipe with all its values, as TOML.

    Args:
        name: the name of a shipped recipe, or a .toml file.

    Returns:
        The text of a .toml file; every key in it can be changed by `choose_recipe(changes=["KEY=VALUE"])`.

    Raises:
        UsageError: there is no such recipe, or it is damaged.

    Example:
        >>> "epochs = " in recipe_text("tied")
        True
    """
    from lmn_music.training.recipe import load_recipe

    return _toml(load_recipe(name))


def choose_recipe(
    corpus: str | Path,
    recipe: str | Path | Recipe | None = None,
    *,
    baseline: str | None = None,
    start: str | None = None,
    epochs: int | None = None,
    changes: str | Sequence[str] = (),
) -> Recipe:
    """Return every value that a training depends on.

    Args:
        corpus: the name of a corpus, or a folder; it chooses the recipe if nothing else does.
        recipe: the name of a shipped recipe, a .toml file, or a recipe that is loaded already.
        baseline: train something to compare a model with, such as "gru" or "lmn-orthogonal"; see
            `lmn_music.training.recipe.BASELINES`.
        start: how the memory starts: "laes", "orthogonal", "random", "delay" or "legendre".
        epochs: at most so many in each stage; an epoch is a pass over the songs.
        changes: a value to change, or several, each as "KEY=VALUE", such as "model.hidden_size=128".

    Returns:
        The recipe.

    Raises:
        UsageError: there is no such recipe, baseline or key, or a value does not fit; the message names the argument
            that is wrong.

    Example:
        >>> choose_recipe("jsb", epochs=3).training.epochs
        3
    """
    from lmn_music.corpora import NAMES
    from lmn_music.training.recipe import BASELINES, DENSE, default_recipe, with_epochs

    if baseline is not None and baseline not in BASELINES:
        raise UsageError(f"there is no `baseline` {baseline}: choose {', '.join(BASELINES)}")
    if recipe is None:
        recipe = DENSE if baseline else default_recipe(str(corpus) if corpus in NAMES else "tied")
    given = {
        "start": [f"start={start}"] if start else [],
        "changes": several(changes),
        "baseline": [*BASELINES[baseline]] if baseline else [],
    }
    if start and any(change.startswith("start=") for change in given["baseline"]):
        raise UsageError(f"`baseline` {baseline} says itself how its memory starts: leave out `start`")
    try:
        _read(recipe, [])
    except UsageError as error:
        raise UsageError(f"`recipe`: {error}") from error
    try:
        settings = _read(recipe, _all_changes(given))
    except UsageError as error:
        wrong = " and ".join(f"`{name}`" for name in _wrong(recipe, given))
        raise UsageError(f"{wrong}: {str(error).removeprefix(f'{recipe}: ')}") from error
    if epochs is None:
        return settings
    epochs = whole_number("epochs", epochs, 1)
    try:
        return with_epochs(settings, epochs)
    except UsageError as error:
        raise UsageError(f"`epochs`: {error}") from error


def _all_changes(given: dict[str, list[str]], without: str = "") -> list[str]:
    """Return what is changed: by the baseline first, then by `changes`, then by `start`."""
    return [change for name in reversed(given) if name != without for change in given[name]]


def _wrong(recipe: str | Path | Recipe, given: dict[str, list[str]]) -> list[str]:
    """Return the argument without which all is right; if there is none, all that are given."""
    there = [name for name, changes in given.items() if changes]
    for name in there:
        with suppress(UsageError):
            _read(recipe, _all_changes(given, without=name))
            return [name]
    return there


def _read(recipe: str | Path | Recipe, changes: Sequence[str]) -> Recipe:
    from lmn_music.training.config import Recipe
    from lmn_music.training.recipe import load_recipe, parse_recipe

    if not isinstance(recipe, Recipe):
        return load_recipe(recipe, changes)
    return parse_recipe(_toml(recipe), changes)


def _toml(recipe: Recipe) -> str:
    import tomli_w

    return tomli_w.dumps(recipe.model_dump(mode="json"))
