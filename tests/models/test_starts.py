"""How the weights of a recurrence start, before any training."""

import numpy as np
import pytest
import torch

from lmn_music.memory.static import delay_line, legendre
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig
from lmn_music.models.networks.lmn import LMN
from tests.models.helpers import tied

HIDDEN, MEMORY = 4, 14
CELLS = {
    "LMN": ModelConfig(hidden_size=HIDDEN, memory_size=MEMORY),
    "gated LMN": ModelConfig(network="gated-lmn", hidden_size=HIDDEN, memory_size=MEMORY),
    "tied LMN": tied(hidden_size=HIDDEN, memory_size=MEMORY),
    "MS-LMN": ModelConfig(network="ms-lmn", hidden_size=HIDDEN, memory_size=MEMORY, scales=3),
    "RNN": ModelConfig(network="rnn", hidden_size=MEMORY),
    "GRU": ModelConfig(network="gru", hidden_size=MEMORY),
    "LSTM": ModelConfig(network="lstm", hidden_size=MEMORY),
}


def network_of(config, start="orthogonal"):
    return build(config, torch.Generator().manual_seed(0), start).network.requires_grad_(False)


def recurrent_blocks(config, start):
    """Return the recurrent weights of each gate, or of each module, and what stands beside these."""
    network = network_of(config, start)
    if config.network in ("lmn", "gated-lmn", "ms-lmn"):
        rows = [block.split(MEMORY) for block in network.W_mm.split(MEMORY, dim=1)]
        own = [blocks[i] for i, blocks in enumerate(rows)]
        return own, [block for i, blocks in enumerate(rows) for block in blocks[:i]]
    return list(network.layer.weight_hh_l0.split(MEMORY)), []


@pytest.mark.parametrize("name", CELLS)
def test_recurrent_weights_are_orthogonal_where_they_are_to_be(name):
    own, beside = recurrent_blocks(CELLS[name], "orthogonal")
    for block in own:
        torch.testing.assert_close(block.T @ block, torch.eye(MEMORY))
    assert all(not torch.equal(own[0], block) for block in own[1:])
    assert not any(block.any() for block in beside)


@pytest.mark.parametrize("name", CELLS)
def test_recurrent_weights_are_random_where_they_are_to_be(name):
    own, beside = recurrent_blocks(CELLS[name], "random")
    for block in own:
        assert not torch.allclose(block.T @ block, torch.eye(MEMORY), atol=0.1)
    assert all((block != 0).all() for block in (*own, *beside))


@pytest.mark.parametrize("start", ["orthogonal", "random", "delay", "legendre"])
def test_no_memory_starts_with_a_norm_above_1(start):
    layer = LMN(5, HIDDEN, MEMORY)
    for seed in range(5):
        layer.reset(start, generator=torch.Generator().manual_seed(seed))
        assert torch.linalg.matrix_norm(layer.W_mm.double(), 2) <= 1 + 1e-6


@pytest.mark.parametrize("size", [HIDDEN, 3 * HIDDEN, MEMORY])
@pytest.mark.parametrize("start", ["delay", "legendre"])
def test_a_memory_starts_as_the_one_that_is_asked_for(start, size):
    layer = LMN(5, HIDDEN, size)
    layer.reset(start)
    window = 4 * (size // HIDDEN)
    memory = delay_line(HIDDEN, size) if start == "delay" else legendre(HIDDEN, size, window=window)
    np.testing.assert_allclose(layer.W_hm.detach(), memory.A, atol=1e-6)
    np.testing.assert_allclose(layer.W_mm.detach(), memory.B, atol=1e-6)
    assert layer.W_xh.all()
    assert layer.W_mh.all()
    assert not layer.b_h.any()
    assert not layer.b_m.any()


@pytest.mark.parametrize("name", ["LMN", "gated LMN", "tied LMN", "MS-LMN"])
@pytest.mark.parametrize("feedback", [False, True])
def test_the_functional_component_reads_no_memory_at_first(name, feedback):
    assert not network_of(CELLS[name].model_copy(update={"feedback": feedback})).W_mh.any()


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_only_the_forget_gate_starts_with_a_bias(kind):
    layer = network_of(ModelConfig(network=kind, hidden_size=HIDDEN)).layer
    biases = (layer.bias_ih_l0 + layer.bias_hh_l0).split(HIDDEN)
    expected = {"rnn": [0], "gru": [0, 0, 0], "lstm": [0, 1, 0, 0]}[kind]  # torch has input, forget, cell, output
    assert [bias.tolist() for bias in biases] == [[value] * HIDDEN for value in expected]


def test_an_lstm_starts_by_keeping_most_of_what_it_holds():
    """With no weights but its biases, a cell keeps sigmoid(1) of itself and takes nothing in."""
    network = network_of(ModelConfig(network="lstm", hidden_size=HIDDEN))
    network.layer.weight_ih_l0.zero_()
    network.layer.weight_hh_l0.zero_()
    state = torch.cat([torch.zeros(1, HIDDEN), torch.ones(1, HIDDEN)], dim=1)  # h, c
    _, after = network.advance(torch.zeros(1, 1, 88), state)
    torch.testing.assert_close(after[0, HIDDEN:], torch.full((HIDDEN,), 1 / (1 + np.exp(-1)), dtype=torch.float32))
