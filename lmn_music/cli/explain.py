"""`lmn-music surprise` and `lmn-music identify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmn_music import api
from lmn_music.cli.options import AsWritten, Device, DeviceName
from lmn_music.cli.printing import say
from lmn_music.cli.progress import counting
from lmn_music.formats import readable

Song = Annotated[Path, typer.Argument(metavar="SONG", help=f"A file: {readable()}.")]
Transpose = Annotated[
    int | None,
    typer.Option(
        metavar="SEMITONES",
        min=-87,
        max=87,
        help="How many semitones higher a model reads the song, lower if negative, 0 as it is; if not given, as is "
        "likeliest. The shipped models know C major and C minor.",
    ),
]
FramesPerQuarter = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", min=1, max=24, help="Frames per quarter note; if not given, the model's own."),
]


def surprise(
    song: Song,
    out: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE",
            help="Where to write: .png a picture, .html a page that says more where you point, .csv a row for each "
            "note. May be repeated for several.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A run folder, a .safetensors file, or a shipped model such as jsb; if not given, the shipped model "
            "under which the song's opening is likeliest.",
        ),
    ] = None,
    transpose: Transpose = None,
    frames_per_quarter: FramesPerQuarter = None,
    as_written: AsWritten = False,
    device: Device = DeviceName.auto,
) -> None:
    """Show what surprises a model in a song, note by note.

    The surprise of a note is -ln of its probability, given all that came before it: in nats.
    """
    found = api.surprise_files(
        out,
        song,
        model,
        transpose=transpose,
        frames_per_quarter=frames_per_quarter,
        as_written=as_written,
        device=device.value,
    )
    for fact in found.facts:
        say(fact)
    for path in out:
        say(f"wrote {path}")


def identify(
    song: Song,
    transpose: Transpose = None,
    frames_per_quarter: FramesPerQuarter = None,
    as_written: AsWritten = False,
    device: Device = DeviceName.auto,
) -> None:
    """Show how likely a song is under each shipped model, in the key that suits it best."""
    with counting("reading", "models") as progress:
        found = api.identify(
            song,
            transpose=transpose,
            frames_per_quarter=frames_per_quarter,
            as_written=as_written,
            device=device.value,
            progress=progress,
        )
    say(f"{found.title}\n\n{found}\n")
    say(found.explanation)
