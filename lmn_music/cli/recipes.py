"""`lmn-music recipes`: what can be set."""

from __future__ import annotations

from typing import Annotated

import typer

from lmn_music import api
from lmn_music.cli.printing import say


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A recipe's name or a .toml file. If not given, all names are shown."),
    ] = None,
) -> None:
    """Show the recipes of `train`.

    Every value in a recipe can be changed with --set KEY=VALUE.
    """
    if name is None:
        say("\n".join(api.recipe_names()))
    else:
        say(api.recipe_text(name), nl=False)
