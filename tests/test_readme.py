"""Every command and every program of the README runs."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lmn_music.cli.main import app
from lmn_music.formats import write_roll
from tests.helpers import make_roll

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()
# Trained as the README says, but briefly.
SHORT = "--start laes --epochs 1 --set pretraining.epochs=1 --set model.hidden_size=4 --set model.memory_size=8".split()  # noqa: SIM905


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_commands_in_their_order(benchmark_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LMN_MUSIC_DATA", str(benchmark_folder))
    (tmp_path / "my" / "midi").mkdir(parents=True)
    for seed in range(8):
        write_roll(make_roll(40, seed, frames_per_quarter=4), tmp_path / "my" / "midi" / f"{seed}.mid")
    commands = [shlex.split(line, comments=True) for block in blocks("sh") for line in block.splitlines()]
    commands = [command for command in commands if command and command[0] == "lmn-music"]
    assert len(commands) >= 8
    for command in commands:
        extra = SHORT if command[1] == "train" else []
        result = CliRunner().invoke(app, command[1:] + extra)
        assert result.exit_code == 0, f"{shlex.join(command)}: {result.output}"
        for position, word in enumerate(command):
            if word == "--out" and "--count" not in command:
                assert Path(command[position + 1]).exists()


@pytest.mark.slow
@pytest.mark.parametrize("program", blocks("python"))
def test_programs(program):
    lines = [line for line in program.splitlines() if line.strip()]
    assert len(lines) <= 10
    exec(compile(program, "README.md", "exec"), {})  # noqa: S102
