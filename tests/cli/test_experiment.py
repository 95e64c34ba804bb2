"""`lmn-music experiment`, small: it measures, reports, and refuses what it cannot do before it begins."""

import json
from pathlib import Path

import pytest

from studies import capacity_inputs, initialisation_plan
from studies.capacity_inputs import Protocol, Training
from tests.cli.helpers import lmn_music


@pytest.mark.slow
def test_capacity(monkeypatch):
    training = Training(sizes=(4,), seeds=1, gains=(0.1,), rates=(0.01,), trial=1, steps=1, batch=2, lags=2)
    tiny = Protocol(corpora=(), sizes=(4,), seeds=1, frames=60, lags=6, shown=4, noise_inputs=2, training=training)
    monkeypatch.setattr(capacity_inputs, "FULL", tiny)
    output = lmn_music("experiment", "capacity", "--out", "results", "--workers", "1")
    assert "white noise, LAES: total" in output
    assert "0 left" in output
    assert "| white noise |" in output
    assert (Path("results") / "capacity-sizes.png").is_file()
    assert lmn_music("experiment", "capacity", "--out", "results").startswith("\ncapacity-total")  # all is there


@pytest.mark.slow
def test_initialisation_and_report(tunes, monkeypatch):
    setting, changes = next(iter(initialisation_plan.GRID.items()))
    monkeypatch.setattr(initialisation_plan, "GRID", {setting: changes})
    arguments = ("--corpus", str(tunes), "--model", "LMN-B", "--seconds", "0.5", "--seeds", "2")
    output = lmn_music("experiment", "initialisation", *arguments, "--out", "results", "--runs", "runs")
    assert "LMN-B, speed: epoch" in output
    assert "LMN-B, random, seed 2: valid_nll" in output
    assert "0 left" in output
    results = json.loads((Path("results") / "initialisation.json").read_text())
    assert len(results) == 1 + 3 + 6 + 6 * 2  # protocol, speeds, trials, seeds
    page = Path("page.md")
    page.write_text("<!-- paired -->\n<!-- end -->\n")
    other = Path("other.md")
    other.write_text("<!-- speed -->\n<!-- end -->\n")
    told = lmn_music("experiment", "report", "--out", "results", "--page", "page.md", "--page", "other.md")
    assert "page.md is up to date" in told
    assert "| LMN-B | pieces |" in page.read_text()
    assert "| 2 of 2 |" in other.read_text()
    page.write_text("<!-- nonsense -->\n<!-- end -->\n")
    assert "asks for nonsense" in lmn_music("experiment", "report", "--out", "results", "--page", "page.md", code=2)


@pytest.mark.parametrize("name", ["capacity", "initialisation"])
def test_an_interruption_says_that_nothing_is_lost(monkeypatch, name):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"studies.{name}.run", interrupt)
    assert "the same command goes on from there" in lmn_music("experiment", name, code=130)


def test_what_cannot_be_done_is_told_at_once():
    assert "choose jsb, nottingham" in lmn_music("experiment", "capacity", "--corpus", "bach", code=2)
    assert "choose LMN-A" in lmn_music("experiment", "initialisation", "--model", "transformer", code=2)
    assert "bach" in lmn_music("experiment", "initialisation", "--corpus", "bach", code=2)
    assert "run the experiment first" in lmn_music("experiment", "report", "--out", "nowhere", code=1)
    assert not Path("docs").exists()
