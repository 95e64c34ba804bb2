"""What `evaluate` says, and to whom it compares."""

import json
import re
from pathlib import Path

import pytest

from lmn_music.cli.evaluate import _print
from lmn_music.evaluation.figures import BeyondOneModel, Evaluation
from lmn_music.evaluation.published import published_rows
from lmn_music.formats import write_roll
from tests.cli.helpers import lmn_music
from tests.helpers import make_roll

JSB = Evaluation(
    model="[/bold]",
    kind="independent",
    trained_on="JSB_Chorales.mat (benchmark)",
    trained_frames_per_quarter=1,
    corpus="jsb",
    provenance="JSB_Chorales.mat (benchmark)",
    frames_per_quarter=1,
    split="test",
    comparable=True,
    corpus_unchanged=True,
    frames=4725,
    songs=77,
    nll=8.2,
    nll_interval=(8.0, 8.4),
    nll_first_frame_excluded=8.15,
    accuracy_sampled=0.3,
    accuracy_thresholded=0.3,
)


@pytest.mark.parametrize("corpus", ["jsb", "nottingham", "muse", "piano"])
def test_the_published_table_fits_a_terminal(corpus, capsys):
    _print(JSB.model_copy(update={"corpus": corpus, "provenance": f"{corpus}.mat (benchmark)"}))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 80
    # Every figure is there, by kind and in order; so is every note.
    _, independent, rest = "\n".join(lines).split("\nexact, ")
    dependent, estimates = rest.split("\nestimates")
    figures = [re.findall(r"^ +(\d+\.\d\d)  ", rows, re.MULTILINE) for rows in (independent, dependent, estimates)]
    assert sum(map(len, figures)) == len(published_rows(corpus)) + 2
    assert all(rows == sorted(rows) for rows in figures)
    assert {"8.15", "8.20"} <= set(figures[0])
    table, notes = "\n".join(lines).split("\n[1] ")
    assert set(re.findall(r"\[\d+\]$", table, re.MULTILINE)) == {"[1]", *re.findall(r"\[\d+\]", notes)}


def test_what_is_more_than_one_model_has_rows_of_its_own(capsys):
    figures = {"nll": 7.1, "nll_interval": (7.0, 7.2), "nll_first_frame_excluded": 7.05}
    mixed = BeyondOneModel(**figures, members=("jsb", "runs/other"))
    adapted = BeyondOneModel(**{**figures, "nll": 7.3}, members=("jsb",), learning_rates=(4e-4,))
    _print(JSB.model_copy(update={"ensemble": mixed, "dynamic": adapted}))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    start = lines.index("beyond one model with fixed weights, exact")
    assert lines[start + 1 : start + 6] == [
        "   7.10  all         *  ensemble of 2",
        "   7.05  not first   *  ensemble of 2",
        "   7.30  all         *  dynamic evaluation",
        "   7.05  not first   *  dynamic evaluation",
        "",
    ]
    # The rows of the single model are what they are without.
    assert [line for line in lines if line.endswith("this model")] == [
        "   8.15  not first   *  this model",
        "   8.20  all         *  this model",
    ]
    head = lines[: lines.index("jsb: nats per frame on the test split, lower is better")]
    assert {"ensemble of 2", "  runs/other", "dynamic evaluation"} <= set(head)
    assert "  learning rate 0.0004, chosen on the validation split" in head


def test_dynamic_evaluation_is_not_scored_on_what_chose_its_rate(run_folder):
    assert "test split only" in lmn_music("evaluate", run_folder, "--dynamic", "--split", "valid", code=2)


def test_ensemble_and_dynamic_evaluation(run_folder):
    alone = json.loads(lmn_music("evaluate", run_folder, "--json"))
    assert alone["ensemble"] is alone["dynamic"] is alone["dynamic_ensemble"] is None
    more = json.loads(lmn_music("evaluate", run_folder, "--with", "run/last.safetensors", "--dynamic", "--json"))
    assert {**more, "ensemble": None, "dynamic": None, "dynamic_ensemble": None} == alone
    assert more["ensemble"]["members"] == ["run", "run/last.safetensors"]
    assert more["ensemble"]["nll"] == pytest.approx(alone["nll"], abs=1)
    assert len(more["dynamic"]["learning_rates"]) == 1
    assert len(more["dynamic_ensemble"]["learning_rates"]) == 2
    output = lmn_music("evaluate", run_folder, "--dynamic")
    assert f"\ndynamic evaluation\n  learning rate {more['dynamic']['learning_rates'][0]:g}, chosen" in output
    assert f"\n  {more['dynamic']['nll']:.3f}  nats per frame" in output
    assert "ensemble" not in output


def test_an_ensemble_is_of_one_corpus(run_folder):
    assert "trained on the same songs" in lmn_music("evaluate", run_folder, "--with", "jsb", code=2)
    assert "there is no model 'nonsense'" in lmn_music("evaluate", run_folder, "--with", "nonsense", code=1)


def test_another_pace_is_said(capsys):
    _print(JSB.model_copy(update={"comparable": False, "corpus": "nottingham", "frames_per_quarter": 2}))
    output = " ".join(capsys.readouterr().out.split())
    assert "trained on 1 frame(s) per quarter note and reads 2 here" in output
    assert "NOT comparable" in output


def test_a_folder_that_has_changed_is_said(run_folder, tunes):
    assert "has changed" not in lmn_music("evaluate", run_folder)
    (tunes / "3.mid").unlink()
    assert "may have been TRAINED" in " ".join(lmn_music("evaluate", run_folder).split())
    assert json.loads(lmn_music("evaluate", run_folder, "--json"))["corpus_unchanged"] is False


def test_other_music_can_be_transposed_to_the_models_key(run_folder):
    Path("others").mkdir()
    for seed in range(4):
        write_roll(make_roll(30, seed + 50, frames_per_quarter=2), Path("others") / f"{seed}.mid")
    assert "transposed to C" not in lmn_music("evaluate", run_folder, "--corpus", "others")
    assert "transposed to C" in lmn_music("evaluate", run_folder, "--corpus", "others", "--to-c")
    assert "--to-c" in lmn_music("evaluate", run_folder, "--corpus", "chorales", "--to-c", code=2)
    assert "no corpus ''" in lmn_music("evaluate", run_folder, "--corpus", "", code=2)
