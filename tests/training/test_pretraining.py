"""At full rank the LMN does what the unrolled model does; below it, nearly."""

import pytest
import torch

from lmn_music.evaluation.likelihood import frame_log_probs, nll_per_frame
from lmn_music.models.config import ModelConfig
from lmn_music.models.dense import DenseModel
from lmn_music.training.pretraining import fit_memory, hand_over, some_songs

HIDDEN, WINDOW = 3, 4


def unrolled(feedback):
    config = ModelConfig(
        network="unrolled", hidden_size=HIDDEN, window=WINDOW, feedback=feedback, metre=(2,), output_hidden_size=7
    )
    model = DenseModel(config, torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    with torch.no_grad():
        model.initial_memory.zero_()  # the empty window
    return model.double()


@pytest.mark.parametrize("feedback", [False, True])
@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize("readout", ["memory", "both"])
def test_full_rank_reproduces_the_unrolled_model(feedback, centre, readout, small_corpus):
    source = unrolled(feedback)
    songs = small_corpus.train
    full = HIDDEN * (max(map(len, songs)) + WINDOW - 1)
    memory = fit_memory(source, songs, full, centre=centre)
    assert memory.n_components < full  # these songs span less than they could: the rest of the memory is spare
    config = ModelConfig(
        hidden_size=HIDDEN, memory_size=full, readout=readout, window=WINDOW, metre=(2,), output_hidden_size=7
    )
    model = hand_over(source, memory, config)
    assert model.readout.weight.dtype == torch.float64
    for ours, theirs in zip(frame_log_probs(model, songs), frame_log_probs(source, songs), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-8)


def test_the_more_memory_the_nearer(small_corpus):
    source = unrolled(feedback=True)
    goal = nll_per_frame(frame_log_probs(source, small_corpus.train))
    gaps = []
    for size in (4, 16, 64):
        memory = fit_memory(source, small_corpus.train, size, centre=True)
        model = hand_over(
            source, memory, ModelConfig(hidden_size=HIDDEN, memory_size=size, metre=(2,), output_hidden_size=7)
        )
        gaps.append(abs(nll_per_frame(frame_log_probs(model, small_corpus.train)) - goal))
    assert gaps[2] < gaps[1] < gaps[0]


def test_the_memory_is_fitted_to_whole_songs(small_corpus):
    songs = small_corpus.train
    chosen = some_songs(songs, 40, torch.Generator().manual_seed(0))
    assert all(any(song is other for other in songs) for song in chosen)
    assert 40 <= sum(map(len, chosen)) < 40 + max(map(len, songs))
    assert chosen == some_songs(songs, 40, torch.Generator().manual_seed(0))
    assert chosen != some_songs(songs, 40, torch.Generator().manual_seed(1))
    assert some_songs(songs, 10_000, torch.Generator()) == list(songs)
