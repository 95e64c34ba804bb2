"""`lmn-music recipes`: what can be set."""

from __future__ import annotations

from typing import Annotated

import typer


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A recipe's name or a .toml file; all names if left out.")
    ] = None,
) -> None:
    """Show the recipes that `train` uses: every value in them can be changed with --set key=value."""
    import tomli_w

    from lmn_music.training.recipe import load_recipe, recipe_names

    if name is None:
        typer.echo("\n".join(recipe_names()))
    else:
        typer.echo(tomli_w.dumps(load_recipe(name).model_dump(mode="json")), nl=False)
