"""The LMN layers, plain and gated: their equations, their gradients, their use."""

import pytest
import torch
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence, pad_sequence

from lmn_music.models.networks import gated_scan
from lmn_music.models.networks.gated import GatedLMN
from lmn_music.models.networks.gated_readout import gated_readout
from lmn_music.models.networks.gated_scan import gated, gated_step
from lmn_music.models.networks.lmn import LMN
from lmn_music.models.networks.scan import reference_scan, scan, scan_step

KINDS = {"plain": (scan, scan_step, torch.tanh, 1), "gated": (gated_scan.gated_scan, gated_step, gated, 2)}
both_kinds = pytest.mark.parametrize("kind", KINDS)


def weights(kind="plain", time=7, batch=3, hidden=4, memory=5):
    rows = KINDS[kind][3] * hidden
    shapes = [(time, batch, rows), (batch, memory), (rows, memory), (memory, hidden), (memory, memory), (memory,)]
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_() for shape in shapes]


@pytest.fixture(params=[LMN, GatedLMN])
def make(request):
    """Make a layer, all of whose weights are drawn."""

    def made(*sizes, **options):
        layer = request.param(*sizes, **options)
        for weight in layer.parameters():
            if weight.numel() and not weight.any():
                torch.nn.init.normal_(weight)
        return layer

    return made


@both_kinds
def test_scan_follows_the_equations(kind):
    u, m, W_mh, W_hm, W_mm, b_m = weights(kind)
    run, _, activation, _ = KINDS[kind]
    hs, ms = run(u, m, W_mh, W_hm, W_mm, b_m)
    for t in range(len(u)):
        h = activation(u[t] + m @ W_mh.T)
        m = h @ W_hm.T + m @ W_mm.T + b_m
        torch.testing.assert_close(hs[t], h)
        torch.testing.assert_close(ms[t], m)


def test_the_gated_units_are_gated():
    h = gated(torch.tensor([0.3, -2.0, 50.0, 1.0, 0.0, -0.5]))
    torch.testing.assert_close(h, torch.tensor([0.3, -2.0, 50.0]).tanh() * torch.tensor([1.0, 0.0, -0.5]).sigmoid())


@both_kinds
@pytest.mark.parametrize("block", [1, 50, 1 << 15])  # numbers of which the gated scan makes the derivatives at once
@pytest.mark.parametrize("asked", ["h", "m", "h and m"])
@pytest.mark.parametrize("time", [1, 2, 7])
def test_scan_has_the_gradients_of_the_plain_loop(kind, block, asked, time, monkeypatch):
    monkeypatch.setattr(gated_scan, "BLOCK", block)
    arguments = weights(kind, time)
    upstream = torch.Generator().manual_seed(1)
    gradients = []
    run, step, _, _ = KINDS[kind]
    for h, m in (run(*arguments), reference_scan(*arguments, step=step)):
        weight_h = torch.randn(h.shape, dtype=h.dtype, generator=upstream.manual_seed(1))
        weight_m = torch.randn(m.shape, dtype=m.dtype, generator=upstream)
        losses = {"h": (h * weight_h).sum(), "m": (m * weight_m).sum()}
        loss = sum(losses[name] for name in asked.split(" and "))
        gradients.append(torch.autograd.grad(loss, arguments, materialize_grads=True))
    for ours, plain in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, plain)


@both_kinds
def test_weights_that_do_not_learn_change_no_other_gradient(kind):
    u, m, *frozen = weights(kind)
    run = KINDS[kind][0]
    learning, alone = (
        torch.autograd.grad(run(u, m, *each)[1].sum(), (u, m)) for each in (frozen, [w.detach() for w in frozen])
    )
    for one, other in zip(learning, alone, strict=True):
        assert torch.equal(one, other)


@both_kinds
def test_scan_has_numerically_right_gradients(kind):
    assert torch.autograd.gradcheck(KINDS[kind][0], weights(kind, time=3))


@pytest.mark.parametrize("readout", ["memory", "hidden", "both"])
def test_step_equals_forward(readout, make):
    layer = make(6, 4, 5, readout=readout)
    x = torch.randn(9, 3, 6)
    output, last = layer(x)
    assert output.shape == (9, 3, layer.output_size)
    m = layer.initial_state(3)
    for t in range(9):
        out, m = layer.step(x[t], m)
        torch.testing.assert_close(out, output[t])
    torch.testing.assert_close(last[0], m)


def test_it_is_used_like_nn_lstm(make):
    layer, lstm = make(6, 4, 4, readout="memory", batch_first=True), torch.nn.LSTM(6, 4, batch_first=True)
    x = torch.randn(3, 9, 6)
    ours, theirs = layer(x), lstm(x)
    assert ours[0].shape == theirs[0].shape
    assert ours[1].shape == theirs[1][0].shape
    packed = pack_sequence([torch.randn(length, 6) for length in (2, 5, 3)], enforce_sorted=False)
    ours, theirs = layer(packed), lstm(packed)
    assert ours[0].data.shape == theirs[0].data.shape
    torch.testing.assert_close(pad_packed_sequence(ours[0])[1], pad_packed_sequence(theirs[0])[1])


def test_a_batch_can_be_cut_in_time(make):
    layer = make(6, 4, 5)
    x = torch.randn(9, 3, 6)
    whole, last = layer(x)
    first, state = layer(x[:4])
    second, state = layer(x[4:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(state, last)


@pytest.mark.parametrize("lengths", [(2, 5, 3), (5, 3, 2)])
def test_packed_sequences_are_each_run_alone(lengths, make):
    layer = make(6, 4, 5)
    sequences = [torch.randn(length, 6) for length in lengths]
    packed, last = layer(pack_sequence(sequences, enforce_sorted=False))
    padded, out_lengths = pad_packed_sequence(packed)
    assert tuple(out_lengths) == lengths
    for index, sequence in enumerate(sequences):
        alone, state = layer(sequence.unsqueeze(1))
        torch.testing.assert_close(padded[: len(sequence), index], alone[:, 0])
        torch.testing.assert_close(last[0, index], state[0, 0])


def test_sorted_packed_sequences_come_out_sorted(make):
    packed, _ = make(6, 4, 5)(pack_sequence([torch.randn(length, 6) for length in (5, 3, 2)]))
    assert packed.sorted_indices is None


@pytest.mark.parametrize("enforce_sorted", [False, True])
def test_packed_sequences_of_equal_length_stay_in_their_places(enforce_sorted, make):
    layer = make(6, 4, 5)
    sequences = [torch.randn(length, 6) for length in [7] * 40 + [5] * 30]
    state = torch.randn(1, 70, 5)
    packed, last = layer(pack_sequence(sequences, enforce_sorted=enforce_sorted), state)
    padded, _ = pad_packed_sequence(packed)
    for index, sequence in enumerate(sequences):
        alone, after = layer(sequence.unsqueeze(1), state[:, index : index + 1])
        torch.testing.assert_close(padded[: len(sequence), index], alone[:, 0])
        torch.testing.assert_close(last[0, index], after[0, 0])


def test_what_does_not_fit_is_refused(make):
    layer = make(6, 4, 5)
    for shape in ((3, 5), (2, 3, 5), (1, 1, 5), (1, 3, 4)):
        with pytest.raises(ValueError, match="the state has shape"):
            layer(torch.randn(9, 3, 6), torch.zeros(shape))
    with pytest.raises(ValueError, match="an LMN takes"):
        layer(torch.randn(9, 6))


def test_autocast_leaves_the_recurrence_in_full_precision(make):
    layer = make(6, 4, 5)
    x = torch.randn(9, 3, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, _ = layer(x)
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, layer(x)[0], atol=0.05, rtol=0.05)
    output.sum().backward()


def test_padding_at_the_end_changes_nothing_before_it(make):
    layer = make(6, 4, 5)
    sequences = [torch.randn(length, 6) for length in (2, 5)]
    output, _ = layer(pad_sequence(sequences))
    alone, _ = layer(sequences[0].unsqueeze(1))
    torch.testing.assert_close(output[:2, 0], alone[:, 0])


def test_projection_clips_singular_values_and_touches_nothing_else(make):
    layer = make(6, 4, 5)
    U, _, Vh = torch.linalg.svd(torch.randn(5, 5))
    with torch.no_grad():
        layer.W_mm.copy_(U @ torch.diag(torch.tensor([3.0, 1.5, 0.9, 0.5, 0.1])) @ Vh)
    layer.constrain()
    torch.testing.assert_close(layer.W_mm, U @ torch.diag(torch.tensor([1.0, 1.0, 0.9, 0.5, 0.1])) @ Vh)
    before = layer.W_mm.clone()
    layer.constrain()
    torch.testing.assert_close(layer.W_mm, before)


@pytest.mark.slow
def test_a_projected_memory_survives_a_hundred_thousand_frames(make):
    layer = make(4, 8, 8)
    with torch.no_grad():
        layer.W_mm.mul_(1.5)
        layer.constrain()
        m = layer.run(torch.zeros(100_000, 1, 4), torch.randn(1, 8))[1]
    # A linear memory of norm 1 with bounded input grows at most linearly: W_hm h + b_m per frame.
    bound = m[0].norm() + 100_000 * torch.linalg.matrix_norm(layer.W_hm, 2) * 8**0.5
    assert m[-1].isfinite().all()
    assert m[-1].norm() < bound


def test_the_gated_readout_follows_its_equation_and_has_its_gradients():
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, 2, 4), (3, 2, 5), (5, 4), (5, 5), (5,)]
    x, m, W_xo, W_mo, b_o = (
        torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_() for shape in shapes
    )
    y = 2 * m * torch.sigmoid(x @ W_xo.T + m @ W_mo.T + b_o)
    torch.testing.assert_close(gated_readout(x, m, W_xo, W_mo, b_o), y)
    assert torch.autograd.gradcheck(gated_readout, (x, m, W_xo, W_mo, b_o))


def test_the_gate_of_the_readout_passes_everything_at_first():
    layer, x = GatedLMN(6, 4, 5, readout="both"), torch.randn(9, 3, 6)
    output, _ = layer(x)
    h, m = layer.run(x, layer.initial_state(3))
    torch.testing.assert_close(output, torch.cat([h, m], dim=2))
