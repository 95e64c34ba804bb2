"""Corpora: a name or a folder -> three splits of piano-rolls, with their provenance, licence and citation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lmn_music.corpora.benchmark import BENCHMARKS, load_benchmark
from lmn_music.corpora.chorales import load_chorales
from lmn_music.corpora.corpus import SPLITS, Corpus, Rejected
from lmn_music.errors import UsageError

__all__ = ["BENCHMARKS", "NAMES", "SPLITS", "Corpus", "Rejected", "load_benchmark", "load_chorales", "load_corpus"]

NAMES = (*BENCHMARKS, "chorales")


def load_corpus(
    name: str | Path,
    data: Path | None = None,
    *,
    download: bool = True,
    frames_per_quarter: int | None = None,
    transpose_to_c: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Corpus:
    """Return the corpus of that name, or the corpus that a folder of MIDI and MusicXML files makes.

    name: "jsb", "nottingham", "muse", "piano" (the benchmark), "chorales" (its stand-in, always there), or a folder.
        A folder that is called like a corpus is meant by "./jsb".
    data: a folder with benchmark files, looked into before LMN_MUSIC_DATA, the cache and (if `download`) the network.
    frames_per_quarter, transpose_to_c: for folders only, as `load_folder` explains them; UsageError otherwise.
    progress: for folders, as `load_folder` explains it; a named corpus does not call it.
    UsageError for an unknown name; CorpusUnavailableError, CorpusError as in `load_benchmark`.
    """
    if isinstance(name, str) and name in NAMES:
        if frames_per_quarter is not None or transpose_to_c:
            raise UsageError(
                f"The corpus '{name}' has its frames and its key: frames per quarter and transposition to C can be "
                "chosen for a folder only (--grid, --to-c)."
            )
        return load_chorales() if name == "chorales" else load_benchmark(BENCHMARKS[name], data, download=download)
    try:
        is_folder = bool(str(name)) and Path(name).is_dir()
    except OSError:  # a name too long
        is_folder = False
    if not is_folder:
        raise UsageError(
            f"There is no corpus '{name}': choose {', '.join(NAMES[:-1])} or {NAMES[-1]}, or name a folder of MIDI or "
            "MusicXML files."
        )
    from lmn_music.corpora.folder import DEFAULT_GRID, load_folder

    grid = DEFAULT_GRID if frames_per_quarter is None else frames_per_quarter
    return load_folder(Path(name), frames_per_quarter=grid, transpose_to_c=transpose_to_c, progress=progress)
