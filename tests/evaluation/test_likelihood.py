"""Likelihoods with known answers."""

import math

import numpy as np
import pytest
import torch

from lmn_music.corpora import load_corpus
from lmn_music.evaluation import likelihood
from lmn_music.evaluation.likelihood import bootstrap_interval, frame_log_probs, nll_per_frame, shared_nll
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig
from lmn_music.models.interface import SequenceModel, State
from lmn_music.models.outputs.bernoulli import BernoulliOutput
from lmn_music.music.pianoroll import KEYS, PianoRoll
from lmn_music.processes import ALONE
from tests.helpers import make_roll


class Marginals(SequenceModel):
    """Each key sounds with its own fixed probability, whatever came before."""

    def __init__(self, probability):
        super().__init__()
        self.output = BernoulliOutput()
        self.logits = torch.nn.Parameter(torch.logit(torch.as_tensor(probability)))

    def initial_state(self, batch):
        return State(torch.zeros(batch, 0), torch.zeros(batch, KEYS), 0)

    def contexts(self, frames, state):
        return self.logits.expand(*frames.shape), State(state.memory, frames[-1], state.position + len(frames))

    def step(self, state):
        return self.logits.expand(len(state.previous), -1), state


@pytest.mark.parametrize(
    ("name", "all_frames", "first_left_out"),
    [("jsb", 11.06, 11.09), ("nottingham", 10.25, 10.26), ("muse", 11.51, 11.52), ("piano", 11.05, 11.05)],
)
@pytest.mark.slow
def test_the_marginal_model_gives_the_known_figures(name, all_frames, first_left_out, benchmark_folder):
    corpus = load_corpus(name, benchmark_folder)
    frames = np.concatenate([roll.frames for roll in corpus.train])
    model = Marginals(frames.mean(axis=0).clip(min=1e-7)).double()  # some keys are never played in training
    log_probs = frame_log_probs(model, corpus.test)
    assert sum(map(len, log_probs)) == sum(map(len, corpus.test))
    assert nll_per_frame(log_probs) == pytest.approx(all_frames, abs=0.005)
    assert nll_per_frame(log_probs, first_frame=False) == pytest.approx(first_left_out, abs=0.005)


def roll(*keys_of_frames):
    frames = np.zeros((len(keys_of_frames), KEYS), dtype=bool)
    for frame, keys in zip(frames, keys_of_frames, strict=True):
        frame[list(keys)] = True
    return PianoRoll(frames, 1)


def test_closed_form_on_a_corpus_made_by_hand():
    model = Marginals([0.25, 0.5] + [0.125] * 86).double()
    log_probs = frame_log_probs(model, [roll({0}, {1}, set()), roll({0, 1})])
    silent = 86 * math.log(0.875)
    expected = [[math.log(0.25 * 0.5), math.log(0.75 * 0.5), math.log(0.75 * 0.5)], [math.log(0.25 * 0.5)]]
    for song, values in zip(log_probs, expected, strict=True):
        assert song == pytest.approx(np.array(values) + silent)
    # Four frames in one flat list; without first frames only two of the first song are left.
    assert nll_per_frame(log_probs) == pytest.approx(-(2 * math.log(0.125) + 2 * math.log(0.375)) / 4 - silent)
    assert nll_per_frame(log_probs, first_frame=False) == pytest.approx(-math.log(0.375) - silent)


def test_padding_batching_and_chunks_change_nothing(small_corpus, monkeypatch):
    model = build(ModelConfig(hidden_size=6, memory_size=8, metre=(4,)), torch.Generator().manual_seed(0))
    songs = small_corpus.train
    together = frame_log_probs(model, songs)
    for batch_songs in (1, 3):
        for one, other in zip(together, frame_log_probs(model, songs, batch_songs=batch_songs), strict=True):
            assert one == pytest.approx(other, abs=1e-4)
    monkeypatch.setattr("lmn_music.evaluation.teacher_forcing.CHUNK", 7)
    for one, other in zip(together, frame_log_probs(model, songs), strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_nothing_to_average_is_nan():
    assert math.isnan(nll_per_frame([np.array([-3.0])], first_frame=False))


def test_the_bootstrap_resamples_whole_songs():
    same = [np.full(5, -2.0), np.full(50, -2.0)]
    assert bootstrap_interval(same) == pytest.approx((2.0, 2.0))
    generator = np.random.default_rng(0)
    songs = [np.full(10, -value) for value in generator.normal(8, 1, size=200)]  # songs differ, their frames do not
    low, high = bootstrap_interval(songs)
    assert low < nll_per_frame(songs) < high
    assert high - low == pytest.approx(2 * 1.96 / math.sqrt(200), rel=0.2)
    assert bootstrap_interval(songs) == (low, high)


def test_a_mean_over_many_songs_is_taken_block_by_block(monkeypatch):
    songs = [make_roll(5 + 3 * seed, seed) for seed in range(5)]
    model = build(ModelConfig(hidden_size=4, memory_size=5), torch.Generator().manual_seed(0))
    whole, done = shared_nll(model, songs, ALONE), []
    assert whole == nll_per_frame(frame_log_probs(model, songs))
    monkeypatch.setattr(likelihood, "_BLOCK", 2)
    parts = shared_nll(model, songs, ALONE, progress=lambda *counts: done.append(counts))
    assert parts == pytest.approx(whole, abs=1e-12)
    assert sorted(done) == done
    assert done[-1] == (5, 5)
