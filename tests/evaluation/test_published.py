"""The figures of the literature carry their verification."""

from typing import get_args

import pytest

from lmn_music.evaluation.published import KIND_OF_OUTPUT, KINDS, TAGS, published_accuracies, published_rows
from lmn_music.models.config import ModelConfig


@pytest.mark.parametrize("corpus", ["jsb", "nottingham", "muse", "piano"])
def test_every_row_has_a_plausible_figure_and_a_tag(corpus):
    rows = published_rows(corpus)
    assert len(rows) >= 10
    for row in rows:
        assert 1 < row.figure(corpus) < 10
        assert row.tag_for(corpus) in TAGS


def test_single_figures_may_have_a_tag_of_their_own():
    (row,) = (row for row in published_rows("nottingham") if row.model.startswith("RNN-RBM"))
    assert (row.tag_for("nottingham"), row.tag_for("jsb")) == ("S", "M")


def test_unknown_corpora_have_no_figures():
    assert published_rows("chorales") == []


def test_only_those_who_say_it_say_over_which_frames():
    rows = [row for corpus in ("jsb", "nottingham") for row in published_rows(corpus)]
    stated = {frames: {row.model for row in rows if row.frames == frames} for frames in ("all", "not first")}
    assert {name.split(" (")[0] for name in stated["all"]} == {"RNN", "RNN-NADE", "RNN-RBM"}
    assert all("et al. 2012" in name for name in stated["all"])
    assert {name.split(" (")[0] for name in stated["not first"]} == {"LSTM", "GRU", "TCN", "Seq-U-Net"}


def test_each_output_of_ours_belongs_to_a_kind():
    assert set(get_args(ModelConfig.model_fields["output"].annotation)) == set(KIND_OF_OUTPUT)
    assert set(KIND_OF_OUTPUT.values()) <= set(KINDS)


def test_accuracies_keep_their_definition_and_their_tag():
    by_threshold, of_samples = (published_accuracies(definition) for definition in ("threshold", "sampled"))
    assert {row.model.partition(" (")[2] for row in by_threshold} == {"Bacciu et al. 2019)"}
    assert {row.model.partition(" (")[2] for row in of_samples} == {"Boulanger-Lewandowski et al. 2012)"}
    for row in by_threshold + of_samples:
        assert row.tag == "M"
        assert all(15 < row.figure(corpus) < 80 for corpus in ("jsb", "nottingham", "muse", "piano"))
