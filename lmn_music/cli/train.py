"""`lmn-music train`."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from lmn_music.cli.options import Data, Device, corpus_or_stand_in, resolve_device
from lmn_music.errors import UsageError

if TYPE_CHECKING:
    from lmn_music.corpora.corpus import Corpus


def train(
    corpus: Annotated[
        str | None,
        typer.Argument(help="jsb, nottingham, muse, piano, chorales, or a folder of MIDI and MusicXML files."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="A recipe's name (see `lmn-music recipes`) or a .toml file; else the corpus's own."),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(help="How the memory starts: laes (the linear autoencoder; usual), orthogonal or random."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same model.")] = 1,
    epochs: Annotated[int | None, typer.Option(min=1, help="At most so many passes over the songs.")] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value of the recipe, such as model.hidden_size=128; may be repeated."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder; runs/NAME if left out.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.")] = None,
    data: Data = None,
    device: Device = "auto",
    grid: Annotated[int, typer.Option(min=1, max=24, help="Own files: frames per quarter note (2: eighth notes).")] = 2,
    to_c: Annotated[
        bool, typer.Option("--to-c", help="Own files: transpose every song to C major or C minor.")
    ] = False,
) -> None:
    """Train a Linear Memory Network on a corpus. Ctrl-C saves; --resume goes on as if nothing had happened."""
    from lmn_music.cli.progress import TrainingDisplay
    from lmn_music.training.recipe import default_recipe, load_recipe
    from lmn_music.training.run import Run, RunConfig, corpus_info, read_config

    if (corpus is None) == (resume is None):
        raise UsageError("name a corpus to train on, or a run folder to --resume, one of the two")
    overrides = list(change or [])
    overrides += [f"init={init}"] if init else []
    overrides += [f"training.epochs={epochs}"] if epochs else []
    with TrainingDisplay() as display:
        torch_device = resolve_device(device)
        if resume is not None:
            info = read_config(resume).corpus
            songs = _load(info.source, data, grid=info.frames_per_quarter, to_c=info.to_c)
            run = Run.resume(resume, songs, device=torch_device, reporter=display)
        else:
            songs = _load(str(corpus), data, grid=grid, to_c=to_c)
            # The stand-in stays what it is, also when the benchmark can be had another day.
            source = "chorales" if songs.name == "chorales" else str(corpus)
            config = RunConfig(
                command=shlex.join(["lmn-music", *sys.argv[1:]]),
                seed=seed,
                corpus=corpus_info(songs, source, to_c=to_c),
                recipe=load_recipe(recipe or default_recipe(songs.name), overrides),
            )
            folder = out or _free_folder(songs.name)
            run = Run.start(folder, config, songs, device=torch_device, reporter=display)
        display.note(f"run folder {run.folder}, seed {run.config.seed}, device {run.device}")
        with _stopping() as stop:
            finished = run.run(stop)
    if not finished:
        typer.echo(f"stopped and saved; go on with:  lmn-music train --resume {shlex.quote(str(run.folder))}")
        raise typer.Exit(130)
    typer.echo(f"done; next:  lmn-music evaluate {shlex.quote(str(run.folder))}")
    typer.echo(f"             lmn-music generate --model {shlex.quote(str(run.folder))} --out song.mid")


def _load(source: str, data: Path | None, *, grid: int, to_c: bool) -> Corpus:
    corpus = corpus_or_stand_in(source, data, grid=grid, to_c=to_c)
    for rejected in corpus.rejected:
        typer.echo(f"left out: {rejected.path}: {rejected.reason}")
    songs, frames = corpus.songs, corpus.frames
    typer.echo(
        f"{corpus.name}: {songs[0]} songs to train on, {songs[1]} to validate, {songs[2]} to test "
        f"({frames[0]}, {frames[1]}, {frames[2]} frames); {corpus.provenance}"
    )
    return corpus


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
