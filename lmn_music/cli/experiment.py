"""`lmn-music experiment`: the claims of the paper, tested."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmn_music.cli.options import Data
from lmn_music.errors import LmnMusicError, UsageError

if TYPE_CHECKING:
    from studies.store import Done, Result

app = typer.Typer(no_args_is_help=True, help="Test the claims of the paper: hours of two cores, kept as they come.")

Out = Annotated[Path, typer.Option(metavar="FOLDER", help="Where the results are kept, as JSON and PNG.")]
Workers = Annotated[int, typer.Option(metavar="NUMBER", min=1, help="So many processes of one core each.")]
Seeds = Annotated[int | None, typer.Option(metavar="NUMBER", min=1, help="So many seeds; three to five if not given.")]
RESULTS = Path("studies/results")


Corpora = Annotated[
    list[str] | None,
    typer.Option(
        "--corpus", metavar="CORPUS", help="On this one only; may be repeated. All four benchmarks if not given."
    ),
]


@app.callback()
def _need_studies() -> None:
    if find_spec("studies") is None:
        raise LmnMusicError(
            "the experiments are no part of an installed lmn-music: unpack its source (the sdist, or a checkout), "
            "run `pip install --editable .` there, and give this command again"
        )


@app.command()
def capacity(corpus: Corpora = None, out: Out = RESULTS, workers: Workers = 2, data: Data = None) -> None:
    """How much of the past memories of the same size hold, on noise, rolls, hidden states. Three hours; goes on."""
    from studies import capacity as experiment
    from studies.capacity_inputs import FULL

    protocol = FULL
    if unknown := set(corpus or ()) - set(protocol.corpora):
        raise UsageError(f"there is no --corpus {min(unknown)}: choose {', '.join(protocol.corpora)}")
    if corpus:
        protocol = protocol.model_copy(update={"corpora": tuple(corpus)})
    with _interruptible():
        experiment.run(out, protocol, data=data, workers=workers, done=_progress())
    report(out)


@app.command()
def initialisation(
    corpus: Corpora = None,
    model: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="This model only, such as LMN-B; may be repeated.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.01, help="Length of each training on one core; without the tied model."),
    ] = None,
    seeds: Seeds = None,
    out: Out = RESULTS,
    runs: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the trainings are kept.")] = Path(
        "runs/initialisation"
    ),
    workers: Workers = 2,
    data: Data = None,
) -> None:
    """Start the memory as an autoencoder, or otherwise, in trainings of equal length. About ten hours; goes on."""
    from studies import initialisation as experiment
    from studies.initialisation_plan import MODELS, Plan

    plan = Plan()
    corpora = corpus or list(plan.seconds)
    if unknown := set(model or ()) - set(MODELS):
        raise UsageError(f"there is no --model {min(unknown)}: choose {', '.join(MODELS)}")
    plan = Plan(
        models=tuple(model or plan.models),
        seconds={name: seconds or plan.seconds.get(name, 60.0) for name in corpora},
        seeds={name: seeds or plan.seeds.get(name, 3) for name in corpora},
        tied={} if model or seconds else {name: seeds or count for name, count in plan.tied.items() if name in corpora},
    )
    with _interruptible():
        experiment.run(out, runs, plan, data=data, workers=workers, done=_progress())
    report(out)


@app.command()
def report(
    out: Out = RESULTS,
    page: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A Markdown page whose marked tables are filled; may be repeated."),
    ] = None,
) -> None:
    """Make tables and figures again from the stored results."""
    from studies import capacity_report, initialisation_report
    from studies.page import fill, results_missing
    from studies.store import read

    tables: dict[str, str] = {}
    for name, module in (("capacity", capacity_report), ("initialisation", initialisation_report)):
        if results := read(out / f"{name}.json"):
            tables |= module.tables(results)
            module.draw(results, out)
    if not tables:
        raise results_missing(out)
    for name, text in tables.items() if not page else ():
        typer.echo(f"\n{name}\n\n{text}")
    for path in page or ():
        if missing := fill(path, tables):
            raise UsageError(f"{path} asks for {', '.join(missing)}, of which {out} holds no results")
        typer.echo(f"{path} is up to date")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Say on Ctrl-C what is kept, and leave with exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("stopped; what is done is kept, and the same command goes on from there", err=True)
        raise typer.Exit(130) from None


def _progress() -> Done:
    """Return a function that prints each result, how many are left, and for how long this has gone on."""
    begun = time.monotonic()

    def done(name: str, result: Result, left: int) -> None:
        keys = "epoch", "valid_nll", "test_nll", "total"
        rows: list[Result] = result.get("rows", [result])
        text = ", ".join(f"{key} {row[key]:.3f}" for row in rows for key in keys if row.get(key) is not None)
        typer.echo(f"{name}: {text} ({left} left, {(time.monotonic() - begun) / 60:.0f} min so far)")

    return done
