"""The temperature of whole frames, against all frames of a keyboard so small that they can be counted."""

from functools import partial

import pytest
import torch

from lmn_music.generation.temperature import CANDIDATES, draw_frames
from lmn_music.models.outputs.nade import NADE
from lmn_music.models.outputs.output import FREE
from tests.models.helpers import all_frames

KEYS, COUNT = 4, 20_000
BEFORE = torch.tensor([1.0, 0, 0, 1]).double()


@pytest.fixture(scope="module")
def output():
    torch.manual_seed(0)
    output = NADE(5, keys=KEYS).double().eval()
    for parameter in output.parameters():
        torch.nn.init.normal_(parameter, std=0.8)
    return output


@pytest.fixture(scope="module")
def context(output):
    return torch.randn(output.context_size, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def drawn(output, context, temperature, count=COUNT, given=None, bonus=None):
    contexts, before = context.expand(count, -1), BEFORE.expand(count, -1)
    generator = torch.Generator().manual_seed(0)
    return draw_frames(output, contexts, before, temperature=temperature, generator=generator, given=given, bonus=bonus)


@torch.no_grad()
def frequencies(frames):
    return torch.bincount((frames.long() << torch.arange(KEYS)).sum(dim=1), minlength=2**KEYS).double() / len(frames)


def classes():
    frames = all_frames(KEYS)
    return frames.sum(dim=1) * 10 + (frames * (1 - BEFORE)).sum(dim=1)


@torch.no_grad()
def chances(output, context):
    return output.log_prob(all_frames(KEYS), context.expand(2**KEYS, -1)).exp()


@torch.no_grad()
@pytest.mark.parametrize("temperature", [0, 0.4, 1.0, 3.0])
def test_how_many_keys_sound_and_how_many_are_new_is_left_to_the_model(output, context, temperature):
    p, found = chances(output, context), frequencies(drawn(output, context, temperature).frames)
    for one in classes().unique():
        inside = classes() == one
        share = float(p[inside].sum())
        assert float(found[inside].sum()) == pytest.approx(share, abs=4.5 * (share * (1 - share) / COUNT) ** 0.5)


@torch.no_grad()
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_which_keys_sound_is_tempered(output, context, temperature, monkeypatch):
    """Within each class of frames p^(1/temperature); candidates are not endless, so up to a few hundredths."""
    monkeypatch.setattr("lmn_music.generation.temperature.CANDIDATES", 48)
    p, found = chances(output, context), frequencies(drawn(output, context, temperature).frames)
    for one in classes().unique():
        inside = classes() == one
        if float(p[inside].sum()) > 0.05:  # classes of which there are enough candidates
            tempered = p[inside] ** (1 / temperature)
            torch.testing.assert_close(
                found[inside] / found[inside].sum(), tempered / tempered.sum(), atol=0.05, rtol=0
            )


@torch.no_grad()
def test_at_1_it_is_the_model_and_at_0_the_likeliest_of_its_class(output, context):
    plain = output.draw(context.expand(9, -1), generator=torch.Generator().manual_seed(0))
    for one, other in zip(drawn(output, context, 1.0, count=9), plain, strict=True):
        assert torch.equal(one, other)
    p, found = chances(output, context), frequencies(drawn(output, context, 0).frames)
    for one in classes().unique():
        inside = (classes() == one).nonzero().flatten()
        if float(p[inside].sum()) > 0.2:
            best = inside[p[inside].argmax()]
            assert float(found[best]) == pytest.approx(float(found[inside].sum()), abs=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("temperature", [0, 0.5])
def test_what_is_given_stays_and_its_chance_is_estimated(output, context, temperature):
    given = torch.tensor([FREE, 1, FREE, 0])
    frames = all_frames(KEYS)
    p = chances(output, context)[((frames == given) | (given == FREE)).all(dim=1)].sum()
    found = drawn(output, context, temperature, count=2000, given=given)
    assert ((found.frames == given) | (given == FREE)).all()
    weight = found.log_weight.exp()
    assert float(weight.mean()) == pytest.approx(float(p), abs=4.5 * float(weight.std()) / 2000**0.5)
    assert (
        float(weight.std())
        < float(
            output.draw(context.expand(2000, -1), generator=torch.Generator().manual_seed(1), given=given)
            .log_weight.exp()
            .std()
        )
        / CANDIDATES**0.5
        * 1.2
    )


@torch.no_grad()
@pytest.mark.parametrize("temperature", [0, 0.5, 1])
def test_the_impossible_has_no_weight(temperature):
    output = NADE(5, keys=KEYS).double().eval()
    context = torch.zeros(output.context_size, dtype=torch.float64)
    context[5:] = -1e4  # no key ever sounds
    found = drawn(output, context, temperature, count=3, given=torch.ones(KEYS))
    assert (found.frames == 1).all()
    assert (found.log_weight < -1e3).all()


def first_key(frames, *, nats):
    """So many nats for frames in which the lowest key sounds."""
    return torch.where(frames[..., 0] > 0, nats, 0.0).to(frames)


@pytest.mark.parametrize("nats", [1.5, -2.0])
def test_a_bonus_makes_frames_likelier(output, context, nats):
    without = frequencies(drawn(output, context, 1).frames)
    found = frequencies(drawn(output, context, 1, bonus=partial(first_key, nats=nats)).frames)
    expected = without * torch.exp(first_key(all_frames(KEYS).double(), nats=nats))
    torch.testing.assert_close(
        found, expected / expected.sum(), atol=0.02, rtol=0
    )  # sixteen candidates, not all frames


@pytest.mark.parametrize("temperature", [0, 0.5, 1, 2])
def test_what_must_not_be_is_not_chosen_unless_nothing_else_is_there(output, context, temperature):
    found = drawn(output, context, temperature, count=1000, bonus=partial(first_key, nats=-torch.inf))
    assert not found.frames[:, 0].any()
    nothing = drawn(output, context, temperature, bonus=lambda frames: frames.new_full(frames.shape[:2], -torch.inf))
    assert torch.equal(
        nothing.frames, drawn(output, context, temperature, bonus=lambda frames: frames.sum(2) * 0).frames
    )


@pytest.mark.parametrize("temperature", [1, 2])
def test_a_given_key_without_a_chance_is_no_fault(temperature):
    output = NADE(5, keys=KEYS).eval()
    context = torch.zeros(output.context_size)
    context[5:] = 1e4  # every key sounds, always
    found = drawn(output, context, temperature, count=3, given=torch.zeros(KEYS), bonus=lambda frames: frames.sum(2))
    assert not found.frames.any()
