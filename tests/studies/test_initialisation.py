"""The experiment on starts, small: to the end, on after an interruption, and reported from what is stored."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lmn_music.errors import LmnMusicError, TrainingError
from lmn_music.formats import write_roll
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.training.recipe import load_recipe
from lmn_music.training.trainer import Trainer
from studies import initialisation_plan, initialisation_report
from studies.initialisation import Clock, corpus_of, run, train
from studies.initialisation_plan import (
    Plan,
    Training,
    dense_recipe,
    finals,
    names,
    parameters,
    timings,
    trials,
)
from tests.helpers import make_roll

SETTINGS = [*initialisation_plan.GRID]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def tunes(tmp_path):
    (tmp_path / "tunes").mkdir()
    for seed in range(10):
        write_roll(make_roll(16 + seed, seed, frames_per_quarter=2), tmp_path / "tunes" / f"{seed}.mid")
    return str(tmp_path / "tunes")


@pytest.fixture
def small_grid(monkeypatch):
    """One setting, two starts, small networks."""
    monkeypatch.setattr(initialisation_plan, "GRID", {SETTINGS[0]: initialisation_plan.GRID[SETTINGS[0]]})
    two = {start: initialisation_plan.STARTS[start] for start in ("laes", "orthogonal")}
    monkeypatch.setattr(initialisation_plan, "STARTS", two)
    monkeypatch.setattr(initialisation_plan, "AUTOENCODERS", ("laes",))
    monkeypatch.setattr(
        initialisation_plan, "COMMON", initialisation_plan.COMMON.replace("64", "6").replace("256", "12")
    )


def test_other_networks_have_as_many_parameters():
    for model in initialisation_plan.MODELS:
        if model.startswith("LMN"):
            continue
        lmn = "LMN-NADE" if model.endswith("NADE") else "LMN-B"
        ours, theirs = (
            parameters(dense_recipe("jsb", name, "orthogonal", SETTINGS[0], 1).model) for name in (lmn, model)
        )
        assert 0.98 * ours < theirs <= ours, model


def test_every_training_of_a_corpus_has_the_same_budget():
    plan = Plan()
    before = {"laes": 10.0, "pieces": 6.0, "feedback": 8.0}
    timed = timings(plan, None)
    speeds = {name: {"before": before.get(t.start, 0.0), "epoch": 2.5} for name, t in timed.items()}
    for name, timing in timed.items():
        if timing.start == "feedback":  # as if the machine had been twice as fast then
            speeds[name] = {"before": 4.0, "epoch": 1.25}
    assert len(speeds) == 4 * (3 * 3 + 6)
    planned = trials(plan, Path("runs"), None, speeds)
    cells = 3 * 6 + 6
    assert len(planned) == (3 * 4 + 2) * cells
    for training in planned.values():
        model = training.recipe.model
        assert training.recipe.laes_length == (model.window if training.start in ("pieces", "feedback") else 0)
        assert model.feedback == (training.start == "feedback")
        first_stage = before.get(training.start, 0.0)
        assert training.recipe.training.epochs == (initialisation_plan.SECONDS[training.corpus] - first_stage) // 2.5
    assert not any(training.test for training in planned.values())
    assert len({training.folder for training in planned.values()}) == len(planned)
    results = speeds | {
        name: {"valid_nll": 9.0 - SETTINGS.index(training.setting)} for name, training in planned.items()
    }
    last = finals(plan, Path("runs"), None, results)
    assert names(plan) == timed.keys() | planned.keys() | last.keys()
    dense = [training for training in last.values() if training.setting]
    assert {t.setting for t in dense if t.corpus != "muse"} == {SETTINGS[-1]}  # the best trial
    assert {t.setting for t in dense if t.corpus == "muse"} == {SETTINGS[2]}
    assert len(dense) == (5 + 3 + 3 + 3) * cells
    assert all(training.test for training in last.values())
    # Seed 1 of what is reported is the trial that was chosen, not one more training.
    assert {training.folder for training in dense if training.seed == 1} <= {t.folder for t in planned.values()}
    for corpus in ("jsb", "piano"):
        laes, other = (last[f"{corpus}, tied, {start}, seed 1"].recipe for start in ("laes", "orthogonal"))
        assert other.start == "orthogonal"
        assert other.training.epochs == laes.pretraining.epochs + laes.training.epochs


@pytest.mark.slow
@pytest.mark.usefixtures("small_grid")
def test_goes_on_after_an_interruption_and_reports(tunes, tmp_path):
    out, runs = tmp_path / "results", tmp_path / "runs"
    plan = Plan(models=("LMN-B", "GRU-NADE"), seconds={tunes: 1.0}, seeds={tunes: 2}, tied={})

    seen = []

    def interrupt_after_three(name, _result, _left):
        seen.append(name)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(out, runs, plan, done=interrupt_after_three)
    lefts = []
    results = run(out, runs, plan, done=lambda name, _, left: (seen.append(name), lefts.append(left)))
    assert len(seen) == len(set(seen)) == len(results) - 1 == 2 + 3 + 3 * 2
    assert lefts == list(range(2 + 3 + 3 * 2 - 4, -1, -1))
    assert results == json.loads((out / "initialisation.json").read_text())
    assert names(plan) == results.keys() - {"protocol"}
    for name, result in results.items():
        if name == "protocol":
            continue
        if "speed" in name:
            assert 0 < result["epoch"] < 1
            continue
        timed = results[f"{tunes}, {result['model']}, speed"]
        before = timed["before"] if result["start"] == "laes" else 0.0
        assert before > 0 or result["start"] != "laes"
        assert result["seconds"] == round(before + result["epochs"] * timed["epoch"], 1) <= 1, name
        assert result["epochs"] == int((1.0 - before) / timed["epoch"])
        assert result["first_stage"] == (2 if "laes" in name else 0)
        if "seed" not in name:
            assert "test_nll" not in result
    final, trial = (results[f"{tunes}, LMN-B, laes, {last}"] for last in ("seed 1", SETTINGS[0]))
    assert final["valid_nll"] == trial["valid_nll"] == pytest.approx(min(nll for *_, nll in final["curve"]), abs=1e-4)
    speed = results[f"{tunes}, LMN-B, speed"]
    assert final["curve"][0] == [2, round(speed["before"], 2), round(final["valid_nll_after"], 4)]
    assert final["curve"][1][:2] == [3, round(speed["before"] + speed["epoch"], 2)]
    headers = [load_checkpoint(folder).header for folder in runs.iterdir()]
    assert {(header.model.network, header.seed) for header in headers} == {
        (n, s) for n in ("lmn", "gru") for s in (1, 2)
    }

    tables = initialisation_report.tables(results)
    both = [results[f"{tunes}, LMN-B, laes, seed {seed}"]["test_nll"] for seed in (1, 2)]
    assert f"{np.mean(both):.3f} ± {np.std(both, ddof=1):.3f}" in tables["baselines"]
    assert "GRU-NADE" in tables["baselines"]
    assert "accuracy-threshold" not in tables  # which are of the benchmarks, beside published ones
    initialisation_report.draw(results, out)
    with Image.open(out / "starts.png") as image:
        assert image.width > 300
    before = (out / "starts.png").read_bytes()
    initialisation_report.draw(results, out)
    assert (out / "starts.png").read_bytes() == before

    # What was broken off is in no picture.
    broken = dict(results[f"{tunes}, LMN-B, laes, seed 1"], seed=3, failed="not finite")
    initialisation_report.draw(results | {"broken": broken}, out)
    assert (out / "starts.png").read_bytes() == before

    with pytest.raises(LmnMusicError, match="1 seconds"):
        run(out, runs, plan.model_copy(update={"seconds": {tunes: 0.5}}))
    with pytest.raises(LmnMusicError, match="another training: choose another --runs"):
        run(tmp_path / "other", runs, plan.model_copy(update={"seconds": {tunes: 0.5}}))
    with pytest.raises(LmnMusicError, match="over before"):
        run(tmp_path / "third", runs, plan.model_copy(update={"seconds": {tunes: 0.001}}))
    write_roll(make_roll(20, 10, frames_per_quarter=2), Path(tunes) / "10.mid")
    corpus_of.cache_clear()
    with pytest.raises(LmnMusicError, match="made with other songs than"):
        run(out, runs, plan)


def test_the_speed_is_that_of_the_last_stage():
    clock = Clock()
    for stage in ("unrolled", "unrolled", "lmn", "lmn"):
        clock.epoch({"stage": stage})
    assert len(clock.times) == 1 + 2


def test_a_training_that_fails_at_once_is_a_result(tunes, tmp_path, monkeypatch):
    """Its loss is not finite in the first epoch: of the unrolled model, and of a model without a first stage."""
    monkeypatch.setattr(
        initialisation_plan, "COMMON", initialisation_plan.COMMON.replace("64", "6").replace("256", "12")
    )

    def fail(_self, _songs):
        raise TrainingError("the loss is not finite")

    monkeypatch.setattr(Trainer, "_train_batch", fail)
    results = {}
    for start in ("laes", "orthogonal"):
        training = Training(
            corpus=tunes,
            data=None,
            model="LMN-B",
            start=start,
            setting=SETTINGS[0],
            seed=1,
            limit=2.0,
            before=1.0,
            epoch=0.5,
            test=True,
            folder=tmp_path / start,
            recipe=dense_recipe(tunes, "LMN-B", start, SETTINGS[0], 2),
        )
        results[start] = train(training)
        assert results[start]["failed"] == "the loss is not finite"
        assert results[start]["epochs"] == 0
    assert results["laes"]["valid_nll"] is None
    assert results["orthogonal"]["valid_nll"] > 0
    assert initialisation_report.tables(results) == {}
    initialisation_report.draw(results, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_recipe_of_the_study_of_pieces_is_that_of_the_experiment():
    study = load_recipe(
        str(ROOT / "benchmarks" / "recipes" / "short.toml"), ["pretraining.epochs=5", "training.epochs=33"]
    )
    assert study == dense_recipe("piano", "LMN-B", "laes", SETTINGS[0], 33)


def a_result(corpus, start, seed, curve, **figures):
    """What a training of an LMN-B leaves behind, as far as the tables need it."""
    return {
        **dict.fromkeys(("first_frame_excluded", "accuracy_sampled", "accuracy_thresholded"), 0.0),
        **{"corpus": corpus, "model": "LMN-B", "start": start, "seed": seed, "setting": SETTINGS[0], "limit": 60.0},
        **{"energy_kept": 0.5, "valid_nll_before": 9.0, "valid_nll_after": 9.5},
        **{"parameters": 1, "seconds": 60.0, "failed": None, "epochs": len(curve), "first_stage": 0},
        "curve": curve,
        "valid_nll": min(nll for *_, nll in curve),
        **figures,
    }


def test_other_networks_alone_make_tables_and_no_picture(tmp_path):
    results = {"one": {**a_result("jsb", "orthogonal", 1, [[1, 1.0, 9.0]], test_nll=9.1), "model": "GRU"}}
    assert "| jsb | GRU | 1 | 9.000 | 9.100 |" in initialisation_report.tables(results)["baselines"]
    initialisation_report.draw(results, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_accuracies_stand_beside_the_published_ones_of_their_own_definition():
    results = {
        str(seed): a_result(
            "muse", "laes", seed, [[1, 1.0, 7.0]], test_nll=7.1, accuracy_sampled=0.3, accuracy_thresholded=threshold
        )
        for seed, threshold in ((1, 0.4), (2, 0.42))
    }
    tables = initialisation_report.tables(results)
    of_samples, by_threshold = (tables[f"accuracy-{name}"].splitlines() for name in ("sampled", "threshold"))
    assert by_threshold[0] == "| model | muse | source |"
    assert by_threshold[2] == "| LMN-B, laes | 41.0 ± 1.4 | measured |"
    assert by_threshold[3] == "| LMN-B, memory pretrained (Bacciu et al. 2019) | 35.7 | unverified, from memory |"
    assert of_samples[2] == "| LMN-B, laes | 30.0 ± 0.0 | measured |"
    assert "| RNN (Boulanger-Lewandowski et al. 2012) | 23.25 | unverified, from memory |" in of_samples


def test_starts_are_compared_seed_by_seed_at_the_end_and_after_as_many_epochs():
    def training(start, seed, test_nll, first_stage, valid):
        curve = [[first_stage + n, 10.0 * n, nll] for n, nll in enumerate(valid, 1)]
        return a_result("jsb", start, seed, curve, test_nll=test_nll, first_stage=first_stage)

    results = {
        str(number): training(*run)
        for number, run in enumerate(
            [
                ("laes", 1, 8.0, 2, [8.6, 8.4]),  # in the same time an epoch less
                ("laes", 2, 8.2, 2, [8.5, 8.45]),
                ("orthogonal", 1, 8.1, 0, [8.7, 8.5, 8.3]),
                ("orthogonal", 2, 8.4, 0, [8.7, 8.4, 8.5]),
                ("delay", 1, 9.0, 0, [9.0]),  # one of two seeds so far
            ]
        )
    }
    # The LMN failed in its first epoch: what is there is what the autoencoder has handed over.
    results["failed"] = a_result("jsb", "pieces", 1, [[2, 5.0, 9.5]], epochs=0, first_stage=2, failed="not finite")
    tables = initialisation_report.tables(results)
    half = 12.706 * 0.05  # Student's t with one degree of freedom; the differences are -0.1 and -0.2
    assert (
        tables["paired"].splitlines()[0] == "| corpus | model | start | minus orthogonal | minus random | minus delay |"
    )
    (paired,) = tables["paired"].splitlines()[2:]
    assert paired.startswith(
        f"| jsb | LMN-B | laes | -0.150 ({-0.15 - half:+.3f} to {-0.15 + half:+.3f}), p 0.205 |  |"
    )
    assert "| laes | +0.075 (" in tables["paired-valid"]  # 8.4 - 8.3 and 8.45 - 8.4
    assert "| laes | -0.025 (" in tables["paired-epochs"]  # after two epochs: 8.4 - 8.5 and 8.45 - 8.4
    assert "| laes | **+2.0 (+2.0 to +2.0)** |" in tables["paired-speed"]
    assert "| 9.000 | laes | 2 of 2 | 3.0 ± 0.0 | 10.0 ± 0.0 |" in tables["speed"]
    assert "| 9.000 | orthogonal | 2 of 2 | 1.0 ± 0.0 | 10.0 ± 0.0 |" in tables["speed"]
    assert "| laes | +0.0 (+0.0 to +0.0) |" in tables["paired-seconds"]
    assert "| test likelihood | laes | 0 | 1 | 0 |" in tables["counts"]
    assert "| epochs to a given likelihood | laes | 0 | 0 | 1 (+2.0) |" in tables["counts"]
    assert "| test likelihood | jsb | laes | 0 | 1 | 0 |" in tables["counts-corpora"]
    assert "| jsb | LMN-B | laes | 50 ± 0 % | 9.000 ± 0.000 | 9.500 ± 0.000 | 8.425 ± 0.035 |" in tables["hand-over"]
    assert "| 3 | 2 ± 1 | 60 |" in tables["settings"]  # of orthogonal, best after 3 and 2 epochs
    broken = a_result("jsb", "orthogonal", 3, [[1, 9.0, 9.8]], test_nll=9.9, failed="not finite")
    with_broken = initialisation_report.tables(results | {"broken": broken})
    assert with_broken["speed"] == tables["speed"]  # no level that it reached
    assert "| 8.250 ± 0.212 |" in tables["starts"]
    assert "| 8.800 ± 0.964 |" in with_broken["starts"]  # (8.1 + 8.4 + 9.9) / 3: it counts
    gru = {f"gru {seed}": a_result("jsb", "orthogonal", seed, [[1, 5.0, 8.0]], test_nll=8.0) for seed in (1, 2)}
    others = initialisation_report.tables(results | {name: {**run, "model": "GRU"} for name, run in gru.items()})[
        "others"
    ]
    assert others.splitlines()[0] == "| corpus | model | minus RNN | minus GRU | minus LSTM |"
    assert "| jsb | LMN-B, laes |  | +0.100 (" in others  # 8.0 - 8.0 and 8.2 - 8.0
    assert "| jsb | LMN-B, orthogonal |  | +0.250 (" in others
    both = results | {name: {**run, "model": "GRU"} for name, run in gru.items()}
    assert "| 9.000 | GRU | 2 of 2 | 1.0 ± 0.0 | 5.0 ± 0.0 |" in initialisation_report.tables(both)["speed"]
    slow = {name: {**run, "model": "GRU", "curve": [[1, 5.0, 9.5]]} for name, run in gru.items()}
    assert "| 9.000 | GRU | 0 of 2 |  |  |" in initialisation_report.tables(results | slow)["speed"]
    tied = {name: {**result, "model": "tied", "limit": None} for name, result in results.items()}
    assert "| orthogonal | 2 of 2 | 1.0 ± 0.0 |  |" in initialisation_report.tables(tied)["speed"]
    assert "paired-seconds" not in initialisation_report.tables(tied)


def test_what_is_decided_is_counted_by_its_direction():
    def training(start, seed, **figures):
        return a_result("jsb", start, seed, [[1, 1.0, 9.0]], **{"test_nll": 8.0, **figures})

    results = {}
    for seed in (1, 2, 3):
        near = seed / 1000
        for start, test_nll, accuracy in (("laes", 8.0, 0.30), ("pieces", 8.3, 0.25), ("orthogonal", 8.1, 0.26)):
            figures = {"test_nll": test_nll + near, "accuracy_sampled": accuracy - near**2}
            results[f"{start} {seed}"] = training(start, seed, **figures)
        results[f"random {seed}"] = training("random", seed, test_nll=8.2 + near**2, accuracy_sampled=0.2)
        results[f"delay {seed}"] = training("delay", seed, test_nll=8.0 + (seed - 2) / 10, accuracy_sampled=0.3)
    tables = initialisation_report.tables(results)
    assert "| test likelihood | laes | 2 (-0.100 to -0.198) | 1 | 0 |" in tables["counts"]
    assert "| test likelihood | pieces | 0 | 0 | 3 (+0.102 to +0.302) |" in tables["counts"]
    assert "| accuracy, sampled | laes | 2 (+4.00 to +10.00) | 1 | 0 |" in tables["counts"]  # the greater the better
    assert "| jsb | LMN-B | **+0.300 (+0.300 to +0.300)** |  |  |" in tables["autoencoders"]
