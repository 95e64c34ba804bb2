"""`lmn-music stream`."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from lmn_music import api
from lmn_music.cli.options import AsWritten, Device, DeviceName, Model, Seed, Temperature
from lmn_music.formats import TEMPO, readable


def stream(
    model: Model = "jsb",
    port: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Play on this MIDI port; 'first' is the first one that there is."),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="Stop after so many frames; without end if not given.")
    ] = None,
    seed: Seed = None,
    temperature: Temperature = 1.0,
    tempo: Annotated[
        float, typer.Option(metavar="NUMBER", min=10, max=400, help="Quarter notes per minute, on a MIDI port.")
    ] = TEMPO,
    prime: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"A file that the music continues: {readable()}.")
    ] = None,
    as_written: AsWritten = False,
    device: Device = DeviceName.auto,
) -> None:
    """Compose without end, frame by frame.

    Each frame is printed as a line of JSON as soon as it is drawn, with the MIDI pitches that sound in it; or it is
    played on a MIDI port. Ctrl-C ends the music.
    """
    with suppress(KeyboardInterrupt):
        if port is not None:
            with api.open_port(None if port == "first" else port) as opened:
                api.play(
                    model,
                    port=opened,
                    tempo=tempo,
                    frames=frames,
                    seed=seed,
                    temperature=temperature,
                    prime=prime,
                    as_written=as_written,
                    device=device.value,
                )
            return
        music = api.stream(
            model, seed=seed, temperature=temperature, prime=prime, as_written=as_written, device=device.value
        )
        for number, pitches in enumerate(islice(music, frames)):
            sys.stdout.write(json.dumps({"frame": number, "pitches": pitches}) + "\n")
            sys.stdout.flush()
