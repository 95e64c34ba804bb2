"""Options that several commands share, and what they print on the way."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lmn_music import api
from lmn_music.errors import UsageError
from lmn_music.formats import writable


class Split(StrEnum):
    """The three parts of a corpus."""

    train = "train"
    valid = "valid"
    test = "test"


class DeviceName(StrEnum):
    """What torch computes on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FOLDER",
        help="Folder of the benchmark files. If not given: LMN_MUSIC_DATA, the cache, then a download.",
    ),
]
Device = Annotated[DeviceName, typer.Option("--device", help="Where to compute.")]
Out = Annotated[
    list[Path] | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help=f"Where to write; the ending chooses the format: {writable()}. May be repeated for several, and left out "
        "with --hear.",
    ),
]
Hear = Annotated[
    bool, typer.Option("--hear", help="Play the result, through whatever program of the system plays sound.")
]
Model = Annotated[
    str,
    typer.Option("--model", metavar="MODEL", help="A run folder, a .safetensors file, or a shipped model such as jsb."),
]
Count = Annotated[
    int, typer.Option("--count", metavar="NUMBER", min=1, max=1000, help="How many songs; their files are numbered.")
]
Best = Annotated[
    int | None,
    typer.Option(
        "--best",
        metavar="NUMBER",
        min=1,
        help="How many of the songs to write, numbered by rank: first those that are as likely under the model as "
        "music that the model has not seen, last those that copy a training song or stand still.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed", metavar="NUMBER", min=0, help="The same seed gives the same music; a new seed if not given."
    ),
]
Temperature = Annotated[
    float,
    typer.Option(
        "--temperature",
        metavar="NUMBER",
        min=0,
        max=100,
        help="It decides which keys sound, never when or how many: below 1 more cautious, above 1 bolder; 1 is as "
        "bold as the model's corpus or, with --voices, --density and given music, the model itself.",
    ),
]


AsWritten = Annotated[
    bool,
    typer.Option(
        "--as-written",
        help="Read each bar of a score once. Otherwise repeats, endings, da capo and dal segno are played out, and "
        "bars are counted as they are played.",
    ),
]


def files_to_write(out: list[Path] | None, *, hear: bool) -> list[Path]:
    """Return the files, none if the music is only to be played.

    Args:
        out: the files that were named.
        hear: whether the music is played.

    Raises:
        UsageError: neither was asked for.
        RenderingError: nothing here can play.
    """
    if hear:
        api.find_players()
    elif not out:
        raise UsageError("nothing would be left of the music: give `out`, a file, or `hear`")
    return out or []


def span(text: str, argument: str, example: str) -> tuple[str, str]:
    """Return what stands before and after the colon in the value of an option.

    Args:
        text: the value, such as "5:8".
        argument: what the argument is called.
        example: a right value.

    Raises:
        UsageError: the value has another form.
    """
    first, colon, last = text.partition(":")
    if not (first and colon and last) or ":" in last:
        raise UsageError(f"`{argument}` is written as {example}, not as {text!r}")
    return first, last
