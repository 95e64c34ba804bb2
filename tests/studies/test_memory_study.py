"""The study of layers, in a form that takes seconds; what its tables and verdicts say of made-up results."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from studies import memory
from studies.all import part_of
from studies.engine import read, run
from studies.memory.layers import LAYERS, make
from studies.memory.protocol import QUICK, load
from studies.memory.report import tables, verdicts
from studies.memory.study import MemoryStudy
from studies.memory.synthetic import copying
from studies.memory.training import Cell, fit_readout, score, train

TINY = replace(QUICK, problems=("copy 10",), layers=("LMN, specialised", "LSTM"), seconds=0.02, trial=0.02, seeds=2)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(memory.training, "load", lambda *_: copying(3, (40, 10, 20)))


def test_a_study_measures_each_layer_once(tmp_path):
    study = MemoryStudy(TINY, "tiny")
    rows = run(study, tmp_path, workers=1)
    assert [(row["layer"], row["seed"]) for row in rows] == [("LMN, specialised", [1, 2]), ("LSTM", [1, 2])]
    for row in rows:
        assert len(row["start"]) == len(row["valid"]) == 2
        assert all(0 <= share <= 1 for share in row["test"])
        assert row["rate"] in TINY.rates
    assert run(study, tmp_path, workers=1) == rows == read(tmp_path / "tiny.csv")
    found = study.tables(rows)
    assert found.keys() == {f"tiny-{name}" for name in ("scores", "starts", "level", "sizes", "claims")}
    assert "| LSTM |" in found["tiny-scores"]
    study.draw(rows, tmp_path)
    assert (tmp_path / "tiny.png").exists()


def test_what_an_optimiser_spoils_is_not_kept():
    problem = copying(1, (60, 20, 30))
    model = make(LAYERS["LMN, orthogonal"], problem, 1000, 0)
    fit_readout(model, problem)
    before, at_start = score(model, problem.valid), score(model, problem.test)
    found = train(model, problem, 10.0, 0, 10, TINY)  # a rate at which nothing is learned
    assert found.curve[0] == before == max(found.curve)
    assert found.start == at_start == score(found.model, problem.test)


def test_a_training_learns_more_than_its_start():
    problem = copying(1, (300, 50, 100))
    model = make(LAYERS["LMN, laes"], problem, 2000, 0)
    fit_readout(model, problem)
    found = train(model, problem, 0.01, 0, 60, TINY)
    assert score(found.model, problem.test) > found.start + 0.1


def test_a_memory_with_a_mind_of_its_own_has_no_score():
    problem = copying(1, (10, 5, 5))
    model = make(LAYERS["RNN"], problem, 1000, 0)
    torch.nn.init.constant_(model.readout.bias, torch.nan)
    assert score(model, problem.test) == -1


def results(**layers):
    """Return rows of three problems and seeds: what a layer reaches, a little more with each seed."""
    return pd.DataFrame(
        [
            {
                **{"problem": problem, "layer": layer.replace("_", " ").replace("LMN ", "LMN, "), "seed": seed},
                **{"valid": value, "test": value + 0.01 * seed * (1 + number), "start": value},
                **{"level_steps": np.nan, "level_seconds": np.nan, "parameters": 10, "step_ms": 1.0, "rate": 0.1},
            }
            for number, (layer, values) in enumerate(layers.items())
            for problem, value in zip(("copy 10", "words", "laser"), values, strict=True)
            for seed in (1, 2, 3)
        ]
    )


def test_a_claim_holds_where_the_interval_over_problems_leaves_out_zero():
    lines = {
        line["claim"]: line
        for line in verdicts(results(LMN_laes=(0.9, 0.8, 0.85), LSTM=(0.5, 0.4, 0.4), S4D=(0.95, 0.2, 0.85)))
    }
    assert lines["the LMN is better than the LSTM"]["verdict"] == "holds"
    assert lines["the LMN is better than the LSTM"]["better"] == 3
    assert lines["the LMN is better than S4D"]["verdict"] == "open"
    assert "the LMN is better than the LRU" not in lines  # which was not measured
    turned = verdicts(results(LMN_laes=(0.5, 0.4, 0.4), LSTM=(0.9, 0.8, 0.85)))
    (line,) = [line for line in turned if line["claim"] == "the LMN is better than the LSTM"]
    assert (line["verdict"], line["worse"]) == ("does not hold", 3)


def test_the_best_of_several_is_chosen_by_validation():
    frame = results(LMN_laes=(0.5, 0.5, 0.5), LMN_delay=(0.9, 0.9, 0.9), LSTM=(0.7, 0.7, 0.7))
    frame.loc[frame["layer"] == "LMN, delay", "test"] = 0.0  # good on validation alone
    (line,) = [line for line in verdicts(frame) if line["claim"] == "the best LMN is better than the LSTM"]
    assert line["verdict"] == "does not hold"


def test_the_table_has_means_and_intervals():
    text = tables(results(LSTM=(0.5, 0.4, 0.4)))["scores"]
    assert text.splitlines()[-1] == "| LSTM | 0.52 ± 0.02 | 0.42 ± 0.02 | 0.42 ± 0.02 | 0.45 | 0.45 |"


def test_in_the_second_mean_each_kind_of_problem_counts_once():
    frame = results(LSTM=(0.0, 0.4, 0.8))
    frame = pd.concat([frame, frame[frame["problem"] == "copy 10"].assign(problem="copy 300")]).assign(
        test=frame["valid"]
    )
    assert tables(frame)["scores"].splitlines()[-1].endswith("| 0.30 | 0.40 |")


def test_parts_of_the_study():
    part = part_of("memory-quick", ["copy 100"], ["LSTM"], 1)
    steps, count = part.steps(None, None)
    assert (count, [*steps[0]([])]) == (1, ["copy 100, LSTM"])
    assert part.protocol.seeds == 1
    assert Cell(QUICK, "copy 100", "LSTM", None).name == "copy 100, LSTM"
    assert load("copy 100", None).test.x.shape == (119, 500, 10)
