"""Sweeps: trials of several processes in one folder, given up where they are worse, begun again after a kill."""

import csv
import signal
import subprocess
import sys
from pathlib import Path

import matplotlib
import optuna
import pytest

from lmn_music import api
from lmn_music.api.sweeping import open_study
from lmn_music.errors import LmnMusicError, UsageError
from lmn_music.formats import write_roll
from lmn_music.training.sweep import read_sweep
from tests.cli.helpers import lmn_music
from tests.helpers import make_roll

STUDY = """
corpus = "tunes"
recipe = "lmn"
changes = ["start=orthogonal", "model.memory_size=6", "model.output_hidden_size=4"]
epochs = 2
trials = 4
warmup = 0

[search]
"model.hidden_size" = [4, 6]
"training.learning_rate" = { low = 1e-4, high = 1e-2, log = true }
"training.batch_songs" = { low = 2, high = 6, step = 2 }
"""


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a study of twelve tunes, in the folder where it is."""
    monkeypatch.chdir(tmp_path)
    Path("tunes").mkdir()
    for seed in range(12):
        write_roll(make_roll(20 + seed, seed, frames_per_quarter=2), Path("tunes") / f"{seed}.mid")
    Path("study.toml").write_text(STUDY)
    return Path("study.toml")


def states(out: Path) -> list[str]:
    return [trial.state.name for trial in open_study(out).trials]


def test_the_command_finds_the_best_trial_and_says_what_came_of_all() -> None:
    background = matplotlib.rcParams["axes.facecolor"]
    output = lmn_music("sweep", "study.toml", "--out", "out", "--device", "cpu")
    assert states(Path("out")) == ["COMPLETE"] * 4
    rows = list(csv.DictReader(Path("out/trials.csv").read_text().splitlines()))
    values = [float(row["valid_nll"]) for row in rows]
    assert values == sorted(values)
    assert f"best of 4 trials: {values[0]:.4f}" in output
    assert {"history.png", "parallel.png"} <= {path.name for path in Path("out").iterdir()}
    assert matplotlib.rcParams["axes.facecolor"] == background  # later pictures look as before
    best = api.load_model(Path("out") / rows[0]["folder"])
    assert best.header.figures["valid_nll"] == values[0]
    assert str(best.header.recipe["model"]["hidden_size"]) == rows[0]["model.hidden_size"]
    again = lmn_music("sweep", "study.toml", "--out", "out", "--device", "cpu")
    assert "trial 0:" not in again  # nothing was left to do


def test_a_killed_worker_loses_no_more_than_its_trial() -> None:
    program = """
import os, signal
from lmn_music import api
from lmn_music.training.trainer import Trainer

ended = Trainer._end_epoch

def end(self, *given):
    ended(self, *given)
    if os.path.exists("out/trials") and len(os.listdir("out/trials")) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

Trainer._end_epoch = end
api.sweep("study.toml", "out", device="cpu")
"""
    killed = subprocess.run([sys.executable, "-c", program], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert states(Path("out")) == ["COMPLETE", "RUNNING"]
    best = api.sweep("study.toml", "out", device="cpu")
    assert best["done"] == 4
    assert states(Path("out")) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    lost, again = open_study(Path("out")).trials[1:3]
    assert again.params == lost.params
    assert again.user_attrs["folder"] == lost.user_attrs["folder"]  # where it resumes


def test_two_workers_share_the_trials() -> None:
    said: list[str] = []
    best = api.sweep("study.toml", "out", workers=2, device="cpu", on_trial=said.append)
    assert best["done"] == 4
    assert len(said) <= 4
    assert len({trial.user_attrs["folder"] for trial in open_study(Path("out")).trials}) == 4


def test_a_trial_that_is_worse_is_given_up(study: Path) -> None:
    out = Path("out")
    study.write_text(STUDY.replace("trials = 4", "trials = 6"))
    api.sweep(study, out, device="cpu", stop=lambda: True)  # makes the folder, and nothing else
    opened, config = open_study(out), read_sweep(study)
    spread = {
        "model.hidden_size": optuna.distributions.CategoricalDistribution((4, 6)),
        "training.learning_rate": optuna.distributions.FloatDistribution(1e-4, 1e-2, log=True),
        "training.batch_songs": optuna.distributions.IntDistribution(2, 6, step=2),
    }
    values = {"model.hidden_size": 4, "training.learning_rate": 1e-3, "training.batch_songs": 2}
    for number in range(config.trials - 1):  # better ones than there can be
        told = dict.fromkeys((1, 2), 0.1 * number)
        trial = optuna.trial.create_trial(
            value=0.1,
            params=values,
            distributions=spread,
            intermediate_values=told,
            user_attrs={"folder": "trials/other"},
        )
        opened.add_trial(trial)
    said: list[str] = []
    api.sweep(study, out, device="cpu", on_trial=said.append)
    assert [line.partition(";")[0] for line in said] == ["trial 5: given up"]
    assert states(out)[-1] == "PRUNED"


def test_values_that_do_not_fit_are_told_and_the_others_tried(study: Path) -> None:
    changed = STUDY.replace('"model.hidden_size" = [4, 6]', '"start" = ["delay", "laesy"]').replace(
        "epochs = 2", "epochs = 1"
    )
    study.write_text(changed.replace("trials = 4", "trials = 14"))  # all alike once in eight thousand times
    said: list[str] = []
    api.sweep(study, "out", device="cpu", on_trial=said.append)
    assert len(said) == 14
    assert 0 < sum('start "laesy" is not for network' in line for line in said) < 14


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('corpus = "tunes"', "trials"),
        (STUDY.replace("low = 2", "low = 9"), "low must be below high"),
        (STUDY.replace("warmup", "wormup"), "wormup"),
        ("corpus = ", "no TOML file"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(study: Path, text: str, message: str) -> None:
    study.write_text(text)
    with pytest.raises(UsageError, match=message):
        api.sweep(study, "out")
    assert not Path("out").exists()


def test_a_folder_of_something_else_is_refused(study: Path) -> None:
    api.sweep(study, "out", stop=lambda: True)
    study.write_text(STUDY.replace("epochs = 2", "epochs = 3"))
    with pytest.raises(UsageError, match="another study"):
        api.sweep(study, "out")
    with pytest.raises(UsageError, match="not empty"):
        api.sweep(study, "tunes")


def test_a_missing_package_is_one_line(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(LmnMusicError, match=r"pip install 'lmn-music\[scale\]'"):
        api.sweep(study, "out")
