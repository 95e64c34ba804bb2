"""`lmn-music harmonise`, `lmn-music continue` and `lmn-music rewrite`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmn_music import api
from lmn_music.cli.options import (
    AsWritten,
    Best,
    Count,
    Data,
    Device,
    DeviceName,
    Hear,
    Model,
    Out,
    Seed,
    Temperature,
    files_to_write,
    span,
)
from lmn_music.cli.printing import say
from lmn_music.errors import UsageError
from lmn_music.formats import readable

if TYPE_CHECKING:
    from lmn_music.api import Arrangement

Tune = Annotated[Path, typer.Argument(metavar="TUNE", help=f"A file: {readable()}.")]


def harmonise(
    melody: Annotated[
        Path,
        typer.Argument(
            metavar="MELODY",
            help=f"A file: {readable()}. Of several parts, the melody is the one that is called so, or Soprano, Voice "
            "and the like, else the top line.",
        ),
    ],
    out: Out = None,
    hear: Hear = False,
    model: Model = "jsb",
    voices: Annotated[
        int, typer.Option(metavar="NUMBER", help="How many keys sound together, the melody among them, from 2 to 8.")
    ] = 4,
    seed: Seed = None,
    temperature: Temperature = 1.0,
    as_written: AsWritten = False,
    device: Device = DeviceName.auto,
) -> None:
    """Set other voices below a melody.

    The melody stands exactly as it is given, on a track of its own.
    """
    _write(
        files_to_write(out, hear=hear),
        hear,
        lambda: api.harmonise(
            melody,
            model,
            voices=voices,
            seed=seed,
            temperature=temperature,
            as_written=as_written,
            device=device.value,
        ),
    )


def continue_(
    tune: Tune,
    out: Out = None,
    hear: Hear = False,
    model: Model = "jsb",
    bars: Annotated[int, typer.Option(metavar="NUMBER", help="How many bars to compose, in the tune's own metre.")] = 8,
    only_new: Annotated[bool, typer.Option("--only-new", help="Write the new bars without the tune.")] = False,
    count: Count = 1,
    best: Best = None,
    seed: Seed = None,
    temperature: Temperature = 1.0,
    as_written: AsWritten = False,
    data: Data = None,
    device: Device = DeviceName.auto,
) -> None:
    """Continue a tune in its own key, tempo, metre and tracks.

    Every note of the tune stays as it is; a picture marks where the new music begins.
    """
    songs = api.continue_files(
        files_to_write(out, hear=hear),
        tune,
        model,
        count=count,
        best=best,
        bars=bars,
        only_new=only_new,
        seed=seed,
        temperature=temperature,
        as_written=as_written,
        data=data,
        device=device.value,
        remark=say,
    )
    for song, files in songs:
        _say(song, files, hear)


def rewrite(
    tune: Tune,
    bars: Annotated[
        str,
        typer.Option(
            metavar="FIRST:LAST", help="Which bars, such as 5:8. The first full bar is 1, a pickup before it is 0."
        ),
    ],
    out: Out = None,
    hear: Hear = False,
    model: Model = "jsb",
    voice: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Rewrite one part only, counted from 1 without drums.")
    ] = None,
    below: Annotated[
        str | None, typer.Option(metavar="KEY", help="Rewrite only what lies below this key, such as C4 (middle C).")
    ] = None,
    seed: Seed = None,
    temperature: Temperature = 1.0,
    as_written: AsWritten = False,
    device: Device = DeviceName.auto,
) -> None:
    """Compose some bars of a tune anew, so that they lead to what follows.

    Everything else stays as it is, note for note; a picture marks the new bars.
    """
    first, last = span(bars, "bars", "5:8")
    if not (first.isdecimal() and last.isdecimal()):
        raise UsageError(f"`bars` is two numbers such as 5:8, not {bars!r}")
    _write(
        files_to_write(out, hear=hear),
        hear,
        lambda: api.rewrite(
            tune,
            (int(first), int(last)),
            model,
            voice=voice,
            below=below,
            seed=seed,
            temperature=temperature,
            as_written=as_written,
            device=device.value,
        ),
    )


def _write(out: list[Path], hear: bool, arrange: Callable[[], Arrangement]) -> None:
    """Write the files and say what is in them."""
    _say(api.arrange_files(out, arrange), out, hear)


def _say(song: Arrangement, files: list[Path], hear: bool) -> None:
    say(song.summary)
    for file in files:
        say(f"wrote {file}")
    if hear:
        api.hear(song)
