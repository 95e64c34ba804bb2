"""`lmn-music experiment`, small: it measures, reports, and refuses what it cannot do before it begins."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

import studies.all
from studies.capacity_protocol import Protocol, Training
from studies.starts import GRID
from tests.cli.helpers import lmn_music

TRAINING = Training(sizes=(4,), seeds=1, gains=(0.1,), rates=(0.01,), trial=1, steps=1, batch=2, lags=2)
TINY = Protocol(corpora=(), sizes=(4,), seeds=1, frames=60, lags=6, shown=4, noise_inputs=2, training=TRAINING)


@pytest.mark.slow
def test_a_study_of_memories(monkeypatch):
    monkeypatch.setitem(studies.all.STUDIES, "capacity", replace(studies.all.STUDIES["capacity"], protocol=TINY))
    arguments = ("experiment", "run", "capacity", "--only", "LAES", "--only", "RNN", "--workers", "1")
    output = lmn_music(*arguments)
    assert "white noise, LAES: total" in output
    assert "(0 left, 0 min so far, about 0 more)" in output
    assert "| white noise |" in output
    assert (Path("runs") / "studies" / "capacity-sizes.png").is_file()
    assert lmn_music(*arguments).startswith("\ncapacity-total")  # all is there


@pytest.mark.slow
def test_a_study_of_trainings_and_its_report(tunes, monkeypatch):
    changes = "model.hidden_size=6 model.memory_size=12 model.readout=memory"
    small = replace(
        studies.all.STUDIES["starts"],
        conditions={("LMN-B", start): f"{changes} start={start}" for start in ("laes", "random")},
        recipes={str(tunes): "short pretraining.epochs=1"},
        seeds={str(tunes): 5},
        seconds={str(tunes): 0.5},
        grid={str(tunes): dict([*GRID.items()][:1])},
    )
    monkeypatch.setitem(studies.all.STUDIES, "starts", small)
    output = lmn_music("experiment", "run", "starts", "--seeds", "2", "--out", "results")
    assert "LMN-B, laes, speed (" in output
    assert "LMN-B, random, seed 2: valid_nll" in output
    assert "(0 left" in output
    page, other = Path("page.md"), Path("other.md")
    page.write_text("<!-- paired -->\n<!-- end -->\n")
    other.write_text("<!-- baselines -->\n<!-- end -->\n")
    told = lmn_music("experiment", "report", "--out", "results", "--page", "page.md", "--page", "other.md")
    assert "page.md is up to date" in told
    assert "| LMN-B | laes |" in page.read_text()
    assert "| LMN-B, laes | " in other.read_text()
    page.write_text("<!-- nonsense -->\n<!-- end -->\n")
    assert "asks for nonsense" in lmn_music("experiment", "report", "--out", "results", "--page", "page.md", code=2)


def test_an_interruption_says_that_nothing_is_lost(monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(studies.all, "run", interrupt)
    assert "the same command resumes" in lmn_music("experiment", "run", "capacity", code=130)


def test_every_study_is_listed():
    assert [line.split()[0] for line in lmn_music("experiment", "list").splitlines()] == [*studies.all.STUDIES]


def test_what_cannot_be_done_is_refused_at_once():
    assert "choose capacity" in lmn_music("experiment", "run", "nothing", code=2)
    assert "choose jsb, nottingham" in lmn_music("experiment", "run", "capacity", "--corpus", "bach", code=2)
    assert "choose LMN-A" in lmn_music("experiment", "run", "starts", "--only", "transformer", code=2)
    assert "run a study first" in lmn_music("experiment", "report", "--out", "nowhere", code=1)
    assert not Path("runs").exists()


def test_a_package_that_is_only_called_studies_is_not_ours(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "studies"]:
        monkeypatch.delitem(sys.modules, name)
    Path("studies").mkdir()
    Path("studies/__init__.py").write_text("")
    monkeypatch.syspath_prepend(".")
    assert "not part of an installed lmn-music" in lmn_music("experiment", "list", code=1)


@pytest.mark.parametrize("missing", ["studies", "studies.all", "pandas", "joblib"])
def test_where_the_studies_are_missing_one_line_says_where_they_are(monkeypatch, missing):
    for name in [name for name in sys.modules if name.partition(".")[0] in ("studies", "pandas")]:
        if missing != "joblib" or name.startswith("studies"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    output = lmn_music("experiment", "list", code=1)
    assert output.count("\n") == 1
    assert "run pip install -e '.[studies]' in a copy of its repository" in output
