"""Older files are brought up to date when they are read, so that names may change and no file is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lmn_music.errors import CheckpointError
from lmn_music.version import __version__

FORMAT = 2  # of what is written now
NEW_NAMES = {"init": "start", "average": "ema_decay"}  # of recipe keys, by the names in format 1


def migrate(header: dict[str, Any]) -> dict[str, Any]:
    """Bring the header of a checkpoint, or the config.toml of a run folder, up to date, one format after the other.

    A name in these files changes in three places: `FORMAT` is one more, a function here renames it, and `_STEPS` lists
    the function.

    Args:
        header: as it was read; it stays as it is. A header that states no `format_version` is of format 1.

    Returns:
        The same of format `FORMAT`. A file that has both the old and the new name of a key keeps both, and is refused
        where its keys are checked.

    Raises:
        CheckpointError: the format is newer than this version of the package, or none.
    """
    version = header.get("format_version", 1)
    if type(version) is not int or version < 1:
        raise CheckpointError(f"is damaged: its format_version is {version!r}, which is no whole number from 1 on")
    if version > FORMAT:
        raise CheckpointError(
            f"has format {version}; this lmn-music ({__version__}) reads formats 1 to {FORMAT}: install a newer one"
        )
    for step in _STEPS[version - 1 :]:
        header = step(header)
    return header | {"format_version": FORMAT}


def _from_1(header: dict[str, Any]) -> dict[str, Any]:
    """Recipe: `init` becomes `start`, and `average` of each stage becomes `ema_decay`."""
    recipe = _renamed(header.get("recipe"), "init")
    if isinstance(recipe, dict):
        for stage in recipe.keys() & {"pretraining", "training"}:
            recipe[stage] = _renamed(recipe[stage], "average")
    return header | {"recipe": recipe}


_STEPS: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (_from_1,)  # each from the format of its number


def _renamed(values: Any, old: str) -> Any:
    """Return the values, in the same order, with one key renamed; what is no table is left to the check of its type."""
    if not isinstance(values, dict):
        return values
    new = NEW_NAMES[old]
    if new in values:
        return dict(values)
    return {new if key == old else key: value for key, value in values.items()}
