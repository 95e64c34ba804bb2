"""At full rank the LMN does what the unrolled model does; below it, nearly."""

import pytest
import torch

from lmn_music.evaluation.likelihood import frame_log_probs, nll_per_frame
from lmn_music.models.config import ModelConfig
from lmn_music.models.sequence_model import build
from lmn_music.training.pretraining import fit_memory, hand_over, some_songs

HIDDEN, WINDOW = 3, 4


DENSE = ModelConfig(hidden_size=HIDDEN, window=WINDOW, metre=(2,), output_hidden_size=7)


def unrolled(config, feedback):
    model = build(config.model_copy(update={"network": "unrolled", "feedback": feedback}))
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    with torch.no_grad():
        model.initial_memory.zero_()  # the empty window
    return model.double()


def fitted(source, songs, memory_size, *, centre=True):
    return fit_memory(source, songs, memory_size, centre=centre, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("feedback", [False, True])
@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize("readout", ["memory", "both"])
@pytest.mark.parametrize("output", ["bernoulli", "nade"])
def test_full_rank_reproduces_the_unrolled_model(feedback, centre, readout, output, small_corpus):
    dense = DENSE.model_copy(update={"output": output})
    source = unrolled(dense, feedback)
    songs = small_corpus.train
    full = HIDDEN * (max(map(len, songs)) + WINDOW - 1)
    memory = fitted(source, songs, full, centre=centre)
    assert memory.n_components < full  # these songs span less than they could: the rest of the memory is spare
    model = hand_over(source, memory, dense.model_copy(update={"memory_size": full, "readout": readout}))
    assert model.readout.weight.dtype == torch.float64
    for ours, theirs in zip(frame_log_probs(model, songs), frame_log_probs(source, songs), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-8)


@pytest.mark.parametrize("feedback", [False, True])
@pytest.mark.parametrize("readout", ["memory", "both"])
def test_full_rank_reproduces_the_unrolled_model_on_every_key(feedback, readout, small_corpus):
    """Of the tied architecture; the memory is fitted to some keys of each song, and serves all."""
    tied = ModelConfig(
        architecture="tied", output="nade", hidden_size=2, window=3, metre=(2,), output_hidden_size=5, readout=readout
    )
    source = unrolled(tied, feedback)
    songs = sorted(small_corpus.train, key=len)[:3]
    full = tied.hidden_size * (len(songs[-1]) + tied.window - 1)
    memory = fitted(source, songs, full)
    model = hand_over(source, memory, tied.model_copy(update={"memory_size": full}))
    for ours, theirs in zip(frame_log_probs(model, songs), frame_log_probs(source, songs), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)


def test_the_more_memory_the_nearer(small_corpus):
    source = unrolled(DENSE, feedback=True)
    goal = nll_per_frame(frame_log_probs(source, small_corpus.train))
    gaps = []
    for size in (4, 16, 64):
        memory = fitted(source, small_corpus.train, size)
        model = hand_over(source, memory, DENSE.model_copy(update={"memory_size": size}))
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
