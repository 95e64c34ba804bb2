"""`lmn-music sweep`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from lmn_music import api
from lmn_music.cli.interrupts import Interrupted, asking, exit_code
from lmn_music.cli.options import Data, Device, DeviceName
from lmn_music.cli.printing import say
from lmn_music.errors import LmnMusicError


def sweep(
    study: Annotated[Path, typer.Argument(metavar="STUDY.toml", help="A corpus, a recipe, and what to search.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the trials go; runs/NAME, as the file is called, if not given."),
    ] = None,
    workers: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="How many trainings at once.")] = 1,
    data: Data = None,
    device: Device = DeviceName.auto,
) -> None:
    """Search for the values of a recipe that predict best.

    The same command, given again or on another machine with the same disk, takes part. Ctrl-C stops, and nothing is
    lost. In the end it writes a table and plots.
    """
    out = out or Path("runs") / study.stem
    with asking("stopping after this batch ...") as request:
        best = api.sweep(
            study,
            out,
            workers=workers,
            data=data,
            device=device.value,
            on_trial=say,
            stop=lambda: bool(request.number),
        )
    if best:
        say(f"\n{api.sweep_report(out)}\n")
        say(f"best of {best['done']} trials: {best['value']:.4f} nats per frame on the validation split")
        say(f"all of them: {out / 'trials.csv'}; pictures beside it")
        say(f"next:  lmn-music evaluate {shlex.quote(str(best['folder']))}")
    if request.number:
        say("stopped and saved; the same command continues")
        raise typer.Exit(exit_code(Interrupted(request.number)))
    if not best:
        raise LmnMusicError("no trial is complete: see what each has said, and change the study")
