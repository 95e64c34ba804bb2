"""`lmn-music train`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmn_music import api
from lmn_music.cli.interrupts import Interrupted, asking, exit_code
from lmn_music.cli.options import Data, Device, DeviceName
from lmn_music.cli.printing import note, say
from lmn_music.cli.progress import TrainingDisplay, counting
from lmn_music.errors import UsageError
from lmn_music.formats import readable_labels

if TYPE_CHECKING:
    from lmn_music.api import Run


def train(
    corpus: Annotated[
        str | None,
        typer.Argument(
            metavar="CORPUS",
            help=f"jsb, nottingham, muse, piano, chorales, or a folder of {readable_labels()} files.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A recipe's name (see `lmn-music recipes`) or a .toml file. If not given, the corpus's own.",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Train something to compare a model with: lmn-a, lmn-b, gated-lmn, rnn, rnn-laes, gru, lstm, ms-lmn, "
            "lmn-laes, lmn-orthogonal, lmn-delay or lmn-legendre; the last four also with -frozen at the end. "
            "It changes the recipe lmn if --recipe is not given.",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How the memory starts: laes, from the linear autoencoder, is the usual way; or orthogonal, random, "
            "delay or legendre.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=0, help="The same seed gives the same model; 1 if not given."),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=1, help="At most so many in each stage; an epoch is a pass over the songs."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a value of the recipe, such as model.hidden_size=128; may be repeated.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The run folder; runs/NAME if not given.")] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Continue the run in this folder. Name the corpus too if its files have moved since.",
        ),
    ] = None,
    data: Data = None,
    device: Device = DeviceName.auto,
    frames_per_quarter: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=1, max=24, help="Own files: frames per quarter note; 2 if not given."),
    ] = None,
    to_c: Annotated[
        bool | None, typer.Option("--to-c", help="Own files: transpose every song to C major or C minor.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Own files: name every file that is left out, with the reason.")
    ] = False,
) -> None:
    """Train a model on a corpus.

    Ctrl-C saves everything and stops; --resume continues as if nothing had happened.
    """
    display = TrainingDisplay()
    if resume is not None:
        settled: dict[str, object] = {
            "--recipe": recipe,
            "--baseline": baseline,
            "--start": start,
            "--seed": seed,
            "--epochs": epochs,
            "--set": changes or None,
            "--out": out,
            "--frames-per-quarter": frames_per_quarter,
            "--to-c": to_c,
        }
        if given := [option for option, value in settled.items() if value is not None]:
            raise UsageError(f"--resume continues as {resume}/config.toml says: leave out {', '.join(given)}")
        with counting("reading", "files") as reading:
            run = api.resume_run(resume, corpus, data=data, device=device.value, reporter=display, progress=reading)
    elif corpus is None:
        raise UsageError("name a corpus to train on, or a run folder to --resume")
    else:
        with counting("reading", "files") as reading:
            run = api.start_run(
                corpus,
                out=out,
                recipe=recipe,
                baseline=baseline,
                start=start,
                epochs=epochs,
                changes=changes or (),
                seed=1 if seed is None else seed,
                data=data,
                device=device.value,
                frames_per_quarter=frames_per_quarter,
                to_c=bool(to_c),
                stand_in=note,
                progress=reading,
                reporter=display,
                command=shlex.join(["lmn-music", *sys.argv[1:]]),
            )
    _describe(run, verbose=verbose)
    again = f"continue with:  lmn-music train --resume {shlex.quote(str(run.folder))}"
    try:
        with display, asking("stopping after this batch ...") as request:
            display.note(f"run folder {run.folder}, seed {run.config.seed}, device {run.device}")
            finished = run.run(lambda: bool(request.number or display.lost))
    except KeyboardInterrupt as interrupted:
        say(f"stopped at once, and what was saved before is kept; {again}", err=True)
        raise typer.Exit(exit_code(interrupted)) from None
    if not finished:
        say(f"stopped and saved; {again}", err=display.lost is not None)
        if display.lost is not None:
            raise display.lost
        raise typer.Exit(exit_code(Interrupted(request.number)))
    model = str(run.folder)
    model = shlex.quote(f"./{model}" if model in api.shipped_models() else model)
    say(f"done; next:  lmn-music evaluate {model}")
    say(f"             lmn-music generate --model {model} --out song.mid")


def _describe(run: Run, *, verbose: bool) -> None:
    """Print which files were left out or read in part, each or all in one line, and how much music there is."""
    corpus = run.corpus
    page = run.folder / "left_out.txt"
    where = f"{page} or --verbose" if page.exists() else "--verbose"
    for what, files, summary in (
        ("left out", corpus.rejected, corpus.left_out),
        ("read in part", corpus.in_part, corpus.read_in_part),
    ):
        if verbose:
            for file in files:
                say(f"{what}: {file.path}: {file.reason}")
        elif files:
            say(f"{what}: {summary}; all of them: {where}")
    songs, frames = corpus.songs, corpus.frames
    say(
        f"{corpus.name}: {songs[0]} songs to train on, {songs[1]} to validate, {songs[2]} to test "
        f"({frames[0]}, {frames[1]}, {frames[2]} frames); {corpus.provenance}"
    )
