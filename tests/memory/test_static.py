"""Static memories: what each of them holds, and that training may start from them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import linalg, signal

from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.memory.linear import LinearMemory, principal_components
from lmn_music.memory.static import delay_line, echo_state, legendre, orthogonal
from tests.memory.helpers import Array, rng


def frames(length: int, inputs: int, seed: int = 0) -> Array:
    return rng(seed).standard_normal((length, inputs))


def test_the_states_follow_the_recursion() -> None:
    memory = LinearMemory(frames(5, 3, 1), frames(5, 5, 2) / 4, mean=np.array([1.0, -2.0, 0.5]))
    sequence, y = frames(20, 3), np.zeros(5)
    for x, state in zip(sequence, memory.transform(sequence), strict=True):
        y = memory.A @ (x - memory.mean) + memory.B @ y
        np.testing.assert_allclose(state, y, atol=1e-12)
    assert memory.transform(np.zeros((0, 3))).shape == (0, 5)
    with pytest.raises(ValueError, match=r"\(time, 3\), not \(20, 4\)"):
        memory.transform(frames(20, 4))


def test_an_autoencoder_is_a_linear_memory() -> None:
    sequences = [frames(20, 3, seed) + 0.5 for seed in range(4)]
    fitted = LinearAutoencoder(6).fit(sequences)
    memory = LinearMemory(fitted.A_, fitted.B_, fitted.mean_)
    np.testing.assert_array_equal(memory.transform(sequences[0]), fitted.transform(sequences[0]))


def test_a_delay_line_holds_the_last_frames_newest_first() -> None:
    sequence = frames(9, 3)
    memory = delay_line(3, 11)  # three frames and two cells of a fourth
    states = memory.transform(sequence)
    np.testing.assert_array_equal(states[-1], sequence[:4:-1].ravel()[:11])
    np.testing.assert_array_equal(states[1], [*sequence[1], *sequence[0], *np.zeros(5)])
    assert np.linalg.norm(memory.B, 2) == 1


def test_a_delay_line_of_principal_components_holds_the_last_projections() -> None:
    mixing = frames(2, 6, 1)
    sequences = [frames(30, 2, seed) @ mixing + 3 for seed in range(5)]  # six inputs, but only two dimensions
    projection, mean = principal_components(sequences, 2)
    memory = delay_line(2, 8).of(projection, mean)
    assert memory.A.shape == (8, 6)
    held = memory.transform(sequences[0])[-1].reshape(4, 2)
    np.testing.assert_allclose(held @ projection + mean, sequences[0][:-5:-1], atol=1e-10)


def test_principal_components_are_those_of_a_dense_svd() -> None:
    sequences = [frames(length, 6, length) * [5, 1, 4, 1, 3, 2] + 1 for length in (40, 7, 100)]
    projection, mean = principal_components(sequences, 4)
    everything = np.concatenate(sequences)
    np.testing.assert_allclose(mean, everything.mean(axis=0), atol=1e-12)
    V = np.linalg.svd(everything - mean)[2][:4]
    np.testing.assert_allclose(np.abs(projection @ V.T), np.eye(4), atol=1e-8)
    assert (projection[range(4), np.abs(projection).argmax(axis=1)] > 0).all()
    for count in (0, 7):
        with pytest.raises(ValueError, match="from 1 to 6"):
            principal_components(sequences, count)


@pytest.mark.parametrize("radius", [1.0, 0.9])
def test_an_orthogonal_memory_forgets_evenly(radius: float) -> None:
    memory = orthogonal(3, 20, rng(), radius)
    np.testing.assert_allclose(memory.B.T @ memory.B, radius**2 * np.eye(20), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(memory.A, axis=0), 1)
    impulse = memory.transform(np.eye(50, 3))
    np.testing.assert_allclose(np.linalg.norm(impulse[5:], axis=1), radius * np.linalg.norm(impulse[4:-1], axis=1))


def test_an_echo_state_network_has_the_spectral_radius_asked_for() -> None:
    memory = echo_state(3, 50, rng(), radius=0.8)
    assert np.abs(linalg.eigvals(memory.B)).max() == pytest.approx(0.8)
    assert np.linalg.norm(memory.B, 2) > 1
    assert np.abs(memory.transform(np.eye(400, 3))[-1]).max() < 1e-12


@pytest.mark.parametrize("make", [orthogonal, echo_state])
def test_random_memories_depend_on_the_generator_alone(make: Callable[..., LinearMemory]) -> None:
    first, again, other = make(3, 8, rng(1)), make(3, 8, rng(1)), make(3, 8, rng(2))
    np.testing.assert_array_equal(first.B, again.B)
    np.testing.assert_array_equal(first.A, again.A)
    assert np.abs(first.B - other.B).max() > 0.01


def published_legendre(order: int, window: float) -> tuple[Array, Array]:
    """Equation 2 of Voelker, Kajic, Eliasmith 2019 entry by entry, discretised by scipy."""
    A, B = np.empty((order, order)), np.empty((order, 1))
    for i in range(order):
        B[i] = (2 * i + 1) * (-1) ** i / window
        for j in range(order):
            A[i, j] = (2 * i + 1) / window * (-1 if i < j else (-1) ** (i - j + 1))
    transition, write, *_ = signal.cont2discrete((A, B, np.eye(order), np.zeros((order, 1))), 1.0, "zoh")
    return transition, write


def test_legendre_is_the_published_memory_in_another_basis() -> None:
    order, window = 6, 25.0
    memory = legendre(1, order, window)
    transition, write = published_legendre(order, window)
    published = LinearMemory(write, transition)
    sequence = frames(200, 1)
    ours, theirs = memory.transform(sequence), published.transform(sequence)
    basis = np.linalg.lstsq(ours, theirs, rcond=None)[0].T
    np.testing.assert_allclose(ours @ basis.T, theirs, atol=1e-10)
    np.testing.assert_allclose(basis, np.tril(basis), atol=1e-9)  # nested: the first cells hold the low degrees
    assert np.linalg.norm(transition, 2) > 1


def test_legendre_recalls_a_slow_signal_from_the_middle_of_its_window() -> None:
    window = 40
    t = np.arange(400)
    sequence = np.sin(t / 9)[:, None] + np.cos(t / 23)[:, None]
    transition, write = published_legendre(8, window)
    legendre_at_the_middle = np.polynomial.legendre.legval(0, np.eye(8))  # of the window, taken as -1 to 1
    recalled = LinearMemory(write, transition).transform(sequence) @ legendre_at_the_middle
    # Half the window before the end of frame t lies the border between the frames t - 20 and t - 19.
    expected = (sequence[180:380, 0] + sequence[181:381, 0]) / 2
    np.testing.assert_allclose(recalled[200:], expected, atol=0.01)


@pytest.mark.parametrize(
    ("inputs", "size", "window"), [(1, 12, 12), (3, 20, 30), (25, 400, 32), (4, 4, 2.5), (1, 48, 96), (1, 100, 400)]
)
def test_legendre_keeps_every_input_apart_and_no_direction_grows(inputs: int, size: int, window: float) -> None:
    memory = legendre(inputs, size, window)
    assert memory.A.shape == (size, inputs)
    assert np.linalg.norm(memory.B, 2) <= 1 + 1e-6
    np.testing.assert_allclose(memory.A @ memory.A.T + memory.B @ memory.B.T, np.eye(size), atol=1e-6)
    written = memory.transform(np.eye(60, inputs)[::-1])[-1]  # the cells of each input: where it writes
    assert written.shape == (size,)
    cells = [np.flatnonzero(np.abs(memory.A[:, channel]) > 0) for channel in range(inputs)]
    assert [len(own) for own in cells] == [size // inputs + (channel < size % inputs) for channel in range(inputs)]
    for own in cells:
        others = np.setdiff1d(np.arange(size), own)
        assert not memory.B[np.ix_(own, others)].any()


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"5 cells cannot hold a frame of 6 inputs.*principal_components"):
        delay_line(6, 5)
    with pytest.raises(ValueError, match="cannot hold"):
        legendre(6, 5, 10)
    with pytest.raises(ValueError, match="5 per input: the window must have at least 5 frames"):
        legendre(2, 9, 4)
    with pytest.raises(ValueError, match="48 cells per input for 48 frames are more than double precision"):
        legendre(1, 48, 48)
    with pytest.raises(ValueError, match="explode"):
        orthogonal(2, 4, rng(), 1.1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        echo_state(2, 4, rng(), 1.0)
    with pytest.raises(ValueError, match="at least 1 input"):
        orthogonal(0, 4, rng())
    with pytest.raises(ValueError, match=r"\(2, inputs\)"):
        delay_line(2, 4).of(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="mean of its own"):
        replace(delay_line(2, 4), mean=np.ones(2)).of(np.zeros((2, 5)))
