"""`lmn-music corpora`: what music there is to train on and to measure with, where it is, and whether it is intact."""

from __future__ import annotations

import shlex
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from lmn_music import api
from lmn_music.cli.options import Data, Split
from lmn_music.cli.printing import say
from lmn_music.cli.progress import counting
from lmn_music.errors import UsageError
from lmn_music.formats import check_output, readable_labels, writable, write_roll

app = typer.Typer(
    no_args_is_help=False,
    help="List, fetch, check, audit, show and pack corpora.\n\n"
    "A corpus is a collection of music in three parts: train, valid, test.",
)

WIDTH = 100


@app.callback(invoke_without_command=True)
def corpora(context: typer.Context, data: Data = None) -> None:
    """List the corpora: how much music each holds, where it is, and under which licence."""
    if context.invoked_subcommand is not None:
        if data is not None:
            raise UsageError(
                f"give --data after the command: lmn-music corpora {context.invoked_subcommand} --data FOLDER"
            )
        return
    for entry in api.list_corpora(data):
        say(f"\n{entry.name}: {entry.title}")
        _line("songs", "{} train, {} valid, {} test".format(*entry.songs))
        frames = "{} train, {} valid, {} test".format(*entry.frames)
        _line("frames", f"{frames}; {entry.frames_per_quarter} per quarter note")
        _line("where", entry.where)
        if entry.note:
            _line("note", entry.note)
        _line("licence", entry.licence)
        _line("cite", entry.citation)
    say("\nA folder of your own files (MIDI, MusicXML, Humdrum, ABC) is a corpus too: give its path.")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="jsb, nottingham, muse, piano, chorales, or all.")],
    data: Data = None,
) -> None:
    """Download a corpus, and print where it is.

    A corpus that is on this machine already is not downloaded.
    """
    for each, path in api.fetch_corpora(name, data):
        if path is None:
            say(f"{each}: inside the package music21, nothing to fetch")
        else:
            elsewhere = "" if data is None or path.parent == data else f" ({data} does not hold it)"
            say(f"{each}: {path}{elsewhere}")


@app.command()
def verify(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="jsb, nottingham, muse, piano, chorales, or all.")
    ] = "all",
    data: Data = None,
) -> None:
    """Check the corpora on this machine.

    Of every file the SHA-256, the songs and the frames are compared with what they should be.
    """
    checks = []
    for check in api.verify_corpora(name, data):
        checks.append(check)
        if check.result == "right":
            say(f"{check.name}: right {check.text}")
        elif check.result == "wrong":
            say(f"{check.name}: WRONG: {check.text}")
        else:
            say(f"{check.name}: not on this machine")
    # Of all corpora some may be missing; one that was asked for by name must be there.
    if any(check.result == "wrong" or (check.result == "missing" and name != "all") for check in checks):
        raise typer.Exit(1)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="jsb, nottingham, muse, piano, chorales, or a folder of your own.")
    ],
    number: Annotated[
        int, typer.Option("--song", metavar="NUMBER", help="Which song of the split, counted from 0.", min=0)
    ] = 0,
    split: Annotated[Split, typer.Option(help="Which songs of the corpus.")] = Split.train,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help=f"Where to write; the ending chooses the format: {writable()}.")
    ] = Path("roll.png"),
    data: Data = None,
) -> None:
    """Draw or write a song of a corpus.

    In a picture, time runs from left to right and pitch from low to high.
    """
    check_output(out)
    roll = api.corpus_song(name, number, split.value, data=data)
    write_roll(roll, out)
    say(f"{roll.title}: {len(roll)} frames, written to {out}")


@app.command()
def pack(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help=f"A folder of {readable_labels()} files.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where to pack; new, empty, or an interrupted packing of these files.")
    ],
    frames_per_quarter: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, max=24, help="Frames per quarter note.")
    ] = 2,
    to_c: Annotated[bool, typer.Option("--to-c", help="Transpose every song to C major or C minor.")] = False,
    deduplicate: Annotated[
        bool,
        typer.Option(
            "--deduplicate", help="Leave out songs that are like one before them; if not given, they are in one split."
        ),
    ] = False,
    workers: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="Processes that read files; one per core if not given.")
    ] = None,
) -> None:
    """Pack files, any number of them, into a corpus that need not fit into memory.

    Give DIR to the other commands as a corpus. The same command resumes a packing that was interrupted.
    """
    with counting("packing", "files") as progress:
        packed = api.pack_corpus(
            folder,
            out,
            frames_per_quarter=frames_per_quarter,
            to_c=to_c,
            deduplicate=deduplicate,
            workers=workers,
            progress=progress,
        )
    say("{} songs to train on, {} to validate, {} to test ({}, {}, {} frames)".format(*packed.songs, *packed.frames))
    if packed.near_duplicates:
        what = "left out" if packed.deduplicated else "in the split of that song"
        say(f"{packed.near_duplicates} are like a song before them: {what}; at most {packed.largest_group} are alike")
    if packed.left_out:
        reasons = ", ".join(f"{count} {kind}" for kind, count in packed.left_out.items())
        say(f"left out: {sum(packed.left_out.values())} of {packed.files} files: {reasons}")
        say(f"all of them: {packed.list_of_left_out}")
    say(f"sha256 {packed.sha256}")
    say(f"next:  lmn-music train {shlex.quote(str(out))} --recipe lmn")


@app.command()
def audit(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="jsb, nottingham, muse, piano, chorales, or a folder of your own.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    data: Data = None,
) -> None:
    """Look for twins and near twins in a corpus, within and across its splits.

    A test song that has a relative among the training songs may be more likely under a model for that reason:
    `evaluate` prints the likelihood without such songs too.
    """
    with counting("reading", "files", show=not json) as reading:
        found = api.audit_corpus(name, data=data, reading=reading)
    if json:
        say(found.model_dump_json())
        return
    for line in str(found).splitlines():
        say(textwrap.fill(line, WIDTH) if line.startswith("relative") else line)


def _line(label: str, text: str) -> None:
    """Print a labelled line, wrapped between words only, so that a path or an address can be copied."""
    indent = " " * 11
    wrapped = textwrap.wrap(text, WIDTH - len(indent), break_long_words=False, break_on_hyphens=False)
    say(f"  {label:<9}" + f"\n{indent}".join(wrapped))
