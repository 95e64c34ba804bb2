"""`lmn-music studio`."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from lmn_music.cli.options import Data, Device, DeviceName
from lmn_music.cli.printing import say
from lmn_music.errors import UsageError


def studio(
    port: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, max=65535, help="Of the address; 0 for any that is free.")
    ] = 8421,
    runs: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the run folders of trainings are, to watch and to use.")
    ] = Path("runs"),
    show: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    data: Data = None,
    device: Device = DeviceName.auto,
) -> None:
    """Open a page that composes, arranges, explains and plays.

    The page is served on this machine, to this machine alone, and needs no network. Ctrl-C ends it.
    """
    try:
        from lmn_music.studio.server import serve
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        raise UsageError("the studio needs two more packages: pip install 'lmn-music[studio]'") from None

    def ready(address: str) -> None:
        say(f"the studio, for this machine alone: {address}")
        say("Ctrl-C ends it")
        if show:
            webbrowser.open(address)

    serve(port=port, runs=runs, data=data, device=device.value, ready=ready)
