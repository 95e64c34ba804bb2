"""The command `lmn-music`. Commands parse, call `lmn_music.api` and print; torch is imported late: help is quick."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lmn_music.allocator import keep_freed_memory
from lmn_music.cli import (
    arrange,
    corpora,
    evaluate,
    experiment,
    explain,
    export,
    generate,
    recipes,
    report,
    stream,
    studio,
    sweep,
    train,
)
from lmn_music.cli.interrupts import exit_code, heeding, interrupt
from lmn_music.cli.printing import say
from lmn_music.errors import LmnMusicError, UsageError
from lmn_music.processes import torchrun_rank
from lmn_music.version import __version__


class _Group(TyperGroup):
    """Prints an error that a user can cause in one line: exit code 2 for usage, 1 for the rest."""

    def main(self, *args: Any, **extra: Any) -> Any:
        for argument in _arguments(self):
            argument.display_type_rich = lambda ctx: None  # noqa: ARG005 - help shows no type of Python: <list[Path]>
        _open_standard_streams()
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # names of files need not be text
        try:
            with heeding(interrupt):
                return super().main(*args, **extra)
        except OSError as error:  # above all: a full disk under the standard output
            with suppress(OSError):
                place = error.filename or "the standard output"
                say(f"error: cannot use {place} ({error.strerror or error}): choose another place", err=True)
            with suppress(OSError):  # what is still in the buffer would fail again when Python ends
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LmnMusicError as error:
            options = _options(self.commands[ctx.invoked_subcommand])
            text = re.sub(r"`([a-z_]+)`", lambda name: options.get(name[1], name[0]), str(error))
            say(f"error: {text}", err=True)
            raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error
        except KeyboardInterrupt as interrupted:
            with suppress(OSError):  # the terminal may be gone
                say("stopped", err=True)
            raise typer.Exit(exit_code(interrupted)) from None
        except (MemoryError, RuntimeError) as error:
            if not _means_memory(error):
                raise
            say("error: there is not enough memory: choose a smaller model, fewer songs or fewer frames", err=True)
            raise typer.Exit(1) from error


def _open_standard_streams() -> None:
    """Open what the caller has closed, as `>&-` does: the next file would get its number, and what is printed."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8"))


def _means_memory(error: Exception) -> bool:
    """Return whether torch, NumPy or Python has found no room."""
    return isinstance(error, MemoryError) or "memory" in str(error).lower()


def _arguments(command: Any) -> Iterator[Any]:
    """Yield the arguments, not the options, of a command and of all commands below it."""
    for below in getattr(command, "commands", {}).values():
        yield from _arguments(below)
    yield from (each for each in command.params if each.param_type_name == "argument")


def _options(command: Any) -> dict[str, str]:
    """Return what a user types for each argument that the api names in a message: its option, or its place."""
    if isinstance(command, TyperGroup):
        return {name: typed for each in command.commands.values() for name, typed in _options(each).items()}
    return {p.name: p.opts[0] if p.param_type_name == "option" else p.metavar for p in command.params}


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Train Linear Memory Networks on piano music, measure how well they predict it, and compose with them.",
)


def _version(show: bool) -> None:
    if show:
        say(f"lmn-music {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    try:
        Path.cwd()
    except OSError:  # a library of torch would end the process
        raise UsageError("the working folder is not there any more: change to another folder") from None
    keep_freed_memory()
    if torchrun_rank():  # of several processes the first one shows what happens
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open until the process ends


app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(sweep.sweep)
app.command()(generate.generate)
app.command()(arrange.harmonise)
app.command("continue")(arrange.continue_)
app.command()(arrange.rewrite)
app.command()(report.report)
app.command()(explain.surprise)
app.command()(explain.identify)
app.command()(stream.stream)
app.command()(studio.studio)
app.command()(export.export)
app.command()(recipes.recipes)
app.add_typer(corpora.app, name="corpora")
app.add_typer(experiment.app, name="experiment")
