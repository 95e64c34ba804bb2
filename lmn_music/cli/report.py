"""`lmn-music report`."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated

import typer

from lmn_music import api
from lmn_music.cli.options import AsWritten, Data, Device, DeviceName
from lmn_music.cli.printing import note, say
from lmn_music.cli.progress import counting
from lmn_music.formats import readable

WIDTH = 110


def report(
    songs: Annotated[list[Path], typer.Argument(metavar="SONG...", help=f"Files: {readable()}.")],
    corpus: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What to compare the songs with: jsb, nottingham, muse, piano, chorales or a folder. If not given, "
            "what the model was trained on, or jsb without a model.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Measure the likelihood under this model too: a run folder, a .safetensors file, or a shipped model "
            "such as jsb.",
        ),
    ] = None,
    to_c: Annotated[
        bool,
        typer.Option("--to-c", help="Transpose the songs to C major or C minor, the keys of the benchmark corpora."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a picture of the report, a .png file.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    data: Data = None,
    as_written: AsWritten = False,
    device: Device = DeviceName.auto,
) -> None:
    """Measure what songs are like, beside the test songs of a corpus.

    The longest run of frames that each song shares with a training song of the corpus is listed too, also where the
    training song is transposed.
    """
    show = not json
    with counting("reading", "files", show=show) as reading, counting("reading", "songs", show=show) as progress:
        found = api.report(
            songs,
            corpus,
            model,
            to_c=to_c,
            data=data,
            as_written=as_written,
            device=device.value,
            out=out,
            stand_in=note,
            reading=reading,
            progress=progress,
        )
    if json:
        say(found.model_dump_json())
        return
    for line in str(found).splitlines():
        say(textwrap.fill(line, WIDTH, break_long_words=False) if line[:1] not in ("", " ") else line)
