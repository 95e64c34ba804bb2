"""With what an evaluation may be compared, and whether it can be trusted."""

import math
from dataclasses import replace

import pytest
import torch

from lmn_music.evaluation.dynamic import RATES
from lmn_music.evaluation.evaluate import evaluate
from lmn_music.models.build import build
from lmn_music.models.checkpoint import Checkpoint, Header
from lmn_music.models.config import ModelConfig
from lmn_music.training.folder import corpus_info


def trained_on(corpus):
    """Give a model (which nobody trained) that says that it was trained on the corpus."""
    config = ModelConfig(hidden_size=4, memory_size=4)
    header = Header(model=config, corpus=corpus_info(corpus), recipe={}, seed=1, command="", figures={"valid_nll": 1.0})
    return Checkpoint("model", build(config, torch.Generator().manual_seed(0)), header)


@pytest.mark.parametrize(
    ("trained", "read", "comparable"),
    [
        (("jsb", True), ("jsb", True), True),
        (("jsb", True), ("nottingham", True), False),
        (("jsb", True), ("jsb", False), False),  # a folder of that name
        (("jsb", False), ("jsb", True), False),
    ],
)
def test_comparable_is_one_benchmark_in_training_and_test(small_corpus, trained, read, comparable):
    checkpoint, corpus = (
        trained_on(replace(small_corpus, name=trained[0], comparable=trained[1])),
        replace(small_corpus, name=read[0], comparable=read[1]),
    )
    assert evaluate(checkpoint, corpus).comparable is comparable


def test_a_corpus_that_has_changed_is_noticed(small_corpus):
    changed = replace(small_corpus, sha256="0" * 64)
    assert evaluate(trained_on(small_corpus), small_corpus).corpus_unchanged
    assert not evaluate(trained_on(small_corpus), changed).corpus_unchanged
    assert evaluate(trained_on(small_corpus), replace(changed, name="other")).corpus_unchanged
    # The two verified files of a benchmark hold the same songs.
    benchmark = replace(small_corpus, comparable=True)
    assert evaluate(trained_on(benchmark), replace(benchmark, sha256="0" * 64)).corpus_unchanged


def test_songs_with_a_relative_in_training_are_left_out(small_corpus):
    copy = small_corpus.train[3].transposed(2)
    corpus = replace(small_corpus, test=(*small_corpus.test, copy))
    model = trained_on(corpus)
    without = evaluate(model, corpus).without_relatives
    assert (without.songs, without.left_out) == (2, 1)
    alone = evaluate(model, small_corpus)
    assert [without.nll, *without.nll_interval] == pytest.approx([alone.nll, *alone.nll_interval])
    assert alone.without_relatives.nll == alone.nll
    assert math.isnan(evaluate(model, replace(corpus, test=(copy,))).without_relatives.nll)
    assert evaluate(model, corpus, "train").without_relatives is None
    assert evaluate(model, replace(corpus, name="other")).without_relatives is None


def test_nothing_to_average_is_nan(small_corpus):
    short = replace(small_corpus, test=(small_corpus.test[0][:1],))
    result = evaluate(trained_on(small_corpus), short)
    assert math.isnan(result.nll_first_frame_excluded)
    assert '"nll_first_frame_excluded":null' in result.model_dump_json()


@pytest.mark.parametrize("dynamic", [False, True])
def test_every_song_counts_once_for_each_time_it_is_read(small_corpus, dynamic):
    calls = []
    model, songs = trained_on(small_corpus), len(small_corpus.test)
    evaluate(
        model, small_corpus, others=[model], dynamic=dynamic, progress=lambda *done_and_all: calls.append(done_and_all)
    )
    done, in_all = zip(*calls, strict=True)
    to_adapt = len(small_corpus.train) + len(RATES) * len(small_corpus.valid)
    assert set(in_all) == {3 * songs + dynamic * 2 * (to_adapt + songs)}
    assert list(done) == sorted(done)
    assert done[-1] == in_all[-1]
    assert {songs, 2 * songs, 3 * songs} <= set(done)
