"""Linear memories for all frames at once: the same numbers as frame by frame, and what torch can wrap around them."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

from lmn_music import LMN, GatedLMN, LinearAutoencoder, LMNStack, ParallelLMN
from lmn_music.models.networks.linear_scan import linear_scan


def drawn(time, kind, size=5, batch=3):
    """Return u, m and W of a recurrence whose powers do not grow."""
    generator = torch.Generator().manual_seed(time)
    dtype = torch.complex128 if kind == "complex" else torch.float64
    u, m = (torch.randn(*shape, dtype=dtype, generator=generator) for shape in ((time, batch, size), (batch, size)))
    W = torch.randn(size, size, dtype=torch.float64, generator=generator)
    W = 0.99 * torch.linalg.qr(W)[0] if kind == "matrix" else torch.tanh(W[0])
    if kind == "complex":
        W = torch.polar(W.abs(), 3 * W)
    return [x.requires_grad_() for x in (u, m, W)]


def loop(u, m, W):
    found = []
    for frame in u:
        m = frame + (m @ W.t() if W.dim() == 2 else m * W)
        found.append(m)
    return torch.stack(found)


# One chunk, several, some that are not full, chunks that are cut again.
@pytest.mark.parametrize("time", [1, 15, 17, 100, 700])
@pytest.mark.parametrize("kind", ["matrix", "diagonal", "complex"])
def test_the_scan_is_the_loop_forward_and_backward(kind, time):
    arguments = drawn(time, kind)
    ours, plain = linear_scan(*arguments), loop(*arguments)
    torch.testing.assert_close(ours, plain)
    upstream = torch.randn(ours.shape, dtype=ours.dtype, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        torch.autograd.grad(ours, arguments, upstream), torch.autograd.grad(plain, arguments, upstream)
    )


@pytest.mark.parametrize("kind", ["matrix", "complex"])
def test_the_scan_has_numerically_right_gradients(kind):
    assert torch.autograd.gradcheck(linear_scan, drawn(20, kind, size=2, batch=1))


def test_the_memory_of_a_long_song_is_a_power_of_the_matrix():
    _, m, W = drawn(1, "matrix")
    last = linear_scan(torch.zeros(3001, 3, 5, dtype=torch.float64), m, W)[-1]
    torch.testing.assert_close(last, m @ torch.linalg.matrix_power(W.t(), 3001))


def test_a_parallel_lmn_is_an_lmn_without_feedback():
    torch.manual_seed(0)
    layer, plain = ParallelLMN(4, 6, 8).double(), LMN(4, 6, 8, readout="both").double()
    plain.load_state_dict({**layer.state_dict(), "W_mh": torch.zeros(6, 8)})
    x, state = torch.randn(90, 2, 4, dtype=torch.float64), torch.randn(1, 2, 8, dtype=torch.float64)
    torch.testing.assert_close(layer(x, state), plain(x, state))
    assert {name for name, _ in layer.named_parameters()} == {"W_xh", "b_h", "W_hm", "W_mm", "b_m"}


@pytest.fixture
def stack():
    torch.manual_seed(0)
    return LMNStack(3, size=8, hidden_size=6, memory_size=12, layers=2)


@pytest.fixture
def x():
    return torch.randn(40, 4, 3, generator=torch.Generator().manual_seed(1))


def test_a_stack_reads_frame_by_frame_what_it_reads_at_once(stack, x):
    whole, last = stack(x)
    state, frames = torch.zeros(2, 4, 12), []
    for frame in x:
        y, state = stack.step(frame, state)
        frames.append(y)
    torch.testing.assert_close((torch.stack(frames), state), (whole, last))
    middle, half = stack(x[:23])
    torch.testing.assert_close(torch.cat([middle, stack(x[23:], half)[0]]), whole)
    other = deepcopy(stack)
    other.batch_first = True
    torch.testing.assert_close(other(x.transpose(0, 1))[0].transpose(0, 1), whole)


def test_a_packed_sequence_is_read_to_its_own_end(stack, x):
    lengths = [12, 40, 1, 33]
    packed, memories = stack(pack_sequence([x[:n, i] for i, n in enumerate(lengths)], enforce_sorted=False))
    outputs, found = pad_packed_sequence(packed)
    assert found.tolist() == lengths
    for i, n in enumerate(lengths):
        alone, memory = stack(x[:n, i : i + 1])
        torch.testing.assert_close(outputs[:n, i], alone[:, 0])
        torch.testing.assert_close(memories[:, i], memory[:, 0])


def test_a_stack_starts_as_the_autoencoders_of_what_its_layers_read(stack, x):
    stack.start_as_autoencoders(x)
    y = stack.read_in(x)
    for block in stack.blocks:
        h, m = block.layer.run(block.norm(y), torch.zeros(4, 12))
        memory = LinearAutoencoder(12).fit(list(h.transpose(0, 1).detach().double().numpy()))
        expected = torch.from_numpy(memory.transform(h[:, 0].detach().double().numpy())).float()
        torch.testing.assert_close(m[:, 0], expected, atol=1e-4, rtol=1e-3)
        y, _ = block(y)


def test_the_memories_of_a_stack_cannot_explode(stack):
    for layer in stack.layers:
        nn.init.normal_(layer.W_mm)
    stack.constrain()
    assert all(torch.linalg.matrix_norm(layer.W_mm, 2) < 1 + 1e-5 for layer in stack.layers)
    stack.reset("delay")
    for layer in stack.layers:
        assert torch.equal(layer.W_mm.detach(), torch.eye(12).roll(6, 0).tril())


def test_input_and_state_of_other_shapes_are_refused(stack, x):
    with pytest.raises(ValueError, match=r"\(time, batch, input\)"):
        stack(x[0])
    with pytest.raises(ValueError, match="3 layers, not of 2"):
        stack(x, torch.zeros(3, 4, 12))


def gradients(layer, called, x):
    layer.zero_grad()
    output, _ = called(x)
    output.square().sum().backward()
    return output, {name: weight.grad for name, weight in layer.named_parameters()}


LAYERS = {
    "LMN": lambda: LMN(3, 6, 12, readout="both"),
    "parallel": lambda: ParallelLMN(3, 6, 12),
    "stack": lambda: LMNStack(3, 8, 6, 12),
}
EXPORTED = LAYERS | {"gated": lambda: GatedLMN(3, 6, 12)}
each_layer = pytest.mark.parametrize("kind", LAYERS)


@each_layer
def test_layers_learn_nearly_the_same_under_autocast(kind, x):
    torch.manual_seed(0)
    layer = LAYERS[kind]()
    exact, plain = gradients(layer, layer, x[:10])
    with torch.autocast("cpu", torch.bfloat16):
        output, rough = gradients(layer, layer, x[:10])
    assert torch.linalg.vector_norm(output - exact) < 0.05 * torch.linalg.vector_norm(exact)
    for name, expected in plain.items():
        assert rough[name].dtype == torch.float32
        assert torch.linalg.vector_norm(rough[name] - expected) < 0.1 * torch.linalg.vector_norm(expected)


@each_layer
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # what torch.compile does to torch
def test_layers_are_compiled(kind, x):
    torch.manual_seed(0)
    layer, x = LAYERS[kind](), x[: 6 if kind == "LMN" else 20]  # every frame of an LMN is a part of the graph
    compiled = gradients(layer, torch.compile(layer, backend="aot_eager", fullgraph=True), x)
    torch.testing.assert_close(compiled, gradients(layer, layer, x))
    torch.compiler.reset()


@pytest.mark.parametrize("kind", EXPORTED)
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
def test_layers_are_exported_for_any_batch(kind, x):
    torch.manual_seed(0)
    layer, x = EXPORTED[kind]().eval(), x[:20]  # a program of 20 frames
    program = torch.export.export(layer, (x,), dynamic_shapes=({1: torch.export.Dim("batch", max=100)},))
    wider = torch.randn(20, 7, 3)
    torch.testing.assert_close(program.module()(wider), layer(wider))
