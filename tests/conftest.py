"""What every test may use: the benchmark files, if they are on this machine."""

import os
from pathlib import Path

import pytest

BENCHMARK_FILES = ("JSB_Chorales.mat", "Nottingham.mat", "MuseData.mat", "Piano_midi.mat")


def find_benchmark_folder() -> Path | None:
    """Return the folder that holds the four benchmark files, or None."""
    candidates = [Path(os.environ["LMN_MUSIC_DATA"])] if os.environ.get("LMN_MUSIC_DATA") else []
    candidates.append(Path(__file__).resolve().parents[2] / "shared" / "corpora")
    for folder in candidates:
        if all((folder / name).is_file() for name in BENCHMARK_FILES):
            return folder.resolve()
    return None


@pytest.fixture(scope="session")
def benchmark_folder() -> Path:
    """Give the folder of the four benchmark files, or skip."""
    folder = find_benchmark_folder()
    if folder is None:
        pytest.skip("the benchmark files are neither in LMN_MUSIC_DATA nor in ../shared/corpora")
    return folder
