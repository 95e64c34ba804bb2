"""The command `lmn-music`. Commands parse, call the library, print; torch comes in late, so that help is quick."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lmn_music import __version__
from lmn_music.cli import corpora, evaluate, generate, recipes, train
from lmn_music.errors import LmnMusicError, UsageError


class _Group(TyperGroup):
    """Prints an error that a user can cause in one line: exit code 2 for usage, 1 for the rest."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LmnMusicError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Train Linear Memory Networks on piano music, see how well they predict it, and let them compose.",
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"lmn-music {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    pass


app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(generate.generate)
app.command()(recipes.recipes)
app.add_typer(corpora.app, name="corpora")
