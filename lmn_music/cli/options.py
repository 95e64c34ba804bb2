"""Options that several commands share, and what they print on the way."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


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


def note(text: str) -> None:
    """Print a warning that nobody should miss."""
    typer.secho(f"NOTE: {text}", err=True, bold=True)
