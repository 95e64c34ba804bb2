"""`lmn-music corpora`, run on its own."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lmn_music.cli.corpora import app
from lmn_music.corpora import BENCHMARKS
from lmn_music.corpora.benchmark_files import DATA_VARIABLE
from lmn_music.errors import CorpusUnavailableError, UsageError
from lmn_music.formats import read_score, write_roll
from tests.helpers import make_roll

pytestmark = pytest.mark.usefixtures("nothing_here")


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_listing_without_any_file() -> None:
    output = run()
    for text in ("JSB Chorales", "176561 train, 45513 valid, 44463 test", "Krueger", "ICML 2012", "not comparable"):
        assert text in output
    assert output.count("not on this machine") == 4
    # Paths and addresses are never broken, all else stays within 100 columns.
    assert all(len(line) <= 100 or " " not in line.strip() for line in output.splitlines())


def test_listing_names_the_files_found(benchmark_folder: Path) -> None:
    output = run("--data", benchmark_folder)
    assert f"{benchmark_folder / 'JSB_Chorales.mat'}\n" in output
    assert "not on this machine" not in output


def test_listing_works_without_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "gone"))
    output = run()
    assert " ".join(output.split()).count("which is not a folder") == 4  # lines are broken where the path is long
    assert "always there" in output


def test_listing_says_which_file_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "MuseData.mat").write_bytes(b"no music")
    output = run("--data", tmp_path)
    assert "MuseData.mat is not the benchmark's MuseData: its SHA-256 is" in " ".join(output.split())
    assert output.count("not on this machine") == 3


def test_data_belongs_after_the_command(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="after the command"):
        run("--data", tmp_path, "verify", "chorales")


def test_audit(benchmark_folder: Path, tmp_path: Path) -> None:
    output = run("audit", "jsb", "--data", benchmark_folder)
    assert re.search(r"^test, in train +77 +34 +0 +34 +0$", output, re.MULTILINE)
    assert len(output.partition("relative in train\n")[2].splitlines()) == 34
    assert all(len(line) <= 100 for line in output.splitlines())
    for seed in range(4):
        write_roll(make_roll(40, seed, frames_per_quarter=2), tmp_path / f"{seed}.mid")
    found = json.loads(run("audit", tmp_path, "--json"))
    assert found["relatives"] == []
    assert [kin["songs"] for kin in found["kin"]] == [2, 1, 1, 1, 1, 1]


def test_fetch(benchmark_folder: Path) -> None:
    assert run("fetch", "jsb", "--data", benchmark_folder) == f"jsb: {benchmark_folder / 'JSB_Chorales.mat'}\n"
    assert len(run("fetch", "all", "--data", benchmark_folder).splitlines()) == 5
    assert "nothing to fetch" in run("fetch", "chorales")


def test_fetch_says_when_the_file_is_elsewhere(
    benchmark_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(benchmark_folder))
    (tmp_path / "empty").mkdir()
    output = run("fetch", "jsb", "--data", tmp_path / "empty")
    assert output == f"jsb: {benchmark_folder / 'JSB_Chorales.mat'} ({tmp_path / 'empty'} does not hold it)\n"


def test_fetch_fails_with_advice() -> None:
    with pytest.raises(CorpusUnavailableError, match="`data`"):
        run("fetch", "jsb")
    with pytest.raises(UsageError, match="choose jsb"):
        run("fetch", "bach")


def test_verify(benchmark_folder: Path) -> None:
    output = run("verify", "--data", benchmark_folder)
    assert [line.split(":")[0] for line in output.splitlines() if ": right (" in line] == [*BENCHMARKS, "chorales"]


def test_verify_misses_what_was_asked_for_by_name() -> None:
    result = CliRunner().invoke(app, ["verify", "jsb"])
    assert (result.exit_code, result.output) == (1, "jsb: not on this machine\n")
    assert run("verify").count("not on this machine") == 4


def test_verify_finds_what_is_wrong(tmp_path: Path) -> None:
    for name in ("JSB_Chorales.mat", "JSB Chorales.pickle"):
        (tmp_path / name).write_bytes(b"no music")
    result = CliRunner().invoke(app, ["verify", "jsb", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert result.output.count("WRONG") == 2
    assert hashlib.sha256(b"no music").hexdigest()[:12] in result.output


@pytest.mark.slow
def test_show(tmp_path: Path) -> None:
    out = tmp_path / "roll.png"
    output = run("show", "chorales", "--song", 3, "--split", "valid", "--out", out)
    assert str(out) in output
    assert out.read_bytes().startswith(b"\x89PNG")


def test_show_refuses_what_there_is_not() -> None:
    with pytest.raises(UsageError, match="from 0 to 76"):
        run("show", "chorales", "--split", "test", "--song", 77)
    assert CliRunner().invoke(app, ["show", "chorales", "--split", "dev"]).exit_code == 2
    with pytest.raises(UsageError, match=r"roll\.txt"):
        run("show", "nottingham", "--out", "roll.txt")  # before the corpus is looked for


def test_show_a_folder_with_one_song_in_a_split(tmp_path: Path) -> None:
    for seed in range(3):
        write_roll(make_roll(20, seed, frames_per_quarter=2), tmp_path / f"{seed}.mid")
    with pytest.raises(UsageError, match="choose `number` 0, the only one"):
        run("show", tmp_path, "--split", "test", "--song", 1)
    run("show", tmp_path, "--split", "test", "--out", tmp_path / "song.npz")
    assert read_score(tmp_path / "song.npz").frames.sum() == 80


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom lmn_music.cli.corpora import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print({'torch', 'numpy', 'scipy', 'music21', 'pooch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
