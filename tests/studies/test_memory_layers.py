"""The layers that are compared: those written from papers follow their closed forms, and all are of one size."""

import numpy as np
import pytest
import torch
from scipy import linalg

from lmn_music.memory.laes import LinearAutoencoder
from studies.memory.layers import FAMILIES, LAYERS, Layer, count, make
from studies.memory.lru import LRU
from studies.memory.protocol import PROBLEMS, QUICK, Protocol, load
from studies.memory.s4d import S4D
from studies.memory.synthetic import copying
from studies.memory.training import fit_readout, score


def test_an_lru_is_a_sum_over_powers_of_a_dense_matrix():
    torch.manual_seed(0)
    layer, u = LRU(3, 5), torch.randn(40, 2, 3)
    y, last = layer(u)
    eigenvalues = np.diag(layer.eigenvalues.detach().numpy().astype(complex))
    B, C = (torch.view_as_complex(part.detach()).numpy() for part in (layer.B, layer.C))
    B = np.exp(layer.gamma.detach().numpy())[:, None] * B
    for t in (0, 1, 17, 39):
        state = sum(np.linalg.matrix_power(eigenvalues, t - k) @ B @ u[k].numpy().T for k in range(t + 1))
        expected = (C @ state).real + layer.D.detach().numpy()[:, None] * u[t].numpy().T
        np.testing.assert_allclose(y[t].detach().numpy().T, expected, atol=2e-4)
    np.testing.assert_allclose(last.detach().numpy().T, state, atol=2e-4)
    first, middle = layer(u[:23])
    torch.testing.assert_close(torch.cat([first, layer(u[23:], middle)[0]]), y, atol=1e-4, rtol=1e-4)


def test_an_lru_starts_in_its_ring_with_states_of_variance_one():
    torch.manual_seed(0)
    layer = LRU(64, 4000, radii=(0.5, 0.9), phase=0.3)
    eigenvalues = layer.eigenvalues.detach()
    assert 0.5 <= eigenvalues.abs().min() < 0.51
    assert 0.89 < eigenvalues.abs().max() <= 0.9
    assert 0 < eigenvalues.angle().min() < eigenvalues.angle().max() <= 0.3 + 1e-6
    # Uniform in the area of the ring: half of the squares lie below the middle of the squares.
    assert (eigenvalues.abs().square() < (0.25 + 0.81) / 2).float().mean() == pytest.approx(0.5, abs=0.05)
    _, last = layer(torch.randn(60, 100, 64))
    assert last.detach().abs().square().mean() == pytest.approx(1, rel=0.1)


def test_s4d_is_its_differential_equation_held_from_frame_to_frame():
    torch.manual_seed(0)
    layer, u = S4D(3, 4), torch.randn(30, 2, 3)
    y, _ = layer(u)
    C = torch.view_as_complex(layer.C.detach()).numpy()
    for channel in range(3):
        A = np.diag(-np.exp(layer.a.detach().numpy()[channel]) + 1j * layer.b.detach().numpy()[channel])
        step = float(layer.d[channel].detach().exp())
        # One exponential holds both: exp [[A, 1], [0, 0]] = [[exp A, the integral of exp(A s) over the step], [0, 1]].
        both = linalg.expm(step * np.block([[A, np.ones((4, 1))], [np.zeros((1, 5))]]))
        state = np.zeros((4, 2), dtype=complex)
        for t in range(30):
            state = both[:4, :4] @ state + both[:4, 4:] @ u[t, :, channel].numpy()[None]
            expected = 2 * (C[channel] @ state).real + float(layer.D[channel].detach()) * u[t, :, channel].numpy()
            np.testing.assert_allclose(y[t, :, channel].detach().numpy(), expected, atol=2e-4)
    torch.testing.assert_close(layer.a.exp(), torch.full((3, 4), 0.5))
    torch.testing.assert_close(layer.b[1], torch.pi * torch.arange(4.0))  # S4D-Lin


def test_s4d_is_a_convolution_with_its_kernel():
    torch.manual_seed(0)
    layer = S4D(2, 3)
    impulse = torch.zeros(50, 1, 2)
    impulse[0] = 1
    expected = layer.kernel(50).T
    expected[0] += layer.D
    torch.testing.assert_close(layer(impulse)[0][:, 0], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("protocol", [QUICK, Protocol()], ids=["quick", "whole"])
def test_all_layers_have_the_same_number_of_parameters(protocol):
    sizes = {  # inputs and outputs of the problems; the others have those of one of these
        "copy 10": (10, 8),
        "adding 50": (2, 1),
        "Mackey-Glass": (1, 1),
        "digits": (1, 10),
        "vowels": (12, 9),
        "words": (12, 10),
    }

    class Sized:
        def __init__(self, inputs, outputs):
            self.inputs, self.outputs, self.train = inputs, outputs, copying(1, (4, 1, 1)).train

    for problem, size in sizes.items():
        for family in FAMILIES:
            found = count(make(Layer(family), Sized(*size), protocol.parameters, 0))
            assert found == pytest.approx(protocol.parameters, rel=0.05), (problem, family)


@pytest.fixture
def problem():
    return copying(5, (60, 20, 40))


@pytest.mark.parametrize("name", ["LMN, laes", "gated LMN, laes", "MS-LMN", "LMN stack, laes"])
def test_a_memory_starts_as_the_autoencoder_of_its_hidden_states(name, problem):
    model = make(LAYERS[name], problem, 1000, 0)
    layer = model.layer.layers[0] if name.startswith("LMN stack") else model.layer
    x = problem.train.x[:, :16]
    if name.startswith("LMN stack"):
        x = model.layer.blocks[0].norm(model.layer.read_in(x))
    h = layer.run(x, layer.initial_state(16))[0].transpose(0, 1).detach().double().numpy()
    memory = LinearAutoencoder(4).fit(list(h))
    np.testing.assert_allclose(layer.W_hm[:4].detach(), memory.A_, atol=1e-4)
    np.testing.assert_allclose(layer.W_mm[:4, :4].detach(), memory.B_, atol=1e-4)


def test_a_frozen_memory_stays(problem):
    model = make(LAYERS["LMN, delay, frozen"], problem, 1000, 0)
    learning = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert learning == {"layer.W_xh", "layer.W_mh", "layer.b_h", "readout.weight", "readout.bias"}


@pytest.mark.parametrize("name", ["LSTM", "S4D"])
def test_the_same_seed_is_the_same_model(name, problem):
    one, same, other = (make(LAYERS[name], problem, 1000, seed) for seed in (1, 1, 2))
    x = problem.test.x
    assert torch.equal(one(x), same(x))
    assert not torch.allclose(one(x), other(x))


def test_a_delay_line_that_is_long_enough_copies_before_any_training():
    # Ten symbols of three bits and a lag of one frame: a hidden state for each frame of the last twenty holds them all.
    problem = copying(1, (300, 20, 100))
    model = make(LAYERS["LMN, delay"], problem, 1000, 0)
    assert score(model, problem.test) < 0.3
    fit_readout(model, problem)
    short = score(model, problem.test)
    layer = type(model.layer)(10, 12, 240, readout="both")
    layer.reset("delay")
    layer.prepare()
    long = type(model)(layer, layer.output_size, 8)
    fit_readout(long, problem)
    assert short < 0.5 < 0.99 < score(long, problem.test)


def test_every_problem_of_the_study_is_known():
    assert {*Protocol().problems, *QUICK.problems} <= PROBLEMS.keys()
    assert {*QUICK.layers} <= {*Protocol().layers} == LAYERS.keys()
    assert load("copy 10", None) is load("copy 10", None)
