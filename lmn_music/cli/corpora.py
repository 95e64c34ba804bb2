"""`lmn-music corpora`: what music there is to train on and to measure with, where it is, and whether it is intact."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmn_music.cli.options import Data, Split
from lmn_music.errors import CorpusError, CorpusUnavailableError, LmnMusicError, UsageError

if TYPE_CHECKING:  # the library is imported inside the commands, so that --help is quick
    from lmn_music.corpora.benchmark_table import Benchmark

app = typer.Typer(
    no_args_is_help=False,
    help="List the corpora (the collections of music), fetch them, check them, look at their songs.",
)

WIDTH = 100


@app.callback(invoke_without_command=True)
def corpora(context: typer.Context, data: Data = None) -> None:
    """List the corpora: how much music each holds, where it is, and under which licence."""
    if context.invoked_subcommand is not None:
        if data is not None:
            raise UsageError(
                f"Give --data after the command: lmn-music corpora {context.invoked_subcommand} --data DIR"
            )
        return
    from lmn_music.corpora import BENCHMARKS
    from lmn_music.corpora.chorales import CITATION, FRAMES, LICENCE, SONGS

    for spec in BENCHMARKS.values():
        _describe(f"{spec.name}: {spec.title} (benchmark)", spec.songs, spec.frames, spec.frames_per_quarter)
        _line("where", _where(spec, data))
        _line("licence", spec.licence)
        _line("cite", spec.citation)
    _describe("chorales: Bach's chorales, a stand-in for JSB Chorales", SONGS, FRAMES, 1)
    _line("where", "inside the package music21: always there")
    _line("note", "a likelihood on it is not comparable with the published figures, which are on jsb")
    _line("licence", LICENCE)
    _line("cite", CITATION)
    typer.echo("\nA folder of your own MIDI or MusicXML files is a corpus too: give its path instead of a name.")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="jsb, nottingham, muse, piano, chorales, or all.")],
    data: Data = None,
) -> None:
    """Download a corpus, unless it is on this machine already, and say where it is."""
    from lmn_music.corpora import BENCHMARKS
    from lmn_music.corpora.benchmark_files import obtain

    for each in _names(name):
        if each in BENCHMARKS:
            path = obtain(BENCHMARKS[each], data)
            elsewhere = "" if data is None or path.parent == data else f" ({data} does not hold it)"
            typer.echo(f"{each}: {path}{elsewhere}")
        else:
            typer.echo(f"{each}: inside the package music21, nothing to fetch")


@app.command()
def verify(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="jsb, nottingham, muse, piano, chorales, or all.")
    ] = "all",
    data: Data = None,
) -> None:
    """Check that the corpora on this machine are what they should be: every file's SHA-256, songs and frames."""
    from lmn_music.corpora import BENCHMARKS

    names = _names(name)
    results = {n: _verify_benchmark(BENCHMARKS[n], data) if n in BENCHMARKS else _verify_chorales() for n in names}
    if False in results.values() or results.get(name, True) is None:  # one that was asked for by name must be there
        raise typer.Exit(1)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="jsb, nottingham, muse, piano, chorales, or a folder of your own.")
    ],
    song: Annotated[int, typer.Option(metavar="NUMBER", help="Which song of the split, counted from 0.", min=0)] = 0,
    split: Annotated[Split, typer.Option(help="Which songs.")] = Split.train,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to write; the ending chooses: .png, .mid, .wav, .npz.")
    ] = Path("roll.png"),
    data: Data = None,
) -> None:
    """Draw one song of a corpus as a piano-roll: time left to right, pitch low to high; or let it be heard."""
    from lmn_music.corpora import load_corpus
    from lmn_music.formats import check_output, write_roll

    check_output(out)
    corpus = load_corpus(name, data)
    songs = corpus.split(split.value)
    if song >= len(songs):
        choice = "0, the only one" if len(songs) == 1 else f"from 0 to {len(songs) - 1}"
        raise UsageError(f"'{name}' has no song {song} in {split}: choose --song {choice}.")
    write_roll(songs[song], out)
    typer.echo(f"{songs[song].title}: {len(songs[song])} frames, written to {out}")


def _names(name: str) -> tuple[str, ...]:
    from lmn_music.corpora import NAMES

    if name == "all":
        return NAMES
    if name not in NAMES:
        raise UsageError(f"There is no corpus '{name}' to fetch or verify: choose {', '.join(NAMES)} or all.")
    return (name,)


def _describe(title: str, songs: tuple[int, ...], frames: tuple[int, ...], frames_per_quarter: int) -> None:
    typer.echo(f"\n{title}")
    _line("songs", "{} train, {} valid, {} test".format(*songs))
    _line("frames", "{} train, {} valid, {} test".format(*frames) + f"; {frames_per_quarter} per quarter note")


def _line(label: str, text: str) -> None:
    """Print a labelled line, wrapped between words only, so that a path or an address can be copied."""
    indent = " " * 11
    wrapped = textwrap.wrap(text, WIDTH - len(indent), break_long_words=False, break_on_hyphens=False)
    typer.echo(f"  {label:<9}" + f"\n{indent}".join(wrapped))


def _where(spec: Benchmark, data: Path | None) -> str:
    from lmn_music.corpora.benchmark_files import obtain

    try:
        return str(obtain(spec, data, download=False))
    except CorpusUnavailableError:
        return f"not on this machine; `lmn-music corpora fetch {spec.name}` gets it from {spec.sources[0].address}"
    except LmnMusicError as error:  # a wrong file or folder: the other corpora are listed all the same
        return str(error)


def _verify_benchmark(spec: Benchmark, data: Path | None) -> bool | None:
    """Print whether each file found is right; False if one is not, None if there is none."""
    from lmn_music.corpora.benchmark import read_benchmark
    from lmn_music.corpora.benchmark_files import found_files

    right = True
    paths = list(found_files(spec, data))
    for path in paths:
        try:
            read_benchmark(spec, path)
        except CorpusError as error:
            right = False
            typer.echo(f"{spec.name}: WRONG: {error}")
        else:
            typer.echo(f"{spec.name}: right (SHA-256, songs, frames): {path}")
    if not paths:
        typer.echo(f"{spec.name}: not on this machine")
        return None
    return right


def _verify_chorales() -> bool:
    from lmn_music.corpora import load_chorales
    from lmn_music.corpora.chorales import FRAMES, MUSIC21_VERSION, SONGS

    corpus = load_chorales()
    if (corpus.songs, corpus.frames) == (SONGS, FRAMES):
        typer.echo(f"chorales: right (songs, frames): {corpus.provenance}")
        return True
    typer.echo(
        f"chorales: WRONG: {corpus.songs} songs and {corpus.frames} frames, not {SONGS} and {FRAMES}. "
        f"Install music21 {MUSIC21_VERSION} for the same corpus ({corpus.provenance})."
    )
    return False
