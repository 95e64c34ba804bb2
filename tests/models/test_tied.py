"""What the pitch-tied model promises beyond what every model does."""

import pytest
import torch

from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig
from lmn_music.models.tied.model import MARGIN
from lmn_music.music.pianoroll import KEYS
from tests.models.helpers import CONFIGS, all_frames, generator_that_draws

NAMES = [name for name, config in CONFIGS.items() if config.architecture == "tied"]


def drawn(config: ModelConfig):
    model = build(config)
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    model.constrain()
    return model.double().eval()


def song_on(lowest, keys, time=8):
    """Two songs that use these keys alone."""
    frames = torch.zeros(time, 2, KEYS, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    frames[..., lowest : lowest + keys] = (torch.rand(time, 2, keys, generator=generator) < 0.3).double()
    frames[0, 0, [lowest, lowest + keys - 1]] = 1  # the outermost of them do sound
    return frames


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_on_a_small_keyboard_the_probabilities_of_all_songs_sum_to_one(name):
    """Over all songs of two frames on five keys, after a common beginning."""
    model = drawn(CONFIGS[name])
    state = model._state(1, 40, torch.ones(5, dtype=torch.float64))
    _, state = model.contexts(all_frames(5)[[1, 21, 30]].unsqueeze(1), state)
    context, after = model.step(state)
    first = all_frames(5)
    log_prob = model.output.log_prob(first, context.expand(32, -1, -1))
    total = 0.0
    for frame, p in zip(first, log_prob.exp().tolist(), strict=True):
        context, _ = model.step(after.saw(frame.unsqueeze(0)))
        second = model.output.log_prob(first, context.expand(32, -1, -1)).exp().sum()
        total += p * float(second)
    assert total == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("shift", [-7, 5])
@torch.no_grad()
def test_without_absolute_pitch_a_transposed_song_is_as_likely(shift):
    model = drawn(CONFIGS["tied"].model_copy(update={"absolute_pitch": False}))
    frames = song_on(30, 20)
    moved = frames.roll(shift, dims=2)
    here, there = (model.output.key_log_prob(x, model.contexts(x, model.initial_state(2))[0]) for x in (frames, moved))
    both = slice(max(0, -shift), KEYS - max(0, shift))
    torch.testing.assert_close(there.roll(-shift, dims=2)[..., both], here[..., both], rtol=0, atol=1e-9)

    def on_keys_in_use(x):  # the two keyboards' ends differ; the parts of them that the song uses do not
        lowest, keys = int(x.flatten(0, 1).any(dim=0).nonzero()[0]) - MARGIN, 20 + 2 * MARGIN
        return model(x, model._state(2, lowest, torch.ones(keys, dtype=torch.float64)))[0]

    torch.testing.assert_close(on_keys_in_use(moved), on_keys_in_use(frames), rtol=0, atol=1e-9)


@torch.no_grad()
def test_with_absolute_pitch_it_is_not():
    model = drawn(CONFIGS["tied"].model_copy(update={"absolute_pitch": True}))
    frames = song_on(30, 20)
    here, there = (model(x)[0] for x in (frames, frames.roll(5, dims=2)))
    assert ((here - there).abs() > 1e-3).all()


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_silent_keys_outside_change_nothing_inside(name):
    model = drawn(CONFIGS[name])
    frames = song_on(30, 20)
    whole = model.output.key_log_prob(frames, model.contexts(frames, model.initial_state(2))[0])
    part = frames[..., 27:53]
    state = model._state(2, 27, torch.ones(26, dtype=torch.float64))
    inside = model.output.key_log_prob(part, model.contexts(part, state)[0])
    torch.testing.assert_close(inside, whole[..., 27:53], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("lowest", "keys"), [(0, 5), (83, 5), (0, 88)])
def test_training_keeps_to_the_keyboard_at_its_ends(lowest, keys):
    frames = torch.zeros(3, 1, KEYS)
    frames[1, 0, [lowest, lowest + keys - 1]] = 1
    state = build(CONFIGS["tied"]).training_state(frames, generator_that_draws(1 / 8, 1))
    assert state.lowest == max(lowest - MARGIN, 0)
    assert state.lowest + len(state.weight) == min(lowest + keys + MARGIN, KEYS)


def test_a_silent_song_can_be_trained_on():
    model = drawn(CONFIGS["tied"])
    silence = torch.zeros(3, 1, KEYS, dtype=torch.float64)
    state = model.training_state(silence, generator_that_draws(1 / 8, 1))
    torch.testing.assert_close(model(silence, state)[0], model(silence)[0])
