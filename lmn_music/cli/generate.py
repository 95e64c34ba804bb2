"""`lmn-music generate`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from lmn_music.cli.options import Device, DeviceName, check_seed, resolve_device
from lmn_music.errors import UsageError


def generate(
    out: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE",
            help="Where to write; the ending chooses: .mid, .wav, .png, .npz. May be repeated for several.",
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
        typer.Option(metavar="NUMBER", min=0, help="Same seed, same song; a new one if not given."),
    ] = None,
    temperature: Annotated[
        float,
        typer.Option(
            metavar="NUMBER", min=0, max=100, help="Below 1 more cautious, above 1 bolder, 1 the model itself."
        ),
    ] = 1.0,
    tempo: Annotated[float, typer.Option(metavar="NUMBER", min=10, max=400, help="Quarter notes per minute.")] = 90.0,
    count: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, max=1000, help="How many songs; they are numbered.")
    ] = 1,
    prime: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A MIDI, MusicXML or .npz file that the song begins with and goes on from. Its notes are rounded "
            "to the model's grid; the shipped models know only C major and C minor.",
        ),
    ] = None,
    repeat_notes: Annotated[
        bool,
        typer.Option(
            "--repeat-notes",
            help="Strike a key anew in each frame. Otherwise a key that goes on is held, as a "
            "piano-roll cannot tell held notes from repeated ones.",
        ),
    ] = False,
    device: Device = DeviceName.auto,
) -> None:
    """Compose: draw new songs from a model and write them as MIDI, sound, picture or piano-roll."""
    if bars is not None and frames is not None:
        raise UsageError("give the length as --bars or as --frames, not both")
    first = secrets.randbelow(2**31) if seed is None else seed
    check_seed(first, count)
    from lmn_music.formats import check_length, check_output, write_roll

    files = [[_numbered(path, number, count) for path in out] for number in range(1, count + 1)]
    for path in (path for paths in files for path in paths):
        check_output(path)

    from lmn_music.formats import read_score
    from lmn_music.generation.sampler import generate_song
    from lmn_music.models.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(model, resolve_device(device))
    grid = checkpoint.header.corpus.frames_per_quarter
    start = read_score(prime, grid) if prime else None
    length = frames or (bars or 16) * 4 * grid
    for path in out:
        check_length(path, length + (len(start) if start else 0), grid, tempo=tempo)
    for number, paths in enumerate(files):
        roll = generate_song(
            checkpoint.model,
            frames=length,
            frames_per_quarter=grid,
            seed=first + number,
            temperature=temperature,
            prime=start,
        )
        typer.echo(f"seed {first + number}: {len(roll)} frames, {roll.notes} notes, model {model}")
        for path in paths:
            write_roll(roll, path, tempo=tempo, repeat_notes=repeat_notes)
            typer.echo(f"wrote {path}")


def _numbered(path: Path, number: int, count: int) -> Path:
    return path if count == 1 else path.with_name(f"{path.stem}-{number:0{len(str(count))}d}{path.suffix}")
