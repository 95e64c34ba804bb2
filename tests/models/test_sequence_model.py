"""What every model promises: exact, causal, the same frame by frame as all at once."""

import math

import torch

from lmn_music.pianoroll import KEYS


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


def test_a_song_can_be_read_in_chunks(model, frames):
    whole, _ = model.log_prob(frames)
    first, state = model.log_prob(frames[:4])
    second, _ = model.log_prob(frames[4:], state.detached())
    torch.testing.assert_close(torch.cat([first, second]), whole)


def test_songs_of_a_batch_do_not_hear_each_other(model, frames):
    together, _ = model.log_prob(frames)
    for song in range(3):
        alone, _ = model.log_prob(frames[:, song : song + 1])
        torch.testing.assert_close(alone[:, 0], together[:, song])


def test_log_prob_sums_the_keys_of_the_context(model, frames):
    context, _ = model.contexts(frames, model.initial_state(3))
    p = model.output.marginals(context).double()
    expected = torch.where(frames.bool(), p.log(), (1 - p).log()).sum(dim=-1)
    torch.testing.assert_close(model.log_prob(frames)[0].double(), expected, rtol=1e-5, atol=1e-4)


@torch.no_grad()
def test_probabilities_of_all_frames_sum_to_one(model):
    """Over the 2^10 frames in which only ten keys may sound, given the others' silence."""
    context, _ = model.step(model.initial_state(1))
    ten = torch.tensor([[number >> bit & 1 for bit in range(10)] for number in range(1024)]).float()
    all_frames = torch.cat([ten, torch.zeros(1024, KEYS - 10)], dim=1)
    log_prob = model.output.log_prob(all_frames, context.expand(1024, -1))
    silent = torch.log1p(-model.output.marginals(context)[0, 10:]).sum()
    assert math.isclose(float(torch.logsumexp(log_prob, dim=0)), float(silent), abs_tol=1e-3)


@torch.no_grad()
def test_samples_come_as_often_as_log_prob_says(model):
    context, _ = model.step(model.initial_state(1))
    drawn = model.output.sample(context.expand(20_000, -1), temperature=1.0, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn.mean(dim=0), model.output.marginals(context)[0], atol=0.02, rtol=0)
    entropy = -model.output.log_prob(drawn, context.expand(20_000, -1)).mean()
    p = model.output.marginals(context)[0].double()
    assert math.isclose(
        float(entropy), float(torch.special.entr(p).sum() + torch.special.entr(1 - p).sum()), rel_tol=0.01
    )


@torch.no_grad()
def test_temperature_does_something(model):
    context = model.step(model.initial_state(1))[0].expand(2000, -1)
    spread = [
        float(model.output.sample(context, temperature=t, generator=torch.Generator().manual_seed(0)).var(dim=0).mean())
        for t in (0, 0.5, 1.0, 3.0)
    ]
    assert spread == sorted(spread)
    assert spread[0] == 0
