"""`lmn-music corpora`: what music there is to train on and to measure with, where it is, and whether it is intact."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated

import typer

from lmn_music import api
from lmn_music.cli.options import Data, Split
from lmn_music.cli.printing import say
from lmn_music.cli.progress import counting
from lmn_music.errors import UsageError
from lmn_music.formats import check_output, writable, write_roll

app = typer.Typer(
    no_args_is_help=False,
    help="List, fetch, check, audit and show the corpora.\n\n"
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
