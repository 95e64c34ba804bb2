"""Short-term memory capacity against theory: white noise, changes of basis, and the optimality of the LAES."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from lmn_music.memory.capacity import capacity
from lmn_music.memory.history import dense_history
from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.memory.linear import LinearMemory, principal_components
from lmn_music.memory.sequences import as_sequences
from lmn_music.memory.static import delay_line, echo_state, legendre, orthogonal
from lmn_music.memory.svd import truncated_svd
from lmn_music.memory.synthetic import structured, white_noise
from tests.memory.helpers import Array, rng


@pytest.fixture(scope="module")
def noise() -> tuple[list[Array], list[Array]]:
    """White noise to train on and to test on: 3 inputs, 40 frames a sequence."""
    sequences = white_noise(1000, 40, 3, rng())
    return sequences[:500], sequences[500:]


def walks(seed: int, count: int = 12, inputs: int = 3, longest: int = 30) -> list[Array]:
    """Random walks and their mirror images: the mean is 0 at every lag, and so is the intercept of a readout."""
    lengths = rng(seed).integers(longest // 2, longest + 1, count)
    some = [rng(seed + n).standard_normal((length, inputs)).cumsum(axis=0) for n, length in enumerate(lengths)]
    return [*some, *(-walk for walk in some)]


def block_energies(sequences: list[Array]) -> Array:
    """The squared norms of the blocks of the history matrix, one per lag."""
    explicit = dense_history(sequences)
    return np.square(explicit).reshape(len(explicit), -1, sequences[0].shape[1]).sum(axis=(0, 2))


def test_capacity_is_what_least_squares_finds() -> None:
    """The same by the book: explicit states and targets, ridge regression as ordinary least squares on extra rows."""
    lags, ridge = 12, 0.01
    sequences = [s + 0.7 for s in structured(40, 31, 4, rng(1), rank=2)]
    sequences = [s[: 31 - n] for n, s in enumerate(sequences[:30])] + sequences[30:]  # some shorter than all lags
    train, test = sequences[:30], sequences[30:]
    memory = echo_state(4, 9, rng(2))
    mean = np.concatenate(train).mean(axis=0)

    def states_and_targets(sequences: list[Array]) -> tuple[Array, Array]:
        states = np.concatenate([memory.transform(s) for s in sequences])
        return np.column_stack([states, np.ones(len(states))]), dense_history([s - mean for s in sequences])

    Y, X = states_and_targets(train)
    penalty = np.sqrt(ridge * len(Y) * Y[:, :-1].var(axis=0).mean()) * np.eye(9, 10)
    W = np.linalg.lstsq(np.vstack([Y, penalty]), np.vstack([X, np.zeros((9, X.shape[1]))]), rcond=None)[0]
    Y, X = states_and_targets(test)
    residual = (X - Y @ W[:, : X.shape[1]]).reshape(len(X), -1, 4)[:, :lags]
    expected = 1 - np.square(residual).sum(axis=(0, 2)) / np.square(X.reshape(len(X), -1, 4)[:, :lags]).sum(axis=(0, 2))
    found = capacity(memory.transform, train, test, lags, ridge)
    np.testing.assert_allclose(found.per_lag, expected.clip(min=0), atol=1e-10)
    assert found.total == pytest.approx(found.per_lag.sum())


@pytest.mark.parametrize("lags", [1, 2, 5, 33, 200])
def test_sequences_longer_than_a_block_are_read_across_its_borders(lags: int) -> None:
    sequences = white_noise(3, 777, 2, rng(3))
    found = capacity(delay_line(2, 10).transform, sequences, sequences, lags)
    np.testing.assert_allclose(found.per_lag[:5], 1, atol=1e-5)
    assert (found.per_lag[5:] < 0.03).all()


def test_a_delay_line_remembers_white_noise_up_to_its_length_and_then_nothing(
    noise: tuple[list[Array], list[Array]],
) -> None:
    found = capacity(delay_line(3, 30).transform, *noise, lags=40)
    np.testing.assert_allclose(found.per_lag[:10], 1, atol=1e-5)
    np.testing.assert_allclose(found.per_lag[10:], 0, atol=2e-3)


def test_the_capacity_for_white_noise_is_the_size_of_the_memory(noise: tuple[list[Array], list[Array]]) -> None:
    train, test = noise
    for size in (6, 24):
        memories = {
            "delay line": delay_line(3, size),
            "orthogonal": orthogonal(3, size, rng(1)),
            "orthogonal, fading": orthogonal(3, size, rng(2), 0.9),
            "legendre": legendre(3, size, 12),
            "LAES": LinearAutoencoder(size).fit(train),
        }
        for name, memory in memories.items():
            found = capacity(memory.transform, train, test, lags=40)
            assert found.total * 3 == pytest.approx(size, rel=0.02), name


def test_states_that_say_the_same_count_once(noise: tuple[list[Array], list[Array]]) -> None:
    memory = delay_line(3, 9)
    doubled = capacity(lambda s: np.repeat(memory.transform(s), 2, axis=1), *noise, lags=10)
    assert doubled.total * 3 == pytest.approx(9, rel=0.01)


def test_a_change_of_basis_changes_nothing() -> None:
    sequences = structured(60, 50, 4, rng(), rank=2)
    memory = legendre(4, 20, 15)
    T = rng(1).standard_normal((20, 20))
    turned = LinearMemory(T @ memory.A, T @ memory.B @ np.linalg.inv(T))
    expected = capacity(memory.transform, sequences[:40], sequences[40:], 30, ridge=1e-10)
    found = capacity(turned.transform, sequences[:40], sequences[40:], 30, ridge=1e-10)
    np.testing.assert_allclose(found.per_lag, expected.per_lag, atol=1e-5)
    shifted = capacity(lambda s: memory.transform(s) + 5, sequences[:40], sequences[40:], 30, ridge=1e-10)
    np.testing.assert_allclose(shifted.per_lag, expected.per_lag, atol=1e-5)


def test_no_memory_of_its_size_keeps_more_energy_than_the_code_of_the_autoencoder() -> None:
    """On the training data: sum_k MC_k |block k|^2 <= the p largest squared singular values of the history matrix."""
    size, sequences = 9, walks(0)
    lags = max(map(len, sequences))
    energies = block_energies(sequences)
    L, U = truncated_svd(sequences, size)

    def kept(encode: Callable[[Array], Array]) -> float:
        return float(capacity(encode, sequences, sequences, lags, ridge=1e-12).per_lag @ energies)

    def prefix_code(sequence: Array) -> Array:
        prefixes = dense_history([sequence])
        return prefixes @ U[: prefixes.shape[1]]

    optimum = float(np.square(L).sum())
    assert kept(prefix_code) == pytest.approx(optimum, rel=1e-9)
    fitted = LinearAutoencoder(size).fit(sequences)
    assert fitted.explained_energy_ == pytest.approx(optimum / energies.sum(), rel=1e-9)
    # The recursion of the autoencoder is only close to that code below full rank, yet ahead of the static memories.
    recursion = kept(fitted.transform)
    assert 0.9 * optimum < recursion <= optimum * (1 + 1e-9)
    for memory in (
        delay_line(3, size),
        delay_line(1, size).of(*principal_components(sequences, 1)),
        orthogonal(3, size, rng(1)),
        legendre(3, size, 20),
        echo_state(3, size, rng(2)),
    ):
        assert kept(memory.transform) < recursion


def test_at_full_rank_the_autoencoder_remembers_everything() -> None:
    sequences = walks(1, count=3, longest=12)
    rank = int(np.linalg.matrix_rank(dense_history(sequences)))
    lags = max(map(len, sequences))
    found = capacity(LinearAutoencoder(rank).fit(sequences).transform, sequences, sequences, lags, ridge=1e-12)
    np.testing.assert_allclose(found.per_lag, 1, atol=1e-6)


def test_a_larger_autoencoder_remembers_more() -> None:
    sequences = structured(60, 50, 8, rng(), rank=3)
    train, test = sequences[:45], sequences[45:]
    totals = [
        capacity(LinearAutoencoder(size).fit(train).transform, train, test, 40).total for size in (2, 4, 8, 16, 32)
    ]
    assert (np.diff(totals) > 0.5).all()
    # Structure pays: with white noise 32 cells hold 4 frames of 8 inputs.
    assert totals[-1] > 2 * 4


def test_noise_that_a_memory_knows_nothing_of_has_no_capacity() -> None:
    sequences = white_noise(40, 50, 2, rng())
    found = capacity(lambda s: rng(len(s)).standard_normal((len(s), 5)), sequences[:20], sequences[20:], 30)
    assert (found.per_lag >= 0).all()
    assert found.total < 0.1


def test_white_noise_is_white() -> None:
    sequences = white_noise(3, 5000, 4, rng())
    assert [s.shape for s in sequences] == [(5000, 4)] * 3
    np.testing.assert_allclose(np.cov(np.concatenate(sequences).T), np.eye(4), atol=0.06)
    np.testing.assert_allclose(sequences[0][1:].T @ sequences[0][:-1] / 5000, 0, atol=0.06)
    np.testing.assert_array_equal(white_noise(3, 5000, 4, rng())[2], sequences[2])


def test_structured_sequences_are_stationary_and_of_low_rank() -> None:
    clean = structured(2000, 6, 10, rng(), rank=2, radius=0.9, noise=0)
    assert np.linalg.matrix_rank(np.concatenate(clean), tol=1e-8) == 2
    stacked = np.array(clean)
    first, last = (np.square(stacked[:, t]).mean() for t in (0, -1))
    assert last == pytest.approx(first, rel=0.1)
    # The covariance of neighbours, 0.9 M Q M', is that of the frames, M M', turned and scaled by the radius.
    neighbours, frames = (stacked[:, t].T @ stacked[:, 0] / 2000 for t in (1, 0))
    singular = [np.linalg.svd(C, compute_uv=False)[:2].prod() for C in (neighbours, frames)]
    assert singular[0] / singular[1] == pytest.approx(0.9**2, rel=0.1)
    noisy = np.concatenate(structured(200, 50, 10, rng(), rank=2, noise=0.6))
    assert np.linalg.eigvalsh(np.cov(noisy.T))[:8].mean() == pytest.approx(0.36, rel=0.1)
    for wrong in ({"rank": 0}, {"rank": 2, "radius": 1.1}, {"rank": 2, "noise": -0.1}):
        with pytest.raises(ValueError, match="give a rank from 1"):
            structured(1, 5, 3, rng(), **wrong)  # type: ignore[arg-type]


def test_wrong_use_is_refused() -> None:
    songs, memory = white_noise(4, 10, 2, rng()), delay_line(2, 4)
    with pytest.raises(ValueError, match="longest test sequence has 10 frames, so give from 1 to 10"):
        capacity(memory.transform, songs, songs, 11)
    with pytest.raises(ValueError, match="2 inputs and test sequences 3"):
        capacity(memory.transform, songs, white_noise(1, 10, 3, rng()), 5)
    with pytest.raises(ValueError, match=r"\(10, 2\) have shape \(4,\)"):
        capacity(lambda s: memory.transform(s)[-1], songs, songs, 5)
    with pytest.raises(ValueError, match="must be finite"):
        capacity(lambda s: s * np.nan, songs, songs, 5)
    with pytest.raises(ValueError, match="never change"):
        capacity(np.ones_like, songs, songs, 5)
    with pytest.raises(ValueError, match="nothing to remember"):
        capacity(memory.transform, [np.eye(2), -np.eye(2)], [np.zeros((10, 2))], 5)
    with pytest.raises(ValueError, match="ridge must be above 0"):
        capacity(memory.transform, songs, songs, 5, ridge=0)


@pytest.mark.slow
def test_the_autoencoder_remembers_the_chorales_better_than_static_memories(
    benchmark_folder: Path, record_property: Callable[[str, object], None]
) -> None:
    file = scipy.io.loadmat(benchmark_folder / "JSB_Chorales.mat")
    train, test = as_sequences(file["traindata"][0]), as_sequences(file["testdata"][0])
    projection, mean = principal_components(train, 25)
    random = orthogonal(88, 100, rng(), 0.98)
    memories = {
        "LAES": LinearAutoencoder(100).fit(train),
        "orthogonal": LinearMemory(random.A, random.B, mean),
        "delay line": delay_line(25, 100).of(projection, mean),
        "legendre": legendre(25, 100, 8).of(projection, mean),
    }
    totals = {}
    for name, memory in memories.items():
        totals[name] = capacity(memory.transform, train, test, 20).total
        record_property(name, round(totals[name], 2))
    assert totals["LAES"] == pytest.approx(7.7, abs=0.2)
    assert max(totals[name] for name in ("orthogonal", "delay line", "legendre")) < 6


@pytest.mark.slow
def test_musedata(benchmark_folder: Path, record_property: Callable[[str, object], None]) -> None:
    file = scipy.io.loadmat(benchmark_folder / "MuseData.mat")
    train, test = as_sequences(file["traindata"][0]), as_sequences(file["testdata"][0])
    memory = orthogonal(88, 400, rng(), 0.98)
    start = time.perf_counter()
    found = capacity(memory.transform, train, test, 100)
    record_property("seconds", round(time.perf_counter() - start, 1))
    assert found.per_lag[0] > found.per_lag[20] > found.per_lag[50] > 0.05
