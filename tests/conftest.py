"""What every test may use: songs made up here, and the benchmark files, if they are on this machine."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from lmn_music.corpora import BENCHMARKS
from lmn_music.corpora.benchmark_files import CACHE_VARIABLE, DATA_VARIABLE
from lmn_music.corpora.benchmark_table import Source
from lmn_music.corpora.corpus import Corpus, content_sha256
from tests.helpers import find_benchmark_folder, make_roll

# On top of hypothesis' own profile, which draws the same examples every time where the variable CI is set.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Let a test that draws from torch without a seed draw the same numbers every time."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def benchmark_folder() -> Path:
    """Give the folder of the four benchmark files, or skip."""
    folder = find_benchmark_folder()
    if folder is None:
        pytest.skip("the benchmark files are neither in LMN_MUSIC_DATA nor in ../shared/corpora")
    return folder


@pytest.fixture(scope="session")
def small_corpus() -> Corpus:
    """Give a corpus that trains in seconds: songs of uneven lengths."""
    rolls = [make_roll(length, seed) for seed, length in enumerate((9, 30, 17, 12, 25, 14, 21, 33, 10, 16, 20, 24))]
    train, valid, test = tuple(rolls[:8]), tuple(rolls[8:10]), tuple(rolls[10:])
    return Corpus(
        "small", train, valid, test, 1, "made by the tests", content_sha256(train, valid, test), False, "", ""
    )


@pytest.fixture
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep this machine's data and cache out, and let every address be one where nobody listens."""
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name, spec in BENCHMARKS.items():
        sources = tuple(Source(f"http://127.0.0.1:9/{source.file}", source.sha256) for source in spec.sources)
        monkeypatch.setitem(BENCHMARKS, name, replace(spec, sources=sources))
