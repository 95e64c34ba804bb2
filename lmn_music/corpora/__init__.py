"""Corpora: a name or a folder becomes three splits of piano-rolls, with their provenance, licence and citation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lmn_music.corpora.benchmark import load_benchmark
from lmn_music.corpora.benchmark_table import BENCHMARKS
from lmn_music.corpora.chorales import load_chorales
from lmn_music.corpora.corpus import SPLITS, Corpus, Rejected, by_kind
from lmn_music.corpora.folder import DEFAULT_FRAMES_PER_QUARTER, load_folder
from lmn_music.corpora.packed import is_packed, load_packed
from lmn_music.errors import CorpusUnavailableError, UsageError
from lmn_music.formats import readable_labels

__all__ = [
    "BENCHMARKS",
    "NAMES",
    "SPLITS",
    "Corpus",
    "Rejected",
    "by_kind",
    "load_benchmark",
    "load_chorales",
    "load_corpus",
]

NAMES = (*BENCHMARKS, "chorales")
STAND_IN = (
    "{reason}. Using the Bach chorales inside music21 instead: good music, but NOT the benchmark; no figure on it is "
    "comparable with published ones."
)


def load_corpus(
    name: str | Path,
    data: str | Path | None = None,
    *,
    download: bool = True,
    frames_per_quarter: int | None = None,
    to_c: bool = False,
    stand_in: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Corpus:
    """Return the corpus of that name, or the corpus that the music in a folder makes.

    Args:
        name: "jsb", "nottingham", "muse" or "piano" (the benchmark), "chorales" (its stand-in, always there), or a
            folder, of files or of a packed corpus. To name a folder that is called like a corpus, write "./jsb".
        data: a folder with benchmark files, looked into before LMN_MUSIC_DATA, the cache and the network.
        download: whether a benchmark corpus may be fetched from the network.
        frames_per_quarter: for a folder: the number of frames that a quarter note lasts; 2 if None.
        to_c: for a folder: whether each song is transposed to C major or C minor.
        stand_in: where JSB Chorales cannot be had: called with one line that says why, before the chorales are returned
            in their place. If None, CorpusUnavailableError is raised.
        progress: for a folder: called with (files read, files in all) after each file.

    Returns:
        The corpus.

    Raises:
        UsageError: there is no corpus of that name, or an option for folders is given with a named corpus.
        CorpusUnavailableError: a benchmark corpus is neither on this machine nor can be downloaded.
        CorpusError: a file of the corpus is not what it must be, or the folder holds fewer than three usable songs.

    Example:
        >>> load_corpus("chorales").frames_per_quarter
        1
    """
    if isinstance(name, str) and name in NAMES:
        given = {"frames_per_quarter": frames_per_quarter is not None, "to_c": to_c}
        if any(given.values()):
            names = " and ".join(f"`{argument}`" for argument, there in given.items() if there)
            raise UsageError(f"the corpus '{name}' has its frames and its key: leave out {names}, which is for folders")
        return _load_named(name, None if data is None else Path(data), download, stand_in)
    try:
        is_folder = bool(str(name)) and Path(name).is_dir()
    except OSError:  # a name too long
        is_folder = False
    if not is_folder:
        raise UsageError(
            f"there is no corpus '{name}': choose {', '.join(NAMES[:-1])} or {NAMES[-1]}, or name a folder of "
            f"{readable_labels()} files"
        )
    if is_packed(Path(name)):
        return _load_packed(Path(name), frames_per_quarter, to_c)
    return load_folder(
        Path(name),
        frames_per_quarter=DEFAULT_FRAMES_PER_QUARTER if frames_per_quarter is None else frames_per_quarter,
        transpose_to_c=to_c,
        progress=progress,
    )


def _load_packed(folder: Path, frames_per_quarter: int | None, to_c: bool) -> Corpus:
    """Load a packed corpus, whose frames and key were chosen when it was packed."""
    corpus = load_packed(folder)
    if frames_per_quarter not in (None, corpus.frames_per_quarter) or (to_c and not corpus.to_c):
        key = "in C" if corpus.to_c else "in the keys of the files"
        raise UsageError(
            f"{folder} was packed with {corpus.frames_per_quarter} frames per quarter note, {key}: for others pack its "
            "files again"
        )
    return corpus


def _load_named(name: str, data: Path | None, download: bool, stand_in: Callable[[str], None] | None) -> Corpus:
    """Load a benchmark corpus or the chorales, which may stand in for JSB Chorales."""
    if name == "chorales":
        return load_chorales()
    try:
        return load_benchmark(BENCHMARKS[name], data, download=download)
    except CorpusUnavailableError as error:
        if name != "jsb" or stand_in is None:
            raise
        stand_in(STAND_IN.format(reason=str(error).split(". ")[0]))
        return load_chorales()
