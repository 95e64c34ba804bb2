"""The corpora that have a name: what they hold, where they are, whether they are intact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lmn_music.api.arguments import whole_number
from lmn_music.errors import CorpusError, CorpusUnavailableError, LmnMusicError, UsageError

if TYPE_CHECKING:
    from lmn_music.corpora.benchmark_table import Benchmark
    from lmn_music.music.pianoroll import PianoRoll


@dataclass(frozen=True)
class CorpusEntry:
    """What is known of a corpus without reading it.

    Attributes:
        name: what to call it in every other function.
        title: its full name.
        songs: how many in train, valid and test.
        frames: how many in train, valid and test.
        frames_per_quarter: how many frames a quarter note lasts.
        where: its file, or how to get it.
        licence: what may be done with it.
        citation: what to cite.
        note: what else a user must know.
    """

    name: str
    title: str
    songs: tuple[int, int, int]
    frames: tuple[int, int, int]
    frames_per_quarter: int
    where: str
    licence: str
    citation: str
    note: str = ""


@dataclass(frozen=True)
class CorpusCheck:
    """Whether a corpus is what it should be.

    Attributes:
        name: the name of the corpus.
        result: "right", "wrong" or "missing".
        text: what was compared and where, or what is wrong.
    """

    name: str
    result: Literal["right", "wrong", "missing"]
    text: str = ""


def list_corpora(data: str | Path | None = None) -> list[CorpusEntry]:
    """Return what is known of every corpus that has a name.

    Args:
        data: see `lmn_music.load_corpus`.

    Returns:
        The benchmark corpora and the chorales.

    Example:
        >>> [corpus.name for corpus in list_corpora()]
        ['jsb', 'nottingham', 'muse', 'piano', 'chorales']
    """
    from lmn_music.corpora import BENCHMARKS
    from lmn_music.corpora.chorales import CITATION, FRAMES, LICENCE, SONGS

    entries = [
        CorpusEntry(
            spec.name,
            f"{spec.title} (benchmark)",
            spec.songs,
            spec.frames,
            spec.frames_per_quarter,
            _where(spec, _folder(data)),
            spec.licence,
            spec.citation,
        )
        for spec in BENCHMARKS.values()
    ]
    chorales = CorpusEntry(
        "chorales",
        "Bach's chorales, a stand-in for JSB Chorales",
        SONGS,
        FRAMES,
        1,
        "inside the package music21: always there",
        LICENCE,
        CITATION,
        "a likelihood on it is not comparable with the published figures, which were measured on jsb",
    )
    return [*entries, chorales]


def fetch_corpora(name: str, data: str | Path | None = None) -> Iterator[tuple[str, Path | None]]:
    """Download a corpus, unless it is on this machine already.

    Args:
        name: the name of a corpus, or "all".
        data: see `lmn_music.load_corpus`.

    Yields:
        The name of the corpus and its file; None for the chorales, which are inside the package music21.

    Raises:
        UsageError: there is no such corpus.
        CorpusUnavailableError: it cannot be downloaded.

    Example:
        >>> dict(fetch_corpora("jsb"))  # doctest: +SKIP
    """
    from lmn_music.corpora import BENCHMARKS
    from lmn_music.corpora.benchmark_files import obtain

    for each in _names(name):
        yield each, obtain(BENCHMARKS[each], _folder(data)) if each in BENCHMARKS else None


def verify_corpora(name: str = "all", data: str | Path | None = None) -> Iterator[CorpusCheck]:
    """Compare the corpora on this machine with what they should be.

    Args:
        name: the name of a corpus, or "all".
        data: see `lmn_music.load_corpus`.

    Yields:
        One result for each file that is found, and one for each corpus without a file.

    Raises:
        UsageError: there is no such corpus.

    Example:
        >>> [check.result for check in verify_corpora("chorales")]
        ['right']
    """
    from lmn_music.corpora import BENCHMARKS

    for each in _names(name):
        if each in BENCHMARKS:
            yield from _verify_benchmark(BENCHMARKS[each], _folder(data))
        else:
            yield _verify_chorales()


def corpus_song(
    name: str | Path, number: int = 0, split: str = "train", *, data: str | Path | None = None
) -> PianoRoll:
    """Return one song of a corpus.

    Args:
        name: the name of a corpus, or a folder.
        number: which song of the split, counted from 0.
        split: "train", "valid" or "test".
        data: see `lmn_music.load_corpus`.

    Returns:
        The song.

    Raises:
        UsageError: there is no such corpus, split or song.
        CorpusError: the corpus cannot be read.

    Example:
        >>> corpus_song("chorales", 3).frames_per_quarter
        1
    """
    from lmn_music.corpora import load_corpus

    number = whole_number("number", number, 0)
    songs = load_corpus(name, data).split(split)
    if number >= len(songs):
        choice = "0, the only one" if len(songs) == 1 else f"from 0 to {len(songs) - 1}"
        raise UsageError(f"'{name}' has no song {number} in {split}: choose `number` {choice}")
    return songs[number]


def _names(name: str) -> tuple[str, ...]:
    from lmn_music.corpora import NAMES

    if name == "all":
        return NAMES
    if name not in NAMES:
        raise UsageError(f"there is no corpus '{name}' to fetch or verify: choose {', '.join(NAMES)} or all")
    return (name,)


def _folder(data: str | Path | None) -> Path | None:
    return None if data is None else Path(data)


def _where(spec: Benchmark, data: Path | None) -> str:
    from lmn_music.corpora.benchmark_files import obtain

    try:
        return str(obtain(spec, data, download=False))
    except CorpusUnavailableError:
        return f"not on this machine; `lmn-music corpora fetch {spec.name}` gets it from {spec.sources[0].address}"
    except LmnMusicError as error:  # a wrong file or folder: the other corpora are listed all the same
        return str(error)


def _verify_benchmark(spec: Benchmark, data: Path | None) -> Iterator[CorpusCheck]:
    from lmn_music.corpora.benchmark import read_benchmark
    from lmn_music.corpora.benchmark_files import found_files

    paths = list(found_files(spec, data))
    for path in paths:
        try:
            read_benchmark(spec, path)
        except CorpusError as error:
            yield CorpusCheck(spec.name, "wrong", str(error))
        else:
            yield CorpusCheck(spec.name, "right", f"(SHA-256, songs, frames): {path}")
    if not paths:
        yield CorpusCheck(spec.name, "missing")


def _verify_chorales() -> CorpusCheck:
    from lmn_music.corpora import load_chorales
    from lmn_music.corpora.chorales import FRAMES, MUSIC21_VERSION, SONGS

    corpus = load_chorales()
    if (corpus.songs, corpus.frames) == (SONGS, FRAMES):
        return CorpusCheck("chorales", "right", f"(songs, frames): {corpus.provenance}")
    return CorpusCheck(
        "chorales",
        "wrong",
        f"{corpus.songs} songs and {corpus.frames} frames, not {SONGS} and {FRAMES}. Install music21 {MUSIC21_VERSION} "
        f"for the same corpus ({corpus.provenance}).",
    )
