"""The multi-scale LMN: its equations, its gradients, its clock, its growth by one module, its stability."""

import numpy as np
import pytest
import torch

from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.models.networks.lmn import LMN
from lmn_music.models.networks.multiscale import MultiScaleLMN, sampled_hidden
from lmn_music.models.networks.multiscale_scan import modules_updated, multiscale_scan

INPUT, HIDDEN, MEMORY = 6, 4, 3
POSITIONS = [0, 1, 6, 8]


def layer_of(scales, *, readout="both", memory=MEMORY):
    """Return a layer in double precision, all its weights drawn, cross blocks included."""
    generator = torch.Generator().manual_seed(0)
    layer = MultiScaleLMN(INPUT, HIDDEN, memory, scales, readout=readout).double()
    layer.reset("random", generator=generator)
    with torch.no_grad():
        for bias in (layer.b_h, layer.b_m):
            bias.copy_(torch.randn(bias.shape, generator=generator))
    return layer


def songs(time, batch=2, width=INPUT, seed=1):
    return torch.randn(time, batch, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def plain_loop(layer, x, modules, position=0):
    """The equations of the paper, module by module: m^i is modules[i]; plain autograd."""
    p, g = layer.memory_size, layer.scales
    cells = [slice(i * p, (i + 1) * p) for i in range(g)]
    hs, ms = [], []
    for number, x_t in enumerate(x, start=position):
        h = x_t @ layer.W_xh.T + layer.b_h
        for i in range(g):
            h = h + modules[i] @ layer.W_mh[:, cells[i]].T
        h = torch.tanh(h)
        after = list(modules)
        for i in range(g):
            if number % 2**i == 0:
                after[i] = h @ layer.W_hm[cells[i]].T + layer.b_m[cells[i]]
                for j in range(i, g):
                    after[i] = after[i] + modules[j] @ layer.W_mm[cells[i], cells[j]].T
        modules = after
        hs.append(h)
        ms.append(torch.cat(modules, dim=1))
    return torch.stack(hs), torch.stack(ms)


@pytest.mark.parametrize("scales", [1, 2, 4])
@pytest.mark.parametrize("position", POSITIONS)
def test_the_layer_follows_the_equations(scales, position):
    layer, x = layer_of(scales), songs(19)
    m = songs(scales, width=MEMORY, seed=2)
    h, ms = layer.run(x, torch.cat(list(m), dim=1), position=position)
    h_plain, m_plain = plain_loop(layer, x, list(m), position)
    torch.testing.assert_close(h, h_plain)
    torch.testing.assert_close(ms, m_plain)


@pytest.mark.parametrize("position", POSITIONS)
def test_gradients_are_those_of_the_plain_loop(position):
    layer, x = layer_of(3), songs(11).requires_grad_()
    m = songs(3, width=MEMORY, seed=2).requires_grad_()
    names, parameters = zip(*layer.named_parameters(), strict=True)
    gradients = []
    for h, ms in (layer.run(x, torch.cat(list(m), dim=1), position=position), plain_loop(layer, x, list(m), position)):
        loss = (h * songs(*h.shape, seed=3)).sum() + (ms * songs(*ms.shape, seed=4)).sum()
        gradients.append(torch.autograd.grad(loss, [x, m, *parameters]))
    for name, ours, plain in zip(("x", "m", *names), *gradients, strict=True):
        torch.testing.assert_close(ours, plain, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("scales", [1, 3])
def test_gradients_are_numerically_right(scales):
    layer = layer_of(scales, memory=2)
    u, m = songs(5, width=HIDDEN).requires_grad_(), songs(1, width=2 * scales)[0].requires_grad_()
    weights = [layer.W_mh, layer.W_hm, layer.W_mm, layer.b_m]

    def run(u, m, W_mh, W_hm, W_mm, b_m):
        return multiscale_scan(u, m, W_mh, W_hm, W_mm * layer.mask, b_m, scales, 3)

    assert torch.autograd.gradcheck(run, (u, m, *weights))


@pytest.mark.parametrize("unused", ["h", "m"])
def test_gradients_need_not_come_through_both_outputs(unused):
    layer, x = layer_of(2), songs(6)
    gradients = []
    for h, ms in (layer.run(x, layer.initial_state(2)), plain_loop(layer, x, list(songs(2, width=MEMORY) * 0))):
        loss = (ms if unused == "h" else h).square().sum()
        gradients.append(torch.autograd.grad(loss, list(layer.parameters())))
    for ours, plain in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, plain)


@pytest.mark.parametrize("readout", ["memory", "hidden", "both"])
def test_one_scale_is_the_lmn(readout):
    layers = [LMN(INPUT, HIDDEN, 5, readout=readout), MultiScaleLMN(INPUT, HIDDEN, 5, 1, readout=readout)]
    x, results = songs(9).float(), []
    for layer in layers:
        layer.reset(generator=torch.Generator().manual_seed(0))
        output, last = layer.advance(x, layer.initial_state(2), torch.ones(HIDDEN))
        output.square().sum().backward()
        with torch.no_grad():
            gradients = [parameter.grad.clone() for parameter in layer.parameters()]
            layer.W_mm.mul_(1.5)
        layer.constrain()
        results.append([output, last, *gradients, layer.W_mm])
    lmn, ours = layers
    assert ours.output_size == lmn.output_size
    assert list(ours.state_dict()) == list(lmn.state_dict())
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("cut", [1, 4, 7, 10])
def test_a_batch_can_be_cut_in_time(cut):
    layer, x, drive = layer_of(4), songs(23), songs(23, width=HIDDEN, seed=5)
    whole, last = layer.advance(x, layer.initial_state(2), drive)
    m, parts = layer.initial_state(2), []
    for start in range(0, len(x), cut):
        chunk = slice(start, start + cut)
        part, m = layer.advance(x[chunk], m, drive[chunk], position=start)
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts), whole)
    torch.testing.assert_close(m, last)


@pytest.mark.parametrize("readout", ["memory", "hidden", "both"])
def test_the_readout_is_as_wide_as_it_says(readout):
    layer, x = layer_of(3, readout=readout), songs(5)
    output, last = layer.advance(x, layer.initial_state(2))
    h, ms = layer.run(x, layer.initial_state(2))
    assert output.shape == (5, 2, layer.output_size)
    torch.testing.assert_close(output, {"memory": ms, "hidden": h, "both": torch.cat([h, ms], dim=2)}[readout])
    torch.testing.assert_close(last, ms[-1])


def test_frame_0_updates_all_modules_and_then_each_has_its_own_clock():
    assert [modules_updated(t, 4) for t in range(17)] == [4, 1, 2, 1, 3, 1, 2, 1, 4, 1, 2, 1, 3, 1, 2, 1, 4]
    assert [modules_updated(t, 1) for t in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("position", POSITIONS)
def test_a_module_waits_between_its_frames(position):
    layer = layer_of(4)
    before = songs(1, width=layer.cells, seed=2)
    ms = torch.cat([before, layer.run(songs(20), before[0], position=position)[1]])
    for i, module in enumerate(ms.chunk(4, dim=2)):
        changed = (module[1:] != module[:-1]).any(dim=2).all(dim=1).tolist()
        assert changed == [t % 2**i == 0 for t in range(position, position + 20)]


@pytest.mark.parametrize("module", range(3))
def test_slower_modules_feed_faster_ones_alone(module):
    layer = layer_of(3)
    with torch.no_grad():
        layer.W_mh.zero_()  # so that nothing goes through h
        layer.W_mm.fill_(0.1)  # also where no weight should be
        m = torch.zeros(1, layer.cells, dtype=torch.float64)
        plain = layer.run(songs(1, 1), m)[1][0, 0]
        m[0, module * MEMORY : (module + 1) * MEMORY] = 1
        moved = layer.run(songs(1, 1), m)[1][0, 0] != plain
    assert moved.tolist() == [cell // MEMORY <= module for cell in range(layer.cells)]


@pytest.mark.parametrize("orthogonal", [True, False])
def test_an_optimiser_leaves_the_masked_weights_alone(orthogonal):
    layer = MultiScaleLMN(INPUT, HIDDEN, MEMORY, 3)
    layer.reset("orthogonal" if orthogonal else "random", generator=torch.Generator().manual_seed(0))
    optimiser = torch.optim.AdamW(layer.parameters(), lr=0.1, weight_decay=0.1)
    before = layer.W_mm.clone()
    for _ in range(3):
        layer.advance(songs(9).float(), layer.initial_state(2))[0].square().sum().backward()
        optimiser.step()
        layer.constrain()
    assert (layer.W_mm[layer.mask == 0] == 0).all()
    assert (optimiser.state[layer.W_mm]["exp_avg_sq"][layer.mask == 0] == 0).all()
    assert (layer.W_mm[layer.mask == 1] != before[layer.mask == 1]).all()


def test_orthogonal_modules_start_apart_and_keep_all_lengths():
    layer = MultiScaleLMN(INPUT, HIDDEN, MEMORY, 3)
    torch.testing.assert_close(layer.W_mm @ layer.W_mm.T, torch.eye(layer.cells))
    layer.reset("random")
    assert layer.W_mm[0, -1] != 0


def test_autocast_leaves_the_recurrence_in_full_precision():
    layer, x = MultiScaleLMN(INPUT, HIDDEN, MEMORY, 3), songs(9).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, _ = layer.advance(x, layer.initial_state(2))
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, layer.advance(x, layer.initial_state(2))[0], atol=0.05, rtol=0.05)
    output.sum().backward()


# --- One module more


def fitted_to(layer, x, scale, components=MEMORY, **options):
    h, _ = layer.run(x, layer.initial_state(x.shape[1]))
    sequences = [sampled_hidden(song, scale) for song in h.detach().transpose(0, 1).numpy()]
    return LinearAutoencoder(components, **options).fit(sequences), sequences


@pytest.mark.parametrize("scales", [1, 2, 3])
def test_a_new_module_changes_nothing_for_the_old_ones(scales):
    layer, x = layer_of(scales), songs(40)
    memory, _ = fitted_to(layer, x, scales)
    grown = layer.with_scale(memory)
    m = songs(1, width=layer.cells, seed=2)[0]
    h, ms = layer.run(x, m, position=3)
    h_grown, m_grown = grown.run(x, torch.cat([m, songs(1, width=MEMORY, seed=3)[0]], dim=1), position=3)
    torch.testing.assert_close(h_grown, h, rtol=0, atol=1e-13)
    torch.testing.assert_close(m_grown[..., : layer.cells], ms, rtol=0, atol=1e-13)
    assert grown.scales == scales + 1
    assert grown.output_size == layer.output_size + MEMORY
    assert not grown.W_mh[:, layer.cells :].any()
    assert not grown.W_mm[: layer.cells, layer.cells :].any()


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("scales", [1, 3])
def test_a_new_module_is_the_autoencoder(scales, centre):
    layer, x = layer_of(scales), songs(40)
    memory, sequences = fitted_to(layer, x, scales, centre=centre)
    grown = layer.with_scale(memory)
    ms = grown.run(x, grown.initial_state(2))[1][..., layer.cells :].detach()
    for song, sequence in enumerate(sequences):
        encoded = memory.transform(sequence)
        assert len(encoded) == 40 // 2**scales
        np.testing.assert_allclose(sampled_hidden(ms[:, song].numpy(), scales), encoded, atol=1e-13)


def test_a_new_module_survives_the_projection():
    layer, x = layer_of(2), songs(60)
    layer.constrain()
    grown = layer.with_scale(fitted_to(layer, x, 2)[0])
    before = grown.W_mm.clone()
    grown.constrain()
    torch.testing.assert_close(grown.W_mm, before, rtol=0, atol=1e-14)


def test_a_smaller_autoencoder_leaves_a_spare_cell_that_remembers_and_that_nothing_reads():
    layer, x = layer_of(2), songs(40)
    memory, sequences = fitted_to(layer, x, 2, components=2)
    grown = layer.with_scale(memory)
    new = grown.run(x, grown.initial_state(2))[1][:, 0, layer.cells :].detach().numpy()
    np.testing.assert_allclose(sampled_hidden(new[:, :2], 2), memory.transform(sequences[0]), atol=1e-13)
    assert new[:, 2].any()
    assert not grown.W_mh[:, -1].any()
    assert not grown.W_mm[:-1, -1].any()
    assert abs(grown.W_mm[-1, -1].item()) == pytest.approx(1)


def test_a_layer_runs_over_whole_sequences_and_step_by_step():
    layer, x = layer_of(3), songs(11)
    output, last = layer(x)
    h, ms = plain_loop(layer, x, list(torch.zeros(3, 2, MEMORY, dtype=torch.float64)))
    torch.testing.assert_close(output, torch.cat([h, ms], dim=2))
    torch.testing.assert_close(last[0], ms[-1])
    m = layer.initial_state(2)
    for t, x_t in enumerate(x):
        step, m = layer.step(x_t, m, t)
        torch.testing.assert_close(step, output[t])
    torch.testing.assert_close(layer(x, last)[0], layer.advance(x, last[0])[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_new_module_keeps_the_precision(dtype):
    layer = layer_of(1).to(dtype)
    grown = layer.with_scale(fitted_to(layer, songs(30).to(dtype), 1)[0])
    assert {tensor.dtype for tensor in (*grown.parameters(), grown.mask)} == {dtype}
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in grown.parameters())


def test_an_autoencoder_that_does_not_fit_is_refused():
    noise = np.random.default_rng(0).standard_normal((50, HIDDEN))
    layer = layer_of(2)
    with pytest.raises(ValueError, match="cannot hold"):
        layer.with_scale(LinearAutoencoder(MEMORY + 1).fit([noise]))
    with pytest.raises(ValueError, match="cannot hold"):
        layer.with_scale(LinearAutoencoder(MEMORY).fit([noise[:, :-1]]))


# --- Stability


def test_projection_clips_each_modules_rows_and_touches_nothing_else():
    layer = layer_of(2)
    with torch.no_grad():
        rows = songs(1, 3, 6)[0]
        U, _, Vh = torch.linalg.svd(rows, full_matrices=False)
        layer.W_mm[:3] = U @ torch.diag(torch.tensor([3.0, 1.0, 0.2], dtype=torch.float64)) @ Vh
        layer.W_mm[3:, 3:] = torch.diag(torch.tensor([0.9, 2.0, -1.1], dtype=torch.float64))
    layer.constrain()
    torch.testing.assert_close(layer.W_mm[:3], U @ torch.diag(torch.tensor([1.0, 1.0, 0.2]).double()) @ Vh)
    torch.testing.assert_close(layer.W_mm[3:, 3:], torch.diag(torch.tensor([0.9, 1.0, -1.0]).double()))
    before = layer.W_mm.clone()
    layer.constrain()
    torch.testing.assert_close(layer.W_mm, before)


def resonant(feed):
    """Return three modules that forget nothing, read the slower ones, and are pushed by a constant b_m."""
    layer = MultiScaleLMN(1, 1, 2, 3).double()
    with torch.no_grad():
        for weight in (layer.W_hm, layer.W_mh):
            weight.zero_()
        layer.W_mm.copy_((feed * torch.eye(2).repeat(3, 3)).fill_diagonal_(1) * layer.mask)
        layer.b_m.fill_(1)
    return layer


@torch.no_grad()
def memories(layer, m, frames):
    """Return the memory after each frame of silence, (frames, cells), from m (1, cells)."""
    return layer.run(torch.zeros(frames, 1, 1, dtype=m.dtype), m)[1][:, 0]


def bounded(layer, m, ms):
    """Whether the bound that `constrain` states holds for each module, after each of its updates."""
    holds = []
    before = torch.cat([m, ms[:-1]])
    for i in range(layer.scales):
        own, slower = slice(2 * i, 2 * i + 2), slice(2 * i + 2, None)
        updates = slice(None, None, 2**i)
        read = before[updates, slower].square().sum(dim=1).cumsum(0)
        pushed = layer.b_m[own].norm() * torch.arange(1, len(read) + 1)
        bound = (m[0, own].square().sum() + read).sqrt() + pushed
        holds.append(bool((ms[updates, own].norm(dim=1) < bound + 1e-6).all()))
    return holds


@pytest.mark.parametrize("feed", [0.1, 1.0])
def test_a_projected_memory_keeps_its_bound(feed):
    layer, m = resonant(feed), songs(1, 1, 6)[0]
    assert bounded(layer, m, memories(layer, m, 2000)) == [False, False, True]
    layer.constrain()
    assert bounded(layer, m, memories(layer, m, 2000)) == [True, True, True]


def test_a_projected_memory_grows_like_t_and_no_more():
    layer, m = resonant(1.0), torch.zeros(1, 6, dtype=torch.float64)
    for power in (3, 1):  # modules that forget nothing and feed each other grow like t^3, clipped one by one or not
        ms = memories(layer, m, 2001)
        torch.testing.assert_close(
            ms[2000, :2] / ms[1000, :2], torch.full((2,), 2.0**power).double(), rtol=0.02, atol=0
        )
        layer.constrain()


@pytest.mark.slow
@pytest.mark.parametrize("perturbation", [0.1, 1.0, 10.0])
def test_a_projected_memory_survives_a_hundred_thousand_frames(perturbation):
    layer = MultiScaleLMN(1, 8, 4, 4)
    generator = torch.Generator().manual_seed(0)
    layer.reset(generator=generator)
    with torch.no_grad():
        for weight in (layer.W_mm, layer.W_mh, layer.b_m):
            weight.add_(perturbation * torch.randn(weight.shape, generator=generator))
        layer.constrain()
        m, frames = torch.randn(1, layer.cells, generator=generator), 100_000
        first = m.norm()
        for position in range(0, frames, 10_000):
            m = layer.run(torch.zeros(10_000, 1, 1), m, position=position)[1][-1]
    # What one module would have gathered that never forgets and is always pushed the same way.
    push = torch.linalg.matrix_norm(layer.W_hm, 2) * layer.hidden_size**0.5 + layer.b_m.norm()
    assert m.isfinite().all()
    assert m.norm() < first + frames * push
