"""`lmn-music train`."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from lmn_music.cli.options import (
    Data,
    Device,
    DeviceName,
    check_seed,
    corpus_for_model,
    corpus_or_stand_in,
    resolve_device,
)
from lmn_music.errors import UsageError

if TYPE_CHECKING:
    from lmn_music.corpora.corpus import Corpus
    from lmn_music.training.config import Recipe


class Init(StrEnum):
    """How the memory starts."""

    laes = "laes"
    orthogonal = "orthogonal"
    random = "random"
    delay = "delay"
    legendre = "legendre"


def train(
    corpus: Annotated[
        str | None,
        typer.Argument(
            metavar="CORPUS", help="jsb, nottingham, muse, piano, chorales, or a folder of MIDI and MusicXML files."
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A recipe's name (see `lmn-music recipes`) or a .toml file; else the corpus's own."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A model to compare with, in the dense recipe unless --recipe says otherwise: lmn-a, lmn-b, rnn, "
            "rnn-laes, gru, lstm, ms-lmn, or lmn-laes, lmn-orthogonal, lmn-delay and lmn-legendre, those also with "
            "-frozen.",
        ),
    ] = None,
    init: Annotated[
        Init | None,
        typer.Option(help="How the memory starts: laes, from the linear autoencoder, is the usual way."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=0, help="Same seed, same model; 1 if not given."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="At most so many passes over the songs in each stage.")
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a value of the recipe, such as model.hidden_size=128; may be repeated.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The run folder; runs/NAME if left out.")] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Go on with the run in this folder. Name the corpus too if its files have moved since.",
        ),
    ] = None,
    data: Data = None,
    device: Device = DeviceName.auto,
    grid: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=1, max=24, help="Own files: frames per quarter note; 2 if not given."),
    ] = None,
    to_c: Annotated[
        bool | None, typer.Option("--to-c", help="Own files: transpose every song to C major or C minor.")
    ] = None,
) -> None:
    """Train a Linear Memory Network on a corpus. Ctrl-C saves; --resume goes on as if nothing had happened."""
    from lmn_music.cli.progress import TrainingDisplay
    from lmn_music.corpora import NAMES
    from lmn_music.files import as_utf8
    from lmn_music.training.run import Run, RunConfig, corpus_info, read_config

    display = TrainingDisplay()
    if resume is not None:
        settled: dict[str, object] = {
            "--recipe": recipe,
            "--model": model,
            "--init": init,
            "--seed": seed,
            "--epochs": epochs,
        }
        settled |= {"--set": change or None, "--out": out, "--grid": grid, "--to-c": to_c}
        if given := [option for option, value in settled.items() if value is not None]:
            raise UsageError(f"--resume goes on as {resume}/config.toml says: leave out {', '.join(given)}")
        torch_device = resolve_device(device)
        info = read_config(resume).corpus
        advice = f"say where it is now: lmn-music train FOLDER --resume {shlex.quote(str(resume))}"
        songs = corpus_for_model(info, corpus, data, advice=advice, stand_in=False)
        _describe(songs)
        run = Run.resume(resume, songs, device=torch_device, reporter=display)
    elif corpus is None:
        raise UsageError("name a corpus to train on, or a run folder to --resume")
    else:
        check_seed(seed or 0)
        own_files = corpus not in NAMES
        settings = _recipe(recipe, "tied" if own_files else corpus, model, init, epochs, change or [])
        torch_device = resolve_device(device)
        songs = corpus_or_stand_in(corpus, data, grid=grid, to_c=bool(to_c))
        _describe(songs)
        # A folder may be called like a corpus, and the run resumed from elsewhere. The stand-in stays what it is, also
        # when the benchmark can be had another day.
        source = as_utf8(str(Path(corpus).resolve())) if own_files else songs.name
        config = RunConfig(
            command=as_utf8(shlex.join(["lmn-music", *sys.argv[1:]])),
            seed=1 if seed is None else seed,
            corpus=corpus_info(songs, source, to_c=bool(to_c)),
            recipe=settings,
        )
        run = Run.start(out or _free_folder(songs.name), config, songs, device=torch_device, reporter=display)
    with display, _stopping() as stop:
        display.note(f"run folder {run.folder}, seed {run.config.seed}, device {run.device}")
        finished = run.run(stop)
    if not finished:
        typer.echo(f"stopped and saved; go on with:  lmn-music train --resume {shlex.quote(str(run.folder))}")
        raise typer.Exit(130)
    typer.echo(f"done; next:  lmn-music evaluate {shlex.quote(str(run.folder))}")
    typer.echo(f"             lmn-music generate --model {shlex.quote(str(run.folder))} --out song.mid")


def _recipe(
    name: str | None, corpus: str, model: str | None, init: Init | None, epochs: int | None, changes: list[str]
) -> Recipe:
    """Return the recipe asked for, by default the one of `corpus`; the errors name the option that is wrong."""
    from lmn_music.training.recipe import DENSE, MODELS, default_recipe, load_recipe, with_epochs

    if model is not None and model not in MODELS:
        raise UsageError(f"there is no --model {model}: choose {', '.join(MODELS)}")
    if name is None:
        name = DENSE if model else default_recipe(corpus)
    if model and init and any(change.startswith("start=") for change in MODELS[model]):
        raise UsageError(f"--model {model} says itself how its memory starts: leave out --init")
    overrides = [*MODELS[model], *changes] if model else list(changes)
    overrides += [f"start={init.value}"] if init else []
    try:
        load_recipe(name)
    except UsageError as error:
        raise UsageError(f"--recipe: {error}") from error
    try:
        settings = load_recipe(name, overrides)
    except UsageError as error:
        fault = str(error).removeprefix(f"{name}: ")
        raise UsageError(f"--set: {fault}" if changes else fault) from error
    return with_epochs(settings, epochs) if epochs else settings


def _describe(corpus: Corpus) -> None:
    for rejected in corpus.rejected:
        typer.echo(f"left out: {rejected.path}: {rejected.reason}")
    songs, frames = corpus.songs, corpus.frames
    typer.echo(
        f"{corpus.name}: {songs[0]} songs to train on, {songs[1]} to validate, {songs[2]} to test "
        f"({frames[0]}, {frames[1]}, {frames[2]} frames); {corpus.provenance}"
    )


def _free_folder(name: str) -> Path:
    """Return runs/NAME, or the first runs/NAME-2, -3, ... that does not exist: a run never overwrites another."""
    folder, number = Path("runs") / name, 1
    while folder.exists():
        number += 1
        folder = Path("runs") / f"{name}-{number}"
    return folder


@contextmanager
def _stopping() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a request to stop after the batch under way; the second one stops at once."""
    asked = False

    def ask(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        typer.echo("stopping after this batch ...", err=True)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
