"""A folder of tunes, a run trained on them, and the command itself."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lmn_music.cli.main import app
from lmn_music.rendering import write_roll
from tests.conftest import make_roll

TINY = ["--set", "model.hidden_size=6", "--set", "model.memory_size=8", "--set", "model.window=3"]
TINY += ["--set", "model.output_hidden_size=8", "--set", "pretraining.epochs=1", "--epochs", "2"]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def lmn_music(*arguments, code=0):
    """Run the command and return what it printed; a traceback fails the test."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result.output


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


def command():
    return str(Path(sys.executable).with_name("lmn-music"))
