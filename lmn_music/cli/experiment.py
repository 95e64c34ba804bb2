"""`lmn-music experiment`: the way into the studies, which are in the repository and not in an installed package."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from lmn_music.cli.options import Data
from lmn_music.cli.printing import say
from lmn_music.errors import LmnMusicError

if TYPE_CHECKING:
    from studies.engine import Done, Row

app = typer.Typer(
    no_args_is_help=True,
    help="Run the studies behind the documentation.\n\nThey take hours of two cores, and need a "
    "copy of the repository: the installed package does not hold them.",
)
MISSING = (
    "the studies are not part of an installed lmn-music: run pip install -e '.[studies]' in a copy of its repository, "
    "and give this command there"
)
FRESH, STORED = Path("runs/studies"), Path("studies/results")
FIGURES = ("valid_nll", "test_nll", "total")  # of a row, to be shown while a study runs

Out = Annotated[Path, typer.Option(metavar="FOLDER", help="The folder of the results, CSV and PNG.")]


def _studies() -> ModuleType:
    try:
        from studies import all as studies
    except ImportError as error:  # also of a package of that name which is not ours
        if error.name is None or error.name.partition(".")[0] not in ("studies", "pandas", "joblib"):
            raise
        raise LmnMusicError(MISSING) from error
    return studies


@app.command("list")
def list_studies() -> None:
    """Show which studies there are, and what each asks."""
    for name, study in _studies().STUDIES.items():
        say(f"{name:15}{study.about}")


@app.command()
def run(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Its name; see `lmn-music experiment list`.")],
    corpus: Annotated[
        list[str] | None, typer.Option(metavar="CORPUS", help="On this corpus only; may be repeated.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this model, start, memory or row of a table; may be repeated."),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=1, help="How many seeds; as many as the study names if not given."),
    ] = None,
    out: Out = FRESH,
    workers: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="How many processes, of one core each.")] = 2,
    data: Data = None,
) -> None:
    """Do what is missing of a study, keep each result as it comes, and print the tables.

    Ctrl-C stops; the same command continues, and only what was under way is done again.
    """
    studies = _studies()
    part = studies.part_of(study, corpus or (), only or (), seeds)
    try:
        studies.run(part, out, data=data, workers=workers, done=_progress())
    except KeyboardInterrupt:
        say("stopped; what is done is kept, and the same command resumes", err=True)
        raise typer.Exit(130) from None
    _show(studies.report([part], out))


@app.command()
def memory(
    quick: Annotated[
        bool, typer.Option("--quick", help="The short form, four minutes of two cores; else two hours.")
    ] = False,
    task: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK", help="This task only, such as 'copy 100' or, with --data, MNIST; may be repeated."
        ),
    ] = None,
    layer: Annotated[
        list[str] | None, typer.Option(metavar="LAYER", help="This layer only, such as LSTM; may be repeated.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="How many seeds; three if not given.")
    ] = None,
    out: Out = FRESH,
    workers: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="How many processes, of one core each.")] = 2,
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The files of MNIST, TIMIT or JapaneseVowels.")
    ] = None,
) -> None:
    """Compare recurrent layers on sequences that are no music: copying, adding, digits, vowels, series.

    The same as `run memory` or `run memory-quick`. docs/memory.md says what came out.
    """
    run("memory-quick" if quick else "memory", task, layer, seeds, out, workers, data)


@app.command()
def report(
    out: Out = STORED,
    page: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A Markdown page whose marked tables are filled; may be repeated."),
    ] = None,
) -> None:
    """Make tables and figures again from stored results."""
    studies = _studies()
    tables = studies.report(studies.STUDIES.values(), out)
    for path in page or ():
        studies.fill(path, tables)
        say(f"{path} is up to date")
    if not page:
        _show(tables)


def _show(tables: dict[str, str]) -> None:
    for name, text in tables.items():
        say(f"\n{name}\n\n{text}")


def _progress() -> Done:
    """Return a function that prints each result, how many are left, and about how long they will take."""
    begun, count = time.monotonic(), 0

    def done(name: str, rows: Sequence[Row], left: int) -> None:
        nonlocal count
        count += 1
        minutes = (time.monotonic() - begun) / 60
        text = ", ".join(f"{key} {row[key]:.3f}" for row in rows for key in FIGURES if row.get(key) is not None)
        time_left = f"{minutes:.0f} min so far, about {minutes / count * left:.0f} more"
        say(f"{name}{': ' if text else ''}{text} ({left} left, {time_left})")

    return done
