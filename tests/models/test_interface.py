"""What every model promises: exact, causal, the same frame by frame as all at once."""

import math

import pytest
import torch
from torch import nn

from lmn_music.models.interface import CHUNK
from lmn_music.models.networks.unrolled import Unrolled
from lmn_music.music.pianoroll import KEYS
from tests.models.helpers import all_frames, generator_that_draws


def test_step_equals_contexts(model, frames):
    whole, last = model.contexts(frames, model.initial_state(3))
    state = model.initial_state(3)
    for t, frame in enumerate(frames):
        context, state = model.step(state)
        torch.testing.assert_close(context, whole[t])
        state = state.saw(frame)
    torch.testing.assert_close(state.memory, last.memory)
    torch.testing.assert_close(state.previous, last.previous)
    assert state.position == last.position == 11


def test_no_expectation_depends_on_its_own_frame_or_later_ones(model, frames):
    before, _ = model.contexts(frames, model.initial_state(3))
    for t in range(len(frames)):
        changed = frames.clone()
        changed[t:] = 1 - changed[t:]
        after, _ = model.contexts(changed, model.initial_state(3))
        assert torch.equal(before[: t + 1], after[: t + 1])
        assert not torch.allclose(before[t + 1 :], after[t + 1 :]) or t + 1 == len(frames)


@pytest.mark.parametrize("length", [1, 3, 4, 6])
def test_a_song_can_be_read_in_chunks(model, frames, length):
    whole, last = model(frames)
    state, parts = None, []
    for chunk in frames.split(length):
        part, state = model(chunk, state)
        state = state.detached()
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts), whole)
    torch.testing.assert_close(state.memory, last.memory)


def test_songs_of_a_batch_do_not_depend_on_each_other(model, frames):
    together, _ = model(frames)
    for song in range(3):
        alone, _ = model(frames[:, song : song + 1])
        torch.testing.assert_close(alone[:, 0], together[:, song])


def test_log_prob_sums_the_keys_of_the_context(model, frames):
    context, _ = model.contexts(frames, model.initial_state(3))
    p = torch.sigmoid(model.output.logits(frames, context)).double()
    expected = torch.where(frames.bool(), p.log(), (1 - p).log()).sum(dim=-1)
    torch.testing.assert_close(model(frames)[0].double(), expected, rtol=1e-5, atol=1e-4)


@torch.no_grad()
def test_selected_songs_continue_as_they_would_have(model, frames):
    """Picked, repeated and reordered, from contexts on: as if the batch had always been so."""
    songs = torch.tensor([2, 0, 2, 1])
    _, state = model.contexts(frames[:5], model.initial_state(3))
    selected, _ = model.contexts(frames[5:, songs], state.select(songs))
    _, state = model.contexts(frames[:5, songs], model.initial_state(4))
    expected, _ = model.contexts(frames[5:, songs], state)
    torch.testing.assert_close(selected, expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_probabilities_of_all_frames_sum_to_one(model, frames):
    """Over the 2^10 frames of the ten lowest keys: what the keys above them do makes no difference to these."""
    model.double()
    frames = frames.double()
    _, state = model.contexts(frames[:4, :1], model.initial_state(1))
    context, _ = model.step(state)
    ten = torch.cat([all_frames(10), frames[5, :1, 10:].expand(1024, -1)], dim=1)
    log_prob = model.output.key_log_prob(ten, context.expand(1024, *context.shape[1:]))[:, :10].sum(dim=1)
    assert math.isclose(float(torch.logsumexp(log_prob, dim=0)), 0, abs_tol=1e-9)


@torch.no_grad()
def test_samples_come_as_often_as_log_prob_says(model):
    """Each key, given the drawn keys below it; and the entropy."""
    count = 4000
    context, _ = model.step(model.initial_state(1))
    context = context.expand(count, *context.shape[1:])
    drawn = model.output.draw(context, generator=torch.Generator().manual_seed(0)).frames
    p = torch.sigmoid(model.output.logits(drawn, context)).double()
    torch.testing.assert_close(drawn.double().mean(dim=0), p.mean(dim=0), atol=2.2 / count**0.5, rtol=0)
    entropy = (torch.special.entr(p) + torch.special.entr(1 - p)).sum(dim=1).mean()
    assert math.isclose(float(-model.output.log_prob(drawn, context).mean()), float(entropy), rel_tol=0.01)


def test_every_weight_learns(model, frames):
    model.train()
    log_prob, _ = model(frames)
    log_prob.sum().backward()
    for name, parameter in model.named_parameters():
        if name == "own" or name.startswith("output.experts.1"):
            continue  # these enter while the model composes, and with songs at hand; they have tests of their own
        if parameter.requires_grad and parameter.numel():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name


def test_training_state_expects_the_whole_likelihood(model):
    """Over the numbers that it draws: below 1/8, and above."""
    model.double()
    frames = torch.zeros(9, 3, KEYS, dtype=torch.float64)
    frames[..., 30:40] = torch.randint(0, 2, (9, 3, 10), generator=torch.Generator().manual_seed(2)).double()

    def in_training(*bounds):
        first, state = model(frames[:4], model.training_state(frames, generator_that_draws(*bounds)))
        second, _ = model(frames[4:, :2], state.detached().select(slice(2)))  # the third song is over
        return torch.cat([first[:, :2], second])

    exact, _ = model(frames)
    expected = in_training(0, 1 / 8) / 8 + in_training(1 / 8, 1) * 7 / 8
    torch.testing.assert_close(expected, exact[:, :2], rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_hidden_states_of_a_long_song_are_read_in_chunks(model):
    if not isinstance(model.network, Unrolled):
        pytest.skip("only the unrolled network is asked for them")
    frames = (torch.rand(2 * CHUNK + 7, 2, KEYS, generator=torch.Generator().manual_seed(2)) < 0.1).float()
    whole, _ = model.recur(frames, model.initial_state(2))
    torch.testing.assert_close(model.hidden(frames), whole[..., : model.config.hidden_size])


@torch.no_grad()
def test_songs_of_one_frame_and_of_silence_have_a_likelihood(model):
    for song in (torch.zeros(1, 1, KEYS), torch.zeros(9, 1, KEYS), torch.ones(9, 1, KEYS)):
        log_prob, _ = model(song)
        assert log_prob.shape == song.shape[:2]
        assert (log_prob < 0).all()
        assert log_prob.isfinite().all()


@torch.no_grad()
def test_the_likelihood_is_the_same_read_key_by_key(model, frames):
    """Revealed one key at a time, so that nothing later or higher can be known: the same likelihood."""
    expected, _ = model(frames[:4, :1])
    state = model.initial_state(1)
    for frame, whole in zip(frames[:4, :1], expected, strict=True):
        context, state = model.step(state)
        known, total = torch.zeros_like(frame), 0.0
        for key in range(KEYS):
            logit = model.output.logits(known, context)[0, key]
            total += float(nn.functional.logsigmoid(logit if frame[0, key] else -logit))
            known[0, key] = frame[0, key]
        assert math.isclose(total, float(whole), rel_tol=1e-4)
        state = state.saw(frame)
