"""At full rank the LMN does what the unrolled model does; below it, nearly."""

import numpy as np
import pytest
import torch

from lmn_music.corpora.batches import collate
from lmn_music.errors import TrainingError
from lmn_music.evaluation.likelihood import frame_log_probs, nll_per_frame
from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig
from lmn_music.models.networks.multiscale import MultiScaleLMN
from lmn_music.training.autoencoders import fit_memory, hidden_sequences, key_chances, some_songs, start_from_inputs
from lmn_music.training.hand_over import hand_over, with_next_scale
from lmn_music.training.stages import UNROLLED

HIDDEN, WINDOW = 3, 4


DENSE = ModelConfig(hidden_size=HIDDEN, window=WINDOW, metre=(2,), output_hidden_size=7)


def unrolled(config, feedback):
    model = build(config.model_copy(update={"network": UNROLLED[config.network], "feedback": feedback}))
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    with torch.no_grad():
        model.initial_memory.zero_()  # the empty window
    return model.double()


def fitted(source, songs, memory_size, *, centre=True, length=0):
    generator = torch.Generator().manual_seed(0)
    return fit_memory(source, songs, memory_size, centre=centre, length=length, generator=generator)


@pytest.mark.parametrize(
    ("readout", "feedback"),
    [("memory", False), ("memory", True), ("both", False), ("both", True), ("hidden", True)],
)
@pytest.mark.parametrize("network", ["lmn", "gated-lmn"])
@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize("output", ["bernoulli", "nade"])
def test_full_rank_reproduces_the_unrolled_model(feedback, centre, readout, network, output, small_corpus):
    dense = DENSE.model_copy(update={"network": network, "output": output, "readout": readout})
    source = unrolled(dense, feedback)
    songs = small_corpus.train
    full = HIDDEN * (max(map(len, songs)) + WINDOW - 1)
    memory = fitted(source, songs, full, centre=centre)
    assert memory.n_components < full  # these songs span less than they could: the rest of the memory is spare
    model = hand_over(source, memory, dense.model_copy(update={"memory_size": full}))
    assert model.readout.weight.dtype == torch.float64
    for ours, theirs in zip(frame_log_probs(model, songs), frame_log_probs(source, songs), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-8)


@pytest.mark.parametrize(
    ("readout", "feedback"),
    [("memory", False), ("memory", True), ("both", False), ("both", True), ("hidden", True)],
)
@pytest.mark.parametrize("network", ["lmn", "gated-lmn"])
def test_full_rank_reproduces_the_unrolled_model_on_every_key(feedback, readout, network, small_corpus):
    """Of the tied architecture; the memory is fitted to some keys of each song, and serves all."""
    sizes = {"hidden_size": 2, "window": 3, "output_hidden_size": 5}
    tied = ModelConfig(architecture="tied", network=network, output="nade", metre=(2,), readout=readout, **sizes)
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


def test_spare_cells_learn_to_be_read(small_corpus):
    """What the autoencoder leaves over remembers, so that the weights that read it have a gradient."""
    config = DENSE.model_copy(update={"memory_size": 20, "feedback": True})
    source = unrolled(DENSE, feedback=True)
    memory = fitted(source, small_corpus.train, 20, length=WINDOW)
    spare = memory.n_components
    assert spare < 20
    memory.set_params(n_components=4)  # for another fit; what was fitted stays
    model = hand_over(source, memory, config)
    frames = collate(small_corpus.train, [1]).frames.double()
    model(frames)[0].sum().backward()
    for weight in (model.readout.weight, model.network.W_mh):
        assert not weight[:, spare:].any()
        assert weight.grad[:, spare:].abs().max(dim=0).values.min() > 0


@pytest.mark.parametrize("readout", ["memory", "hidden", "both"])
@pytest.mark.parametrize("output", ["bernoulli", "nade"])
def test_a_slower_memory_changes_no_output_where_it_is_put_in(readout, output, small_corpus):
    config = ModelConfig(
        network="ms-lmn", hidden_size=4, memory_size=5, readout=readout, metre=(2,), output=output, output_hidden_size=7
    )
    model = build(config, torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.constrain()
    model.double()
    songs = small_corpus.train
    for scales in (2, 3, 4):
        wider = with_next_scale(model, songs, centre=True, length=0)
        assert wider.config == config.model_copy(update={"scales": scales})
        assert isinstance(wider.network, MultiScaleLMN)
        assert wider.network.W_hm[-5:].any()  # the new cells do remember, and learn to be read
        for ours, theirs in zip(frame_log_probs(wider, songs), frame_log_probs(model, songs), strict=True):
            assert ours == pytest.approx(theirs, abs=1e-10)
        model = wider


@torch.no_grad()
def test_a_memory_of_short_pieces_holds_more_of_the_window_that_the_readout_reads(small_corpus):
    source, songs = unrolled(DENSE, feedback=False), small_corpus.train
    lost = []
    for length in (0, 2 * WINDOW):
        memory = fitted(source, songs, 6, length=length)
        lost.append(0.0)
        for h in hidden_sequences(source, songs, torch.Generator().manual_seed(0)):
            for t, state in enumerate(memory.transform(h)[WINDOW:], WINDOW):
                lost[-1] += np.square(memory.decode(state, WINDOW) - h[t - WINDOW + 1 : t + 1][::-1]).sum()
    assert lost[1] < 0.9 * lost[0]


@torch.no_grad()
def test_an_rnn_starts_as_the_autoencoder_of_its_inputs(small_corpus):
    config = ModelConfig(network="rnn", hidden_size=12, metre=(2,))
    songs, generator = small_corpus.train, torch.Generator().manual_seed(0)
    model = build(config, generator).double()
    inputs = []
    for roll in songs:
        before = torch.cat([torch.zeros(1, 1, 88), torch.from_numpy(roll.frames[:-1].copy()).unsqueeze(1)]).double()
        inputs.append(model.inputs(before, 0))
    start_from_inputs(model, songs, centre=True, length=0)
    states = [model.network.advance(x, model.initial_state(1).memory)[0][:, 0].numpy() for x in inputs]
    largest = np.sqrt(np.square(np.concatenate(states)).mean(axis=0).max())
    assert 0.3 < largest < 0.5  # a little below what it is without tanh

    memory = LinearAutoencoder(12).fit([x[:, 0].numpy() for x in inputs])
    model.network.load_autoencoder(memory, scale=1e-4)
    for x in inputs:
        h, _ = model.network.advance(x, model.initial_state(1).memory)
        np.testing.assert_allclose(h[:, 0].numpy(), 1e-4 * memory.transform(x[:, 0].numpy()), atol=1e-10)

    with pytest.raises(TrainingError, match="rank"):
        start_from_inputs(build(config.model_copy(update={"hidden_size": 900})), songs[:1], centre=True, length=0)


@torch.no_grad()
@pytest.mark.parametrize("changes", [{}, {"output_hidden_size": 0}, {"output": "nade"}])
def test_keys_start_as_likely_as_they_are(changes, small_corpus):
    songs = small_corpus.train
    model = build(DENSE.model_copy(update=changes), torch.Generator().manual_seed(0))
    chances = key_chances(songs)
    frames = np.concatenate([roll.frames for roll in songs])
    assert chances.numpy() == pytest.approx((frames.sum(axis=0) + 0.5) / (len(frames) + 1))
    before = nll_per_frame(frame_log_probs(model, songs))
    model.start_from_chances(chances)
    assert nll_per_frame(frame_log_probs(model, songs)) < before / 2
    for parameter in (model.readout.weight, *model.output.parameters()):  # all that depends on what is read
        if parameter.dim() > 1:
            parameter.zero_()
    share, p = frames.mean(axis=0), chances.double().numpy()
    expected = -(share * np.log(p) + (1 - share) * np.log(1 - p)).sum()
    assert nll_per_frame(frame_log_probs(model, songs)) == pytest.approx(expected, rel=1e-5)
