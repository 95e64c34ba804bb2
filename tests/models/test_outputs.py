"""The output models on keyboards so small that every frame can be counted."""

import pytest
import torch
from torch import nn

from lmn_music.models.outputs.bernoulli import BernoulliOutput
from lmn_music.models.outputs.nade import NADE
from lmn_music.models.outputs.output import FREE
from lmn_music.models.tied.matches import KINDS, signed
from lmn_music.models.tied.nade import TiedNADE
from lmn_music.music.pianoroll import KEYS
from tests.models.helpers import all_frames

SIX = 6
SAMPLES = 20
# Key 1 must sound, key 3 must be silent, and so on: all kinds, the lowest and the highest key among them.
GIVEN = {
    "some": (FREE, 1, FREE, 0, FREE, 1),
    "the lowest": (1, FREE, FREE, FREE, FREE, FREE),
    "the highest": (FREE, FREE, FREE, FREE, FREE, 0),
    "a silent run": (FREE, 1, 0, 0, 0, FREE),
    "none": (FREE,) * SIX,
    "all": (0, 1, 1, 0, 0, 1),
}


def drawn_weights(output):
    torch.manual_seed(0)
    for parameter in output.parameters():
        torch.nn.init.normal_(parameter, std=0.8)
    return output.double().eval()


@pytest.fixture(params=["NADE", "tied NADE", "with copies"])
def output_and_context(request):
    """An output model over six keys, and one context; the keys depend on each other strongly."""
    return small_output(request.param)


@pytest.fixture(params=["independent", "NADE", "tied NADE", "with copies"])
def any_output_and_context(request):
    return small_output(request.param)


def small_output(kind):
    generator = torch.Generator().manual_seed(3)
    if kind == "independent":
        return BernoulliOutput(), torch.randn(SIX, generator=generator, dtype=torch.float64)
    if kind == "NADE":
        output = drawn_weights(NADE(5, keys=SIX))
        return output, torch.randn(output.context_size, generator=generator, dtype=torch.float64)
    output = drawn_weights(TiedNADE(5, copies=4 if kind == "with copies" else 0))
    context = torch.randn(SIX, output.context_size, generator=generator, dtype=torch.float64)
    context[:, 5] = torch.tensor([1.0, 0, 0, 1, 1, 0])  # the frame before
    for weight in output.experts.parameters():
        weight.data *= 0.2  # there are many of them
    if kind == "with copies":  # five places of each kind, of which the lines hold one key each
        frames = (torch.rand(KINDS, 5, SIX, generator=generator) < 0.4).double()
        frames[2:] = nn.functional.one_hot(torch.randint(SIX, (2, 5), generator=generator), SIX).double()
        run = torch.randint(1, 20, (KINDS, 5), generator=generator)
        context[:, 6:] = torch.cat([signed(*kind) for kind in zip(frames, run, strict=True)], dim=-1)
    return output, context


@torch.no_grad()
def test_probabilities_of_all_frames_sum_to_one(output_and_context):
    output, context = output_and_context
    log_prob = output.log_prob(all_frames(SIX), context.expand(2**SIX, *context.shape))
    assert float(log_prob.exp().sum()) == pytest.approx(1, abs=1e-12)
    assert float(log_prob.exp().max()) < 0.9  # else the next tests show little


@torch.no_grad()
def test_every_frame_is_drawn_as_often_as_log_prob_says(output_and_context):
    output, context = output_and_context
    count = 50_000
    p = output.log_prob(all_frames(SIX), context.expand(2**SIX, *context.shape)).exp()
    generator = torch.Generator().manual_seed(0)
    drawn = output.draw(context.expand(count, *context.shape), generator=generator).frames
    number = (drawn.long() << torch.arange(SIX)).sum(dim=1)
    frequency = torch.bincount(number, minlength=2**SIX) / count
    assert ((frequency - p).abs() < 4.5 * (p * (1 - p) / count).sqrt() + 2 / count).all()


@torch.no_grad()
def test_chances_are_those_of_all_frames_on_average(output_and_context):
    output, context = output_and_context
    frames = all_frames(SIX)
    exact = output.log_prob(frames, context.expand(2**SIX, *context.shape)).exp() @ frames
    repeats = 500
    generator = torch.Generator().manual_seed(0)
    contexts = context.expand(SAMPLES, repeats, *context.shape)
    _, chances, _ = output.draw(contexts, generator=generator)
    estimates = chances.mean(dim=0)
    torch.testing.assert_close(estimates.mean(dim=0), exact, atol=4.5 * 0.5 / (SAMPLES * repeats) ** 0.5, rtol=0)
    torch.testing.assert_close(estimates[:, 0], exact[0].expand(repeats))  # the lowest key depends on no other
    error = (estimates - exact).square().mean(dim=0).sqrt()
    assert (error <= (exact * (1 - exact) / SAMPLES).sqrt()).all()  # no worse than counting draws


@torch.no_grad()
def test_chances_are_those_of_the_drawn_keys_below(output_and_context):
    output, context = output_and_context
    contexts = context.expand(50, *context.shape)
    frames, chances, _ = output.draw(contexts, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(chances, torch.sigmoid(output.logits(frames, contexts)))


@torch.no_grad()
@pytest.mark.parametrize("keys_per_pass", [1, 40, 1000])  # keys one by one, in blocks, all at once
def test_frames_are_drawn_as_key_by_key(output_and_context, keys_per_pass, monkeypatch):
    """Against the definition: every key by its own random number, given the keys below it."""
    output, context = output_and_context
    monkeypatch.setattr("lmn_music.models.outputs.output.KEYS_PER_PASS", keys_per_pass)
    contexts = context.expand(4, 5, *context.shape)
    drawn = output.draw(contexts, generator=torch.Generator().manual_seed(7)).frames
    uniform = torch.rand(SIX, 4, 5, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    frames = torch.zeros(4, 5, SIX, dtype=torch.float64)
    for key in range(SIX):
        chance = torch.sigmoid(output.logits(frames, contexts)[..., key])
        frames[..., key] = (uniform[key] < chance).double()
    assert torch.equal(drawn, frames)
    assert len(frames.flatten(0, 1).unique(dim=0)) > 5


@torch.no_grad()
@pytest.mark.parametrize("name", GIVEN)
def test_given_keys_stay_and_weights_estimate_how_likely_they_are(any_output_and_context, name):
    """Against all frames of the keyboard: p(given), and p(frame | given) of weighted draws."""
    output, context = any_output_and_context
    given, frames, count = torch.tensor(GIVEN[name]), all_frames(SIX), 20_000
    p = output.log_prob(frames, context.expand(2**SIX, *context.shape)).exp()
    p = torch.where(((frames == given) | (given == FREE)).all(dim=1), p, 0.0)

    contexts = context.expand(count, *context.shape)
    generator = torch.Generator().manual_seed(1)
    drawn, chances, log_weight = output.draw(contexts, generator=generator, given=given)
    assert torch.equal(drawn, torch.where(given == FREE, drawn, given.double()))
    torch.testing.assert_close(chances, torch.sigmoid(output.logits(drawn, contexts)))
    weight = log_weight.exp()
    error = float(weight.std()) / count**0.5
    assert float(weight.mean()) == pytest.approx(float(p.sum()), abs=4.5 * error + 1e-12)
    number = (drawn.long() << torch.arange(SIX)).sum(dim=1)
    estimate = torch.zeros(2**SIX, dtype=torch.float64).index_add(0, number, weight) / count
    assert ((estimate - p).abs() < 5 * (p * float(weight.max()) / count).sqrt() + 2 / count).all()


@torch.no_grad()
def test_what_is_given_whole_or_not_at_all_has_known_weights(any_output_and_context):
    output, context = any_output_and_context
    frames = all_frames(SIX)
    contexts = context.expand(2**SIX, *context.shape)
    whole = output.draw(contexts, generator=torch.Generator().manual_seed(0), given=frames)
    assert torch.equal(whole.frames, frames)
    torch.testing.assert_close(whole.log_weight, output.log_prob(frames, contexts))
    free = output.draw(contexts, generator=torch.Generator().manual_seed(0), given=torch.full((SIX,), FREE))
    plain = output.draw(contexts, generator=torch.Generator().manual_seed(0))
    for one, other in zip(free, plain, strict=True):
        assert torch.equal(one, other)
    assert not plain.log_weight.any()


@torch.no_grad()
@pytest.mark.parametrize("keys_per_pass", [1, 40])
@pytest.mark.parametrize("name", ["some", "a silent run"])
def test_given_keys_are_the_same_in_blocks(output_and_context, name, keys_per_pass, monkeypatch):
    output, context = output_and_context
    contexts, given = context.expand(4, 5, *context.shape), torch.tensor(GIVEN[name])
    at_once = output.draw(contexts, generator=torch.Generator().manual_seed(7), given=given)
    monkeypatch.setattr("lmn_music.models.outputs.output.KEYS_PER_PASS", keys_per_pass)
    in_blocks = output.draw(contexts, generator=torch.Generator().manual_seed(7), given=given)
    for one, other in zip(in_blocks, at_once, strict=True):
        torch.testing.assert_close(one, other)
    assert len(at_once.frames.flatten(0, 1).unique(dim=0)) > 1


def test_what_is_given_may_differ_from_frame_to_frame(output_and_context):
    output, context = output_and_context
    given = torch.full((300, SIX), FREE)
    given[:, 2] = torch.arange(300) % 2
    given[:, 3] = 0
    contexts = context.expand(300, *context.shape)
    drawn = output.draw(contexts, generator=torch.Generator().manual_seed(0), given=given)
    assert torch.equal(drawn.frames[:, 2:4], given[:, 2:4].double())
    torch.testing.assert_close(drawn.chances, torch.sigmoid(output.logits(drawn.frames, contexts)))


@pytest.mark.parametrize("value", [0.5, 2.0, -2.0, torch.nan])
def test_a_given_key_that_neither_sounds_nor_is_silent_nor_free_is_refused(any_output_and_context, value):
    output, context = any_output_and_context
    given = torch.tensor([FREE, 1.0, 0.0, FREE, FREE, value])
    with pytest.raises(ValueError, match=r"a given key is 1 \(sounds\), 0 \(is silent\) or -1 \(is drawn\)"):
        output.draw(context, generator=torch.Generator(), given=given)


@torch.no_grad()
@pytest.mark.parametrize("keys_per_pass", [1, 1000])
def test_chances_and_weights_are_of_one_and_the_same_draw(any_output_and_context, keys_per_pass, monkeypatch):
    """Also with dropout, where every pass has other units."""
    monkeypatch.setattr("lmn_music.models.outputs.output.KEYS_PER_PASS", keys_per_pass)
    output, context = any_output_and_context
    for module in output.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    given = torch.tensor(GIVEN["some"])
    torch.manual_seed(0)
    drawn = output.train().draw(context.expand(9, *context.shape), generator=torch.Generator(), given=given)
    chance = torch.where(drawn.frames > 0, drawn.chances, 1 - drawn.chances).log()
    torch.testing.assert_close(drawn.log_weight, chance.masked_fill(given == FREE, 0).sum(dim=1))


@torch.no_grad()
def test_no_frames_at_all_are_drawn_and_have_a_likelihood(any_output_and_context):
    output, context = any_output_and_context
    contexts = context.expand(0, *context.shape)
    drawn = output.draw(contexts, generator=torch.Generator(), given=torch.tensor(GIVEN["some"]))
    assert (drawn.frames.shape, drawn.log_weight.shape) == ((0, SIX), (0,))
    assert output.log_prob(drawn.frames, contexts).shape == (0,)


@torch.no_grad()
def test_in_half_precision_sums_over_keys_are_in_single_precision(any_output_and_context):
    output, context = any_output_and_context
    output, contexts = output.bfloat16(), context.bfloat16().expand(40, *context.shape)
    given = torch.tensor(GIVEN["some"])
    drawn = output.draw(contexts, generator=torch.Generator().manual_seed(0), given=given)
    assert drawn.frames.dtype == torch.bfloat16
    log_chance = torch.where(drawn.frames > 0, drawn.chances, 1 - drawn.chances).double().log()
    assert drawn.log_weight.dtype == torch.float32
    torch.testing.assert_close(
        drawn.log_weight.double(), log_chance.masked_fill(given == FREE, 0).sum(dim=1), rtol=1e-4, atol=1e-4
    )
    log_odds = output.logits(drawn.frames, contexts).double()
    expected = torch.nn.functional.logsigmoid(torch.where(drawn.frames > 0, log_odds, -log_odds)).sum(dim=1)
    log_prob = output.log_prob(drawn.frames, contexts)
    assert log_prob.dtype == torch.float32
    torch.testing.assert_close(log_prob.double(), expected, rtol=1e-5, atol=1e-5)


def test_nade_is_its_recurrence():
    """Against the recurrence over keys as it is written."""
    nade = drawn_weights(NADE(5, keys=SIX))
    frames = all_frames(SIX).view(8, 8, SIX)
    context = torch.randn(8, 8, nade.context_size, dtype=torch.float64)
    c, b = context[..., :5], context[..., 5:]
    logits = []
    for j in range(SIX):
        a = c + sum(frames[..., i, None] * nade.W[i] for i in range(j))
        logits.append((torch.relu(a) * nade.V[j]).sum(dim=-1) + b[..., j])
    expected = torch.stack(logits, dim=-1)
    torch.testing.assert_close(nade.logits(frames, context), expected)
    weight = torch.randn(8, 8, SIX, dtype=torch.float64)
    ours = torch.autograd.grad((nade.logits(frames, context) * weight).sum(), [nade.W, nade.V])
    theirs = torch.autograd.grad((expected * weight).sum(), [nade.W, nade.V])
    torch.testing.assert_close(ours, theirs)


def test_tied_nade_is_its_recurrence():
    """Against the definition, key by key; more keys than a key can read below it."""
    keys = 40
    output = drawn_weights(TiedNADE(5))
    generator = torch.Generator().manual_seed(0)
    frames, before = torch.randint(0, 2, (2, 3, keys), generator=generator).double()
    context = torch.cat([torch.randn(3, keys, 5, dtype=torch.float64), before.unsqueeze(-1)], dim=-1)
    W = output.below.weight
    for song in range(3):
        for key in range(keys):
            r = context[song, key, :5] + output.count.weight[min(15, int(frames[song, :key].sum()))]
            for distance in range(1, 37):
                if (below := key - distance) >= 0:
                    r = r + W[:, 36 - distance] * frames[song, below]
                    if distance <= 24:
                        r = r + W[:, 60 - distance] * (frames[song, below] - before[song, below])
            r = torch.relu(r)
            r = r + torch.relu(output.inner(r))
            logit = output.logits(frames, context)[song, key]
            torch.testing.assert_close(logit, output.logit(r).squeeze())


def test_independent_keys_have_exact_marginals():
    output = drawn_weights(BernoulliOutput(3))
    context = torch.randn(4, 3, dtype=torch.float64)
    _, p, _ = output.draw(context, generator=torch.Generator())
    silence = torch.zeros(4, KEYS, dtype=torch.float64)
    torch.testing.assert_close(output.log_prob(silence, context), (1 - p).log().sum(dim=1))
