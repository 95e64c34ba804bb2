"""Studies of trainings: what the declarations plan, and a small one carried out to the end."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lmn_music.errors import TrainingError, UsageError
from lmn_music.formats import write_roll
from lmn_music.models.build import build
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.training.trainer import Trainer
from studies.all import STUDIES, part_of
from studies.engine import read, run
from studies.gated import STUDY_OF_GATES
from studies.starts import GRID, STUDY, TIED
from studies.training_study import TrainingStudy
from studies.training_task import Clock, TrainingTask, corpus_of
from tests.helpers import make_roll

SETTINGS = [*GRID]
SMALL = "model.hidden_size=6 model.memory_size=12"


def parameters(condition, setting=SETTINGS[0]):
    return sum(parameter.numel() for parameter in build(STUDY.recipe("jsb", condition, setting).model).parameters())


def test_other_networks_have_as_many_parameters():
    for model, start in STUDY.conditions:
        if not model.startswith("LMN"):
            lmn = "LMN-NADE" if model.endswith("NADE") else "LMN-B"
            assert 0.98 * parameters((lmn, start)) < parameters((model, start)) <= parameters((lmn, start)), model


def test_the_gated_lmns_have_as_many_parameters():
    for model, other in (("gated LMN", "LMN-B"), ("gated LMN-NADE", "LMN-NADE")):
        network = build(STUDY_OF_GATES.recipe("jsb", (model, "orthogonal")).model)
        of_gated = sum(parameter.numel() for parameter in network.parameters())
        assert of_gated == pytest.approx(parameters((other, "orthogonal")), rel=0.02)


@pytest.mark.usefixtures("benchmark_folder")
def test_every_training_of_a_corpus_has_the_same_budget(tmp_path):
    before = {"laes": 10.0, "pieces": 6.0, "feedback": 8.0}
    steps, count = STUDY.steps(tmp_path, None)
    rows, planned, reported = [], {}, {}
    for timings, trials, finals in zip(steps[::3], steps[1::3], steps[2::3], strict=True):
        timed = timings([])
        assert len(timed) == 3 * 3 + 6
        for name, task in timed.items():
            speed = {"before_seconds": before.get(task.levels["start"], 0.0), "epoch_seconds": 2.5}
            if task.levels["start"] == "feedback":  # as if the machine had been twice as fast then
                speed = {"before_seconds": 4.0, "epoch_seconds": 1.25}
            rows.append({"task": name, **speed})
        tried = trials(rows)
        rows += [{"task": name, "valid_nll": 9.0 - SETTINGS.index(task.setting)} for name, task in tried.items()]
        planned |= tried
        reported |= finals(rows)
    cells = 3 * 6 + 6
    assert len(planned) == (3 * 4 + 2) * cells
    assert len(reported) == (5 + 3 + 3 + 3) * cells
    assert count == len(rows) + len(reported)
    for task in planned.values():
        model, start = task.recipe.model, task.levels["start"]
        assert task.recipe.laes_length == (model.window if start in ("pieces", "feedback") else 0)
        assert model.feedback == (start == "feedback")
        limit = STUDY.seconds[task.levels["corpus"]]
        assert task.recipe.training.epochs == (limit - before.get(start, 0.0)) // 2.5
    assert not any(task.test or task.reported for task in planned.values())
    assert all(task.test and task.reported for task in reported.values())
    best = {corpus: {t.setting for t in reported.values() if t.levels["corpus"] == corpus} for corpus in STUDY.seeds}
    assert best == {"jsb": {SETTINGS[3]}, "piano": {SETTINGS[3]}, "nottingham": {SETTINGS[3]}, "muse": {SETTINGS[2]}}
    # Seed 1 of what is reported is the trial that was chosen, not one more training.
    assert len({task.folder for task in planned.values()}) == len(planned)
    assert {t.folder for t in reported.values() if t.seed == 1} <= {t.folder for t in planned.values()}


@pytest.mark.usefixtures("benchmark_folder")
def test_the_tied_model_has_as_many_epochs_from_every_start(tmp_path):
    steps, count = TIED.steps(tmp_path, None)
    found = {name: task for step in steps for name, task in step([]).items()}
    assert len(found) == count == 2 * 5 + 2 * 3
    for corpus in ("jsb", "piano"):
        laes, other = (found[f"{corpus}, tied, {start}, seed 1"].recipe for start in ("laes", "orthogonal"))
        assert other.start == "orthogonal"
        assert other.training.epochs == laes.pretraining.epochs + laes.training.epochs


@pytest.mark.parametrize("name", [name for name, study in STUDIES.items() if isinstance(study, TrainingStudy)])
def test_every_recipe_of_a_declaration_can_be_read(name):
    study = STUDIES[name]
    for condition, own in study.conditions.items():
        for corpus in study.recipes if isinstance(own, str) else own:
            assert study.recipe(corpus, condition, next(iter(study.grid.get(corpus, [""]))))


def test_the_study_of_pieces_has_the_recipe_of_the_study_of_starts():
    pieces = STUDIES["pieces"].recipe("piano", ("whole songs",))
    assert pieces == STUDY.recipe("piano", ("LMN-B", "laes"), SETTINGS[0], 33)


def test_a_part_of_a_study():
    part = part_of("starts", ["piano"], ["LMN-B", "GRU"], 2)
    assert part.seeds == {"piano": 2}
    assert part.only == ("LMN-B", "GRU")
    assert part_of("capacity", ["jsb"], ["LAES"], 1).protocol.inputs[2:] == ("rolls jsb", "activations jsb")
    for arguments in (("unknown",), ("starts", ["bach"]), ("starts", [], ["LMN-C"]), ("capacity", [], ["LMN-B"])):
        with pytest.raises(UsageError, match="choose"):
            part_of(*arguments)


@pytest.fixture
def tunes(tmp_path):
    (tmp_path / "tunes").mkdir()
    for seed in range(10):
        write_roll(make_roll(16 + seed, seed, frames_per_quarter=2), tmp_path / "tunes" / f"{seed}.mid")
    yield str(tmp_path / "tunes")
    corpus_of.cache_clear()


def test_a_yardstick_says_how_long_an_epoch_is_elsewhere(tunes):
    """Beside itself, a model takes the seconds that are known, as far as they can be measured."""
    changes = f"{SMALL} start=orthogonal"
    study = replace(
        STUDY,
        conditions={("LMN-B", "orthogonal"): changes},
        recipes={tunes: "short"},
        seeds={tunes: 1},
        seconds={tunes: 1000.0},
        grid={tunes: {"": ""}},
        yardsticks={("LMN-B", tunes): (changes, 100.0)},
    )
    (timings, trials, _), _ = study.steps(Path(tunes).parent / "out", None)
    ((name, task),) = timings([]).items()
    (row,) = task.measure()
    assert 25 < row["epoch_seconds"] < 400
    (training,) = trials([{"task": name, **row}]).values()
    assert training.recipe.training.epochs == 1000 // row["epoch_seconds"]


@pytest.fixture
def small(tunes):
    """One corpus, one setting, three conditions, small networks."""
    starts = {("LMN-B", start): f"model.readout=memory {SMALL} start={start}" for start in ("laes", "orthogonal")}
    gru = {("GRU-NADE", "orthogonal"): f"model.network=gru model.output=nade {SMALL} start=orthogonal"}
    return replace(
        STUDY,
        conditions=starts | gru,
        recipes={tunes: "short pretraining.epochs=2 model.output_hidden_size=8"},
        seeds={tunes: 2},
        seconds={tunes: 1.0},
        grid={tunes: {SETTINGS[0]: GRID[SETTINGS[0]]}},
    )


@pytest.mark.slow
def test_a_study_resumes_after_an_interruption_and_reports(small, tunes, tmp_path):
    out, seen, lefts = tmp_path / "results", [], []

    def interrupt_after_three(name, *_):
        seen.append(name)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(small, out, workers=1, done=interrupt_after_three)
    rows = run(small, out, workers=1, done=lambda name, _, left: (seen.append(name), lefts.append(left)))
    assert len(seen) == len(set(seen)) == len(rows) == 2 + 3 + 3 * 2
    assert lefts == list(range(2 + 3 + 3 * 2 - 4, -1, -1))
    assert rows == read(out / "starts.csv")
    named = {row["task"]: row for row in rows}
    for name, row in named.items():
        if row["kind"] == "speed":
            assert 0 < row["epoch_seconds"] < 1
            continue
        if row["kind"] == "trial":
            assert row["valid_nll"] > 0
            continue
        two_stages = row["start"] == "laes"
        assert (row["before_seconds"] > 0) == two_stages
        seconds = row["before_seconds"] + row["epochs"] * row["epoch_seconds"]
        assert row["seconds"] == pytest.approx(seconds, abs=0.051)
        assert row["epochs"] == int((1.0 - row["before_seconds"]) / row["epoch_seconds"]), name
        assert row["first_stage"] == (2 if two_stages else 0)
        assert ("seed" in name) == (row["test_nll"] is not None)
    final, trial = (named[f"{tunes}, LMN-B, laes, {last}"] for last in ("seed 1", SETTINGS[0]))
    assert final["valid_nll"] == trial["valid_nll"]
    assert final["valid_nll"] == pytest.approx(min(*final["curve"], final["valid_nll_after"]), abs=1e-4)
    assert len(final["unrolled"]) == 2
    assert final["valid_nll_before"] == pytest.approx(min(final["unrolled"]), abs=1e-4)
    headers = [load_checkpoint(folder).header for folder in (out / "starts").iterdir()]
    assert {(h.model.network, h.seed) for h in headers} == {(n, s) for n in ("lmn", "gru") for s in (1, 2)}

    tables = small.tables(rows)
    both = [named[f"{tunes}, LMN-B, laes, seed {seed}"]["test_nll"] for seed in (1, 2)]
    assert f"{np.mean(both):.3f} ± {np.std(both, ddof=1):.3f}" in tables["baselines"]
    assert "GRU-NADE" in tables["baselines"]
    assert "accuracy-threshold" not in tables  # which are of the benchmarks, beside published ones
    small.draw(rows, out)
    with Image.open(out / "starts.png") as image:
        assert image.width > 200
    before = (out / "starts.png").read_bytes()
    broken = {**named[f"{tunes}, LMN-B, laes, seed 1"], "seed": 3, "failed": "not finite"}
    small.draw([*rows, broken], out)  # what was broken off is in no picture
    assert (out / "starts.png").read_bytes() == before

    with pytest.raises(UsageError, match="by another protocol"):
        run(replace(small, seconds={tunes: 0.5}), out, workers=1)
    with pytest.raises(UsageError, match="over before LMN-B, laes has had an epoch"):
        run(replace(small, seconds={tunes: 0.001}), tmp_path / "third", workers=1)
    write_roll(make_roll(20, 10, frames_per_quarter=2), Path(tunes) / "10.mid")
    corpus_of.cache_clear()
    with pytest.raises(UsageError, match="by another protocol"):
        run(small, out, workers=1)


def test_a_study_without_a_grid_and_a_time(tunes, tmp_path):
    study = replace(
        STUDIES["ablation"],
        recipes={tunes: f"short pretraining.epochs=1 training.epochs=2 {SMALL}"},
        conditions={("full",): "", ("random start",): {tunes: "start=random training.epochs=3"}, ("no",): {"jsb": ""}},
        seeds={tunes: 1},
    )
    rows = run(study, tmp_path / "out", workers=1)
    assert [row["task"] for row in rows] == [f"{tunes}, full, seed 1", f"{tunes}, random start, seed 1"]
    tables = study.tables(rows)
    assert tables["ablation"].splitlines()[0] == "| corpus | ablation | seeds | valid_nll | epochs | minutes |"
    assert f"| {tunes} | random start | 1 | {rows[1]['valid_nll']:.3f} | 3 | 0.0 |" in tables["ablation"]
    assert f"| {tunes} | full | {rows[0]['unrolled'][0]:.2f} (" in tables["ablation-curves"]


def test_the_speed_is_the_speed_of_the_last_stage():
    clock = Clock("lmn")
    for stage in ("unrolled", "unrolled", "lmn", "lmn"):
        clock.epoch({"stage": stage})
    assert len(clock.times) == 1 + 2


def test_a_training_that_fails_at_once_is_a_result(small, tunes, tmp_path, monkeypatch):
    """Its loss is not finite in the first epoch: of the unrolled model, and of a model without a first stage."""

    def fail(_self, _songs):
        raise TrainingError("the loss is not finite")

    monkeypatch.setattr(Trainer, "_train_batch", fail)
    rows = {}
    for start in ("laes", "orthogonal"):
        task = TrainingTask(
            levels={"corpus": tunes, "model": "LMN-B", "start": start},
            setting=SETTINGS[0],
            seed=1,
            sha256="",
            recipe=small.recipe(tunes, ("LMN-B", start), SETTINGS[0], 2),
            before=1.0,
            epoch=0.5,
            test=True,
            reported=True,
            folder=tmp_path / start,
            data=None,
        )
        (rows[start],) = task.measure()
        assert rows[start]["failed"] == "the loss is not finite"
        assert rows[start]["epochs"] == 0
    assert "valid_nll" not in rows["laes"]
    assert rows["orthogonal"]["valid_nll"] > 0
    assert small.tables(list(rows.values())) == {}
    small.draw(list(rows.values()), tmp_path / "none")
    assert not (tmp_path / "none").exists()
