"""`lmn-music generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmn_music import api
from lmn_music.cli.options import Data, Device, DeviceName
from lmn_music.formats import TEMPO, readable, written


def generate(
    out: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE",
            help=f"Where to write; the ending chooses the format: {written()}. May be repeated for several.",
        ),
    ],
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="A run folder, a .safetensors file, or a shipped model such as jsb.")
    ] = "jsb",
    bars: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="Length in bars of four quarter notes; 16 if not given.")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=2, help="Length in frames, the model's unit of time.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=0, help="The same seed gives the same song; a new seed if not given."),
    ] = None,
    temperature: Annotated[
        float,
        typer.Option(
            metavar="NUMBER",
            min=0,
            max=100,
            help="It decides which keys sound, never when or how many: below 1 more cautious, above 1 bolder; 1 is the "
            "model itself.",
        ),
    ] = 1.0,
    tempo: Annotated[float, typer.Option(metavar="NUMBER", min=10, max=400, help="Quarter notes per minute.")] = TEMPO,
    count: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, max=1000, help="How many songs; their files are numbered.")
    ] = 1,
    best: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=1,
            help="How many of the songs to write, numbered by rank: first those that are as likely under the model as "
            "music that the model has not seen, last those that copy a training song or stand still.",
        ),
    ] = None,
    prime: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"A file that the song begins with and continues: {readable()}. Its notes are rounded to the "
            "model's frames; the shipped models know only C major and C minor.",
        ),
    ] = None,
    repeat_notes: Annotated[
        bool,
        typer.Option(
            "--repeat-notes",
            help="Strike a key again in each frame. Otherwise a key that sounds in several frames in a row is held: a "
            "piano-roll cannot tell held notes from repeated ones.",
        ),
    ] = False,
    data: Data = None,
    device: Device = DeviceName.auto,
) -> None:
    """Compose new songs.

    They are drawn from a model, and written in any of the formats of --out.
    """
    songs = api.compose_files(
        out,
        model,
        count=count,
        best=best,
        bars=bars,
        frames=frames,
        seed=seed,
        temperature=temperature,
        prime=prime,
        tempo=tempo,
        repeat_notes=repeat_notes,
        data=data,
        device=device.value,
        remark=typer.echo,
    )
    for song, files in songs:
        typer.echo(f"{song.title}: {len(song)} frames, {song.notes} notes, model {model}")
        for file in files:
            typer.echo(f"wrote {file}")
