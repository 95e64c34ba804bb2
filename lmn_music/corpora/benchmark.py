"""Reading the benchmark corpora of `benchmark_table`."""

from __future__ import annotations

import io
import pickle
import zlib
from pathlib import Path
from typing import Any

import numpy.typing as npt

from lmn_music.corpora.benchmark_files import obtain, verified
from lmn_music.corpora.benchmark_table import Benchmark
from lmn_music.corpora.corpus import SPLITS, Corpus
from lmn_music.corpora.pitch_pickle import read_pitches
from lmn_music.errors import CorpusError
from lmn_music.music.pianoroll import PianoRoll

# What the readers of the two formats raise on a file that is not one, or ends too soon.
DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    zlib.error,
)


def load_benchmark(spec: Benchmark, data: Path | None = None, *, download: bool = True) -> Corpus:
    """Return a benchmark corpus from `data`, else LMN_MUSIC_DATA, else the cache, else the network.

    Args:
        spec: one of `BENCHMARKS`.
        data: the folder to look into first.
        download: whether the network may be asked.

    Raises:
        UsageError: `data` or LMN_MUSIC_DATA is not a folder.
        CorpusUnavailableError: the corpus is in none of these places.
        CorpusError: a file found is not the benchmark's or cannot be read.
    """
    return read_benchmark(spec, obtain(spec, data, download=download))


def read_benchmark(spec: Benchmark, path: Path) -> Corpus:
    """Return the corpus in a .mat or .pickle file.

    Args:
        spec: one of `BENCHMARKS`.
        path: the file; its suffix says which of the two it is.

    Raises:
        CorpusError: the file is not the benchmark's, is damaged, or does not hold the songs and frames that it must.
    """
    content, sha256 = verified(spec, path)
    try:
        splits = _read_mat(content) if path.suffix == ".mat" else read_pitches(content)
        train, valid, test = (
            tuple(
                PianoRoll(frames, spec.frames_per_quarter, title=f"{spec.title} {split} {index}")
                for index, frames in enumerate(splits[split])
            )
            for split in SPLITS
        )
    except DAMAGE as error:
        raise CorpusError(f"{path} is damaged ({error}): delete it, and fetch or copy it again") from error
    corpus = Corpus(
        name=spec.name,
        train=train,
        valid=valid,
        test=test,
        frames_per_quarter=spec.frames_per_quarter,
        provenance=f"{path.name} (benchmark)",
        sha256=sha256,
        comparable=True,
        licence=spec.licence,
        citation=spec.citation,
        source=spec.name,
    )
    if (corpus.songs, corpus.frames) != (spec.songs, spec.frames):
        raise CorpusError(
            f"{path} holds {corpus.songs} songs and {corpus.frames} frames, not {spec.songs} and {spec.frames}: "
            "delete it, and fetch or copy it again"
        )
    return corpus


def _read_mat(content: bytes) -> dict[str, list[npt.NDArray[Any]]]:
    """Return {split: [(frames, 88) uint8]} from MATLAB 5: traindata, validdata and testdata, each (1, songs) cells."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        arrays = loadmat(io.BytesIO(content))
    except (MatReadError, NotImplementedError) as error:
        raise ValueError(error) from None
    return {split: list(arrays[f"{split}data"][0]) for split in SPLITS}
