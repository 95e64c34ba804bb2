"""A model that learns while it reads: causal, forgetful, and better where a song repeats itself."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from lmn_music.errors import UsageError
from lmn_music.evaluation.dynamic import RATES, STEP, DynamicEvaluation, every_nth
from lmn_music.evaluation.evaluate import evaluate
from lmn_music.evaluation.likelihood import frame_log_probs, nll_per_frame
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig
from lmn_music.music.pianoroll import PianoRoll
from tests.evaluation.test_evaluate import trained_on
from tests.helpers import make_roll

RATE = 0.01
CONFIGS = {
    "dense": ModelConfig(hidden_size=5, memory_size=6, metre=(2, 3), output_hidden_size=4, dropout=0.5),
    "tied": ModelConfig(
        architecture="tied", output="nade", hidden_size=5, memory_size=6, metre=(2,), output_hidden_size=4, dropout=0.5
    ),
}


@pytest.fixture(params=CONFIGS)
def model(request):
    return build(CONFIGS[request.param], torch.Generator().manual_seed(0))


@pytest.fixture
def reader(model, small_corpus):
    return DynamicEvaluation(model, small_corpus.train)


def test_without_learning_it_is_the_static_likelihood(model, reader, small_corpus):
    for dynamic, static in zip(
        reader.frame_log_probs(small_corpus.test, 0.0), frame_log_probs(model, small_corpus.test), strict=True
    ):
        assert dynamic == pytest.approx(static, rel=1e-6, abs=1e-5)  # float32, some 60 nats a frame


def test_no_score_depends_on_its_own_frame_or_a_later_one(reader):
    song = make_roll(5 * STEP, 3)
    before = reader.frame_log_probs([song], RATE)[0]
    for t in (2 * STEP - 1, 2 * STEP, 3 * STEP + 2):
        frames = song.frames.copy()
        frames[t:] = ~frames[t:]
        after = reader.frame_log_probs([PianoRoll(frames, 1)], RATE)[0]
        assert after[:t] == pytest.approx(before[:t], abs=1e-9)
        assert after[t] != pytest.approx(before[t], abs=1e-3)


def test_it_learns_from_every_chunk_but_not_before_its_end(model, reader):
    song = make_roll(4 * STEP, 3)
    static, dynamic = frame_log_probs(model, [song])[0], reader.frame_log_probs([song], RATE)[0]
    difference = np.abs(dynamic - static).reshape(-1, STEP).max(axis=1)
    assert difference[0] < 1e-4
    assert (difference[1:] > 1e-3).all()


def test_songs_are_forgotten_and_the_model_never_changes(model, reader, small_corpus):
    weights = deepcopy(model.state_dict())
    songs = list(small_corpus.test) + list(small_corpus.valid)
    forth, back = reader.frame_log_probs(songs, RATE), reader.frame_log_probs(songs[::-1], RATE)
    for one, other in zip(forth, back[::-1], strict=True):
        assert np.array_equal(one, other)
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, weights[name])
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_song_that_repeats_itself_is_learned(reader, model):
    song = PianoRoll(np.tile(make_roll(4, 7).frames, (30, 1)), 1)
    static = nll_per_frame(frame_log_probs(model, [song]))
    assert nll_per_frame(reader.frame_log_probs([song], RATE)) < static - 1


def test_the_rate_is_the_best_on_validation_songs(reader, small_corpus, monkeypatch):
    figures = {rate: nll_per_frame(reader.frame_log_probs(small_corpus.valid, rate)) for rate in RATES}
    assert figures[reader.choose_rate(small_corpus.valid)] == min(figures.values())
    monkeypatch.setattr("lmn_music.evaluation.dynamic.RATES", (1e-6, RATE, 1e-5))
    assert reader.choose_rate(small_corpus.valid) == RATE


def test_a_share_of_many_songs_is_enough():
    songs = [make_roll(10, seed) for seed in range(12)]
    assert every_nth(songs, 1000) == songs
    assert every_nth(songs, 40) == songs[::3]
    assert every_nth([], 40) == []


def test_without_songs_to_learn_from_there_is_none(model, reader):
    with pytest.raises(UsageError, match="training songs"):
        DynamicEvaluation(model, [])
    with pytest.raises(UsageError, match="validation songs"):
        reader.choose_rate([])


def test_it_is_reported_beside_the_single_model(small_corpus):
    one, two = trained_on(small_corpus), replace(trained_on(small_corpus), name="other")
    alone, adapted = evaluate(one, small_corpus), evaluate(one, small_corpus, others=[two], dynamic=True)
    assert adapted.model_copy(update={"ensemble": None, "dynamic": None, "dynamic_ensemble": None}) == alone
    reader = DynamicEvaluation(one.model, small_corpus.train)
    rate = reader.choose_rate(small_corpus.valid)
    assert adapted.dynamic.learning_rates == (rate,)
    assert adapted.dynamic.nll == nll_per_frame(reader.frame_log_probs(small_corpus.test, rate))
    # Two models that are the same are as good as one.
    assert adapted.ensemble.nll == pytest.approx(alone.nll)
    assert adapted.dynamic_ensemble.nll == pytest.approx(adapted.dynamic.nll)
    assert adapted.dynamic_ensemble.members == ("model", "other")
    assert [one.title for one in adapted.beyond] == [
        "ensemble of 2",
        "dynamic evaluation",
        "ensemble of 2, dynamic evaluation",
    ]
