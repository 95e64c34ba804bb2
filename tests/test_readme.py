"""Every command and every program of the README and of the guides runs."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lmn_music.cli.main import app
from lmn_music.formats import write_roll
from tests.helpers import make_roll

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["README.md", "docs/guide.md", "docs/music.md", "docs/scale.md"]
# Trained as the pages say, but briefly; a dense model, where no other is asked for.
SHORT = "--start laes --epochs 1 --set pretraining.epochs=1 --set model.hidden_size=4 --set model.memory_size=8".split()  # noqa: SIM905


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_commands_in_their_order(page, benchmark_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LMN_MUSIC_DATA", str(benchmark_folder))
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "my" / "midi").mkdir(parents=True)
    for seed in range(8):
        write_roll(make_roll(40, seed, frames_per_quarter=4), tmp_path / "my" / "midi" / f"{seed}.mid")
    commands = [shlex.split(line, comments=True) for block in blocks(page, "sh") for line in block.splitlines()]
    # The studio serves until Ctrl-C: tests/studio starts it.
    commands = [command for command in commands if command[:1] == ["lmn-music"] and command != ["lmn-music", "studio"]]
    assert len(commands) >= 3
    for command in commands:
        extra = SHORT if command[1] == "train" else []
        if extra and "--baseline" not in command:
            extra = [*SHORT, "--recipe", "lmn"]
        result = CliRunner().invoke(app, command[1:] + extra)
        assert result.exit_code == 0, f"{shlex.join(command)}: {result.output}"
        for position, word in enumerate(command):
            if word == "--out" and "--count" not in command:
                assert Path(command[position + 1]).exists()


@pytest.mark.slow
@pytest.mark.parametrize(("page", "program"), [(page, program) for page in PAGES for program in blocks(page, "python")])
def test_programs(page, program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [line for line in program.splitlines() if line.strip()]
    assert len(lines) <= 10
    exec(compile(program, page, "exec"), {})  # noqa: S102


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        name
        for page in [*PAGES, "CONTRIBUTING.md"]
        for name in re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / page).read_text(), re.MULTILINE)
    }
    assert named >= {"song", "test", "docs"}
    assert named <= targets


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md", "docs/architecture.md", "docs/tied.md"])
def test_every_file_that_is_named_exists(page):
    paths = re.findall(r"`((?:lmn_music|studies|tests|docs|benchmarks)/[\w./]*)`", (ROOT / page).read_text())
    assert not [path for path in paths if not (ROOT / path.replace("ROOM", "formats")).exists()]
