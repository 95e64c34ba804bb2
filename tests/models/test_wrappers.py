"""The wrappers of torch apply to a model, because it is called by its forward pass alone."""

import socket
from copy import deepcopy

import pytest
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from lmn_music import LMN, LMNStack
from lmn_music.models.build import build
from tests.models.helpers import CONFIGS


@pytest.fixture(params=["both, metre", "gated", "MS-LMN", "tied", "tied, copies", "tied, LSTM"])
def model(request):
    return build(CONFIGS[request.param], torch.Generator().manual_seed(0)).eval()


@pytest.fixture
def alone(monkeypatch):
    """Be one process of one."""
    loopback = next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", loopback)
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def two_chunks(called, weights, frames):
    """Return the log-likelihoods of two chunks, read and learned from one after the other, and all gradients."""
    likelihoods, state = [], None
    for chunk in frames.split(6):
        log_prob, state = called(chunk, state)
        log_prob.sum().backward()
        state = state.detached()
        likelihoods.append(log_prob.detach())
    return torch.cat(likelihoods), {name: weight.grad for name, weight in weights if weight.grad is not None}


@pytest.mark.usefixtures("alone")
def test_chunks_are_learned_from_under_distributed_data_parallel(model, frames):
    other = deepcopy(model)
    wrapped = two_chunks(DistributedDataParallel(other, find_unused_parameters=True), other.named_parameters(), frames)
    torch.testing.assert_close(wrapped, two_chunks(model, model.named_parameters(), frames))


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("make", [lambda: LMN(3, 6, 12), lambda: LMNStack(3, 8, 6, 12)], ids=["LMN", "stack"])
def test_a_layer_learns_under_distributed_data_parallel(make):
    layer, x = make(), torch.randn(30, 4, 3)
    other = deepcopy(layer)
    for one in (layer, DistributedDataParallel(other)):
        output, _ = one(x)
        output.square().sum().backward()
    for ours, plain in zip(other.parameters(), layer.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, plain.grad)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # what torch.compile does to torch
def test_chunks_are_learned_from_when_compiled(model, frames):
    other = deepcopy(model)
    compiled = two_chunks(torch.compile(other, backend="eager"), other.named_parameters(), frames)
    torch.testing.assert_close(compiled, two_chunks(model, model.named_parameters(), frames))
    torch.compiler.reset()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # what torch.compile does to torch
def test_a_model_with_copy_experts_is_compiled_whole(frames):
    model = build(CONFIGS["tied, copies"], torch.Generator().manual_seed(0)).eval()
    whole, _ = torch.compile(model, backend="eager", fullgraph=True)(frames)
    torch.testing.assert_close(whole, model(frames)[0])
    torch.compiler.reset()
