"""Recipes: which there are, and which one a training takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
    import tomli_w

    from lmn_music.training.recipe import load_recipe

    return tomli_w.dumps(load_recipe(name).model_dump(mode="json"))


def choose_recipe(
    corpus: str | Path,
    recipe: str | Path | None = None,
    *,
    model: str | None = None,
    start: str | None = None,
    epochs: int | None = None,
    changes: Sequence[str] = (),
) -> Recipe:
    """Return every value that a training depends on.

    Args:
        corpus: the name of a corpus, or a folder; it chooses the recipe if nothing else does.
        recipe: the name of a shipped recipe, or a .toml file.
        model: a model to compare with, such as "gru" or "lmn-orthogonal"; see `lmn_music.training.recipe.MODELS`.
        start: how the memory starts: "laes", "orthogonal", "random", "delay" or "legendre".
        epochs: at most so many passes over the songs in each stage.
        changes: values to change, each as "KEY=VALUE", such as "model.hidden_size=128".

    Returns:
        The recipe.

    Raises:
        UsageError: there is no such recipe, model or key, or a value does not fit; the message names the option of the
            command that is wrong.

    Example:
        >>> choose_recipe("jsb", epochs=3).training.epochs
        3
    """
    from lmn_music.corpora import NAMES
    from lmn_music.training.recipe import DENSE, MODELS, default_recipe, load_recipe, with_epochs

    if model is not None and model not in MODELS:
        raise UsageError(f"there is no --model {model}: choose {', '.join(MODELS)}")
    if recipe is None:
        recipe = DENSE if model else default_recipe(str(corpus) if corpus in NAMES else "tied")
    if model and start and any(change.startswith("start=") for change in MODELS[model]):
        raise UsageError(f"--model {model} says itself how its memory starts: leave out --start")
    all_changes = [*MODELS[model], *changes] if model else list(changes)
    all_changes += [f"start={start}"] if start else []
    try:
        load_recipe(recipe)
    except UsageError as error:
        raise UsageError(f"--recipe: {error}") from error
    try:
        settings = load_recipe(recipe, all_changes)
    except UsageError as error:
        fault = str(error).removeprefix(f"{recipe}: ")
        raise UsageError(f"--set: {fault}" if changes else fault) from error
    return with_epochs(settings, epochs) if epochs else settings
