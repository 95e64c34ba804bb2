"""A mixture of models is a distribution, and the one that it is said to be."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from lmn_music.errors import UsageError
from lmn_music.evaluation.ensemble import check_members, mixture
from lmn_music.evaluation.evaluate import evaluate
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.models.build import build
from lmn_music.models.checkpoint import Checkpoint, Header
from lmn_music.models.config import ModelConfig
from lmn_music.music.pianoroll import KEYS, PianoRoll
from lmn_music.training.folder import corpus_info


def drawn(seed, **config):
    """Give a model with drawn weights, large enough that two of them differ."""
    model = build(ModelConfig(hidden_size=4, memory_size=5, **config), torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5, generator=torch.Generator().manual_seed(seed))
    model.constrain()
    return model


def trained_on(corpus, seed=0, name="model", **config):
    model = drawn(seed, **config)
    header = Header(
        model=model.config, corpus=corpus_info(corpus), recipe={}, seed=1, command="", figures={"valid_nll": 1.0}
    )
    return Checkpoint(name, model, header)


def test_of_one_model_it_is_that_model(small_corpus):
    log_probs = frame_log_probs(drawn(0), small_corpus.test)
    for mixed, alone in zip(mixture([log_probs]), log_probs, strict=True):
        assert mixed == pytest.approx(alone, abs=1e-12)


def test_of_two_it_is_the_mean_of_their_probabilities():
    one = [np.log([0.5, 0.25]), np.log([0.1])]
    two = [np.log([0.1, 0.75]), np.log([0.3])]
    mixed = mixture([one, two])
    assert np.exp(mixed[0]) == pytest.approx([0.3, 0.5])
    assert np.exp(mixed[1]) == pytest.approx([0.2])
    # Probabilities too small for a float are no reason for it to fail.
    assert mixture([[np.array([-2000.0])], [np.array([-2001.0])]])[0] == pytest.approx(
        -2000 + np.log((1 + np.exp(-1)) / 2)
    )


def test_the_probabilities_of_all_frames_sum_to_one():
    models = [drawn(seed) for seed in (0, 1)]
    free = [30, 41, 60]  # the other keys are silent for certain: 8 frames are left to sum over
    silent = [key for key in range(KEYS) if key not in free]
    for model in models:
        with torch.no_grad():
            model.readout.weight[silent] = 0
            model.readout.bias[silent] = -60
    past = np.zeros((3, KEYS), dtype=bool)
    past[0, free[:2]] = past[1, free[2]] = True
    songs = []
    for frame in itertools.product([False, True], repeat=len(free)):
        past[2, free] = frame
        songs.append(PianoRoll(past, 1))
    last = [song[2] for song in mixture([frame_log_probs(model, songs) for model in models])]
    assert np.exp(last).sum() == pytest.approx(1, abs=1e-6)
    assert np.exp(last).max() < 0.9  # not a sum of one frame


def test_models_of_other_songs_are_refused(small_corpus):
    first = trained_on(small_corpus)
    check_members([first, trained_on(small_corpus, 1)])
    # The two verified files of a benchmark hold the same songs.
    benchmark = replace(small_corpus, comparable=True)
    check_members([trained_on(benchmark), trained_on(replace(benchmark, sha256="0" * 64))])
    for other in (replace(small_corpus, name="other"), replace(small_corpus, sha256="0" * 64)):
        with pytest.raises(UsageError, match="trained on the same songs"):
            check_members([first, trained_on(other)])
        with pytest.raises(UsageError, match="trained on the same songs"):
            evaluate(first, small_corpus, others=[trained_on(other)])


def test_members_of_different_architectures_are_reported_beside_the_single_model(small_corpus):
    first, second = trained_on(small_corpus, name="a"), trained_on(small_corpus, 1, "b", readout="both", metre=(4,))
    alone, both = evaluate(first, small_corpus), evaluate(first, small_corpus, others=[second])
    assert alone.ensemble is None
    assert alone.beyond == []
    assert both.model_copy(update={"ensemble": None}) == alone
    assert both.ensemble.members == ("a", "b")
    assert both.ensemble.title == "ensemble of 2"
    mixed = mixture([frame_log_probs(one.model, small_corpus.test) for one in (first, second)])
    assert both.ensemble.nll == pytest.approx(-np.concatenate(mixed).mean())
    assert both.ensemble.nll_first_frame_excluded == pytest.approx(-np.concatenate([s[1:] for s in mixed]).mean())
    low, high = both.ensemble.nll_interval
    assert low <= both.ensemble.nll <= high
