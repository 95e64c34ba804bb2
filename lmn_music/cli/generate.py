"""`lmn-music generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
from lmn_music.formats import TEMPO, readable


def generate(
    out: Out = None,
    hear: Hear = False,
    model: Model = "jsb",
    bars: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="Length in bars of four quarter notes; 16 if not given.")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=2, help="Length in frames, the model's unit of time.")
    ] = None,
    seed: Seed = None,
    temperature: Temperature = 1.0,
    density: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", help="How many keys shall sound in a frame on average, such as 3."),
    ] = None,
    pitch_range: Annotated[
        str | None,
        typer.Option("--range", metavar="LOWEST:HIGHEST", help="Which keys may sound, such as C3:G5 (C4 is middle C)."),
    ] = None,
    voices: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="How many keys shall sound in each frame, for the most part."),
    ] = None,
    tempo: Annotated[float, typer.Option(metavar="NUMBER", min=10, max=400, help="Quarter notes per minute.")] = TEMPO,
    count: Count = 1,
    best: Best = None,
    prime: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"A file that the song begins with and continues: {readable()}. The model reads what sounds on each "
            "of its frames; the shipped models know only C major and C minor.",
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
    as_written: AsWritten = False,
    device: Device = DeviceName.auto,
) -> None:
    """Compose new songs.

    They are drawn from a model, and written in any of the formats of --out.
    """
    songs = api.compose_files(
        files_to_write(out, hear=hear),
        model,
        count=count,
        best=best,
        bars=bars,
        frames=frames,
        seed=seed,
        temperature=temperature,
        density=density,
        pitch_range=None if pitch_range is None else span(pitch_range, "pitch_range", "C3:G5"),
        voices=voices,
        prime=prime,
        tempo=tempo,
        repeat_notes=repeat_notes,
        data=data,
        as_written=as_written,
        device=device.value,
        remark=say,
    )
    for song, files in songs:
        say(f"{song.title}: {len(song)} frames, {song.notes} notes, model {model}")
        for file in files:
            say(f"wrote {file}")
        if hear:
            api.hear(song, tempo=tempo, repeat_notes=repeat_notes)
