"""A folder of tunes, and a run trained on them."""

from pathlib import Path

import pytest

from lmn_music.formats import write_roll
from tests.cli.helpers import TINY, lmn_music
from tests.helpers import make_roll


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def tunes():
    """Give a folder of MIDI files, one of them broken."""
    folder = Path("tunes")
    folder.mkdir()
    for seed in range(12):
        write_roll(make_roll(20 + seed, seed, frames_per_quarter=2), folder / f"{seed}.mid")
    (folder / "broken.mid").write_bytes(b"MThd and no more")
    return folder


@pytest.fixture
def run_folder(tunes):
    lmn_music("train", tunes, "--out", "run", *TINY)
    return Path("run")
