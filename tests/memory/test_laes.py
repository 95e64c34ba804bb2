"""The linear autoencoder against a dense SVD, and against what the theory says of it."""

import copy
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import scipy.io
from scipy.sparse.linalg import svds
from threadpoolctl import threadpool_limits

from lmn_music.memory import svd
from lmn_music.memory.history import HistoryMatrix, dense_history, squared_norm
from lmn_music.memory.laes import LinearAutoencoder, fit_autoencoder
from lmn_music.memory.sequences import pieces
from lmn_music.memory.svd import RankError, leading_eigenvectors, truncated_svd

Array = npt.NDArray[np.float64]


def random_sequences(seed: int, count: int, longest: int, inputs: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((inputs, inputs)) * 0.8 ** np.arange(inputs)  # some directions matter more than others
    lengths = [longest, *rng.integers(1, longest + 1, count - 1)]
    return [rng.standard_normal((length, inputs)) @ mixing.T + 0.7 for length in lengths]


def centred(sequences: list[Array]) -> list[Array]:
    mean = np.concatenate(sequences).mean(axis=0)
    return [sequence - mean for sequence in sequences]


@pytest.fixture(params=["dense", "iterative"])
def route(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Send a small problem down one of the two routes of truncated_svd."""
    monkeypatch.setattr(svd, "_DENSE_WORK", np.inf if request.param == "dense" else 0)
    return str(request.param)


@pytest.mark.parametrize(("songs", "inputs"), [(60, 6), (4, 40)], ids=["more rows", "more columns"])
@pytest.mark.usefixtures("route")
def test_weights_equal_those_of_a_dense_svd(songs: int, inputs: int) -> None:
    p, longest = 12, 60
    sequences = random_sequences(1, songs, longest, inputs)
    explicit = dense_history(centred(sequences))
    V, L, Ut = np.linalg.svd(explicit, full_matrices=False)
    V, L, U = V[:, :p], L[:p], Ut[:p].T
    # R moves the rows of each sequence down by one frame, S the blocks of a row.
    R = np.concatenate([np.eye(len(s), k=-1) @ rows for s, rows in zip(sequences, split(V, sequences), strict=True)])
    S = np.kron(np.eye(longest, k=-1), np.eye(inputs))
    fitted = LinearAutoencoder(p).fit(sequences)
    sign = np.sign(U[np.abs(U).argmax(axis=0), np.arange(p)])
    np.testing.assert_allclose(fitted.singular_values_, L, rtol=1e-10)
    np.testing.assert_allclose(fitted.A_, (U[:inputs] * sign).T, atol=1e-8)
    np.testing.assert_allclose(fitted.B_, (U * sign).T @ S @ (U * sign), atol=1e-8)
    np.testing.assert_allclose(fitted.B_, np.outer(sign / L, sign) * (V.T @ R * L), atol=1e-8)  # L^-1 V' R V L
    assert fitted.explained_energy_ == pytest.approx(np.square(L).sum() / np.square(explicit).sum(), rel=1e-12)
    assert np.linalg.norm(fitted.B_, 2) <= 1 + 1e-12


def split(rows: Array, sequences: list[Array]) -> list[Array]:
    """Cut what has a row per frame of all sequences into one part per sequence."""
    return np.split(rows, np.cumsum([len(sequence) for sequence in sequences])[:-1])


@pytest.mark.parametrize("centre", [True, False])
def test_at_full_rank_every_prefix_is_reconstructed_exactly(centre: bool) -> None:
    sequences = random_sequences(2, 7, 15, 3)
    explicit = dense_history(centred(sequences) if centre else sequences)
    rank = int(np.linalg.matrix_rank(explicit))
    fitted = LinearAutoencoder(rank, centre=centre).fit(sequences)
    for sequence in sequences:
        for t, state in enumerate(fitted.transform(sequence)):
            np.testing.assert_allclose(fitted.decode(state, t + 1), sequence[t::-1], atol=1e-9)
            np.testing.assert_allclose(fitted.decode(state, t + 3)[t + 1 :], [fitted.mean_] * 2, atol=1e-9)
    np.testing.assert_allclose(fitted.A_ @ fitted.A_.T + fitted.B_ @ fitted.B_.T, np.eye(rank), atol=1e-9)
    assert np.linalg.norm(fitted.B_, 2) == pytest.approx(1, abs=1e-9)
    assert fitted.explained_energy_ == pytest.approx(1, abs=1e-12)


def test_at_full_rank_the_states_of_the_training_set_are_the_codes_of_its_prefixes() -> None:
    sequences = random_sequences(3, 9, 20, 2)
    explicit = dense_history(centred(sequences))
    rank = int(np.linalg.matrix_rank(explicit))
    states = np.concatenate([LinearAutoencoder(rank).fit(sequences).transform(sequence) for sequence in sequences])
    L, U = truncated_svd(centred(sequences), rank)
    np.testing.assert_allclose(states, explicit @ U, atol=1e-9)  # U' xi_t, the rows of V L
    np.testing.assert_allclose(states.T @ states, np.diag(np.square(L)), atol=1e-9 * L[0] ** 2)


@pytest.mark.usefixtures("route")
def test_the_truncated_code_of_the_prefixes_is_optimal() -> None:
    p, sequences = 10, centred(random_sequences(4, 40, 50, 5))
    explicit = dense_history(sequences)
    L, U = truncated_svd(sequences, p)
    error = np.square(explicit - explicit @ U @ U.T).sum()
    assert error == pytest.approx(squared_norm(sequences) - np.square(L).sum(), rel=1e-10)
    rng = np.random.default_rng(0)
    for scale in (1e-2, 1.0, np.inf):  # bases close by and far away
        noise = rng.standard_normal(U.shape)
        other = np.linalg.qr(noise if scale == np.inf else U + scale * noise)[0]
        assert np.square(explicit - explicit @ other @ other.T).sum() > error


@pytest.mark.usefixtures("route")
def test_two_fits_are_equal_bit_for_bit() -> None:
    sequences = random_sequences(5, 50, 60, 5)
    first, second = (LinearAutoencoder(16).fit(sequences) for _ in range(2))
    for name in ("A_", "B_", "mean_", "singular_values_"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes(), name
    assert first.explained_energy_ == second.explained_energy_


@pytest.mark.usefixtures("route")
def test_the_order_of_the_sequences_does_not_matter() -> None:
    sequences = random_sequences(6, 50, 60, 5)
    forwards, backwards = LinearAutoencoder(8).fit(sequences), LinearAutoencoder(8).fit(sequences[::-1])
    np.testing.assert_allclose(forwards.singular_values_, backwards.singular_values_, rtol=1e-12)
    np.testing.assert_allclose(forwards.A_, backwards.A_, atol=1e-8)
    np.testing.assert_allclose(forwards.B_, backwards.B_, atol=1e-8)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_any_real_type_gives_the_weights_of_float64(dtype: type) -> None:
    rolls = [np.random.default_rng(seed).integers(0, 2, (20 + seed, 6)) for seed in range(5)]
    expected = LinearAutoencoder(7).fit([roll.astype(np.float64) for roll in rolls])
    fitted = LinearAutoencoder(7).fit([roll.astype(dtype) for roll in rolls])
    np.testing.assert_array_equal(fitted.B_, expected.B_)
    states = fitted.transform(rolls[0].astype(dtype))
    assert states.dtype == fitted.decode(states, 2).dtype == fitted.A_.dtype == np.float64
    assert states.shape == (20, 7)


def test_an_input_that_never_changes_is_remembered_by_the_mean_alone() -> None:
    sequences = random_sequences(7, 8, 12, 3)
    with_silence = [np.insert(sequence, 1, 0.5, axis=1) for sequence in sequences]
    plain, fitted = LinearAutoencoder(6).fit(sequences), LinearAutoencoder(6).fit(with_silence)
    np.testing.assert_array_equal(fitted.A_[:, 1], 0)
    np.testing.assert_allclose(np.delete(fitted.A_, 1, axis=1), plain.A_, atol=1e-12)
    np.testing.assert_allclose(fitted.B_, plain.B_, atol=1e-12)
    np.testing.assert_allclose(fitted.decode(fitted.transform(with_silence[0]), 4)[..., 1], 0.5, atol=1e-14)


def test_decode_takes_one_state_or_any_batch_of_them() -> None:
    fitted = LinearAutoencoder(5).fit(random_sequences(8, 6, 15, 3))
    states = np.random.default_rng(0).standard_normal((4, 2, 5))
    decoded = fitted.decode(states, 6)
    assert decoded.shape == (4, 2, 6, 3)
    for j in range(6):
        row = fitted.A_.T @ np.linalg.matrix_power(fitted.B_.T, j) @ states[3, 1] + fitted.mean_
        np.testing.assert_allclose(decoded[3, 1, j], row, atol=1e-12)
    np.testing.assert_allclose(fitted.decode(states[3, 1], 6), decoded[3, 1], atol=1e-12)
    assert fitted.decode(states, 0).shape == (4, 2, 0, 3)


def test_sequences_of_one_frame_leave_nothing_to_remember() -> None:
    fitted = LinearAutoencoder(3).fit(list(np.random.default_rng(0).standard_normal((20, 1, 3))))
    np.testing.assert_allclose(fitted.A_ @ fitted.A_.T, np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(fitted.B_, 0)


@pytest.mark.usefixtures("route")
def test_more_components_than_the_rank_are_refused() -> None:
    song = np.random.default_rng(0).standard_normal((30, 8))
    copies = [song] * 20  # 600 rows, 240 columns, but only 30 different rows
    assert LinearAutoencoder(5).fit(copies).singular_values_.shape == (5,)  # the Krylov space ends early: no harm
    fitted = LinearAutoencoder(30).fit(copies)
    np.testing.assert_allclose(fitted.decode(fitted.transform(song)[-1], 30), song[::-1], atol=1e-9)
    with pytest.raises(ValueError, match=r"n_components is 36, .* rank 30; use at most 30"):
        LinearAutoencoder(36).fit(copies)
    assert fit_autoencoder(copies, 36).n_components == 30
    assert fit_autoencoder(copies, 12).n_components == 12


def test_the_refusal_reaches_another_process_whole() -> None:
    error = copy.copy(RankError(36, 30))  # by the same protocol as pickle
    assert (type(error), str(error), error.rank) == (RankError, str(RankError(36, 30)), 30)


def test_the_rank_may_be_judged_anew_for_fewer_components(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fit(self: LinearAutoencoder, _: object, **_shared: object) -> LinearAutoencoder:
        asked.append(self.n_components)
        if self.n_components > 7:
            raise RankError(self.n_components, self.n_components // 2)
        return self

    monkeypatch.setattr(LinearAutoencoder, "fit", fit)
    assert fit_autoencoder([], 30).n_components == 7
    assert asked == [30, 15, 7]


def test_pieces_hold_every_frame_once() -> None:
    sequences = [np.random.default_rng(0).standard_normal((length, 3)) for length in (20, 5, 14)]
    cut = pieces(sequences, 8)
    assert [len(piece) for piece in cut] == [8, 8, 4, 5, 8, 6]  # none spans two of them
    np.testing.assert_array_equal(np.concatenate(cut), np.concatenate(sequences))
    assert pieces(sequences, 0) == sequences


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([], "empty"),
        ([np.zeros((4, 3)), np.zeros((5, 2))], "same width"),
        ([np.array([[0.0, np.nan]])], "NaN"),
        ([np.ones((4, 3)), np.ones((2, 3))], "every frame is the same"),
    ],
)
def test_data_that_cannot_be_fitted_is_refused(sequences: list[Array], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LinearAutoencoder(2).fit(sequences)


def test_wrong_use_is_refused() -> None:
    for size in (0, 2.0, 0.5, "auto", None):
        with pytest.raises(ValueError, match=f"n_components must be a whole number of at least 1, not {size!r}"):
            LinearAutoencoder(size).fit([np.eye(3)])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="call fit first"):
        LinearAutoencoder(2).transform(np.zeros((3, 4)))
    fitted = LinearAutoencoder(2).fit(random_sequences(9, 4, 8, 3))
    with pytest.raises(ValueError, match=r"\(time, 3\), not \(5, 4\)"):
        fitted.transform(np.zeros((5, 4)))
    with pytest.raises(ValueError, match=r"\(\.\.\., 2\), not \(3,\)"):
        fitted.decode(np.zeros(3), 1)
    with pytest.raises(ValueError, match="0 or more"):
        fitted.decode(np.zeros(2), -1)


def test_block_lanczos_finds_every_copy_of_a_repeated_eigenvalue() -> None:
    eigenvalues = np.concatenate([[9, 9, 9, 7, 7, 5, 5, 5, 5], np.linspace(4, 0, 191)])
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((200, 200)))[0]
    operator = rotation * eigenvalues @ rotation.T
    found = leading_eigenvectors(lambda W: operator @ W, 200, 9, 40)
    np.testing.assert_allclose(found.T @ found, np.eye(9), atol=1e-12)
    np.testing.assert_allclose(np.diag(found.T @ operator @ found), eigenvalues[:9], rtol=1e-12)


def rolls(folder: Path, name: str) -> list[npt.NDArray[np.uint8]]:
    return list(scipy.io.loadmat(folder / name)["traindata"][0])


@pytest.mark.slow
def test_singular_values_of_the_chorales_equal_those_of_propack(benchmark_folder: Path) -> None:
    songs = rolls(benchmark_folder, "JSB_Chorales.mat")
    fitted = LinearAutoencoder(50).fit(songs)
    history = HistoryMatrix([song - fitted.mean_ for song in songs])
    start = np.random.default_rng(1).standard_normal(history.shape[0])
    with threadpool_limits(1, user_api="blas"):
        expected = svds(history, 50, solver="propack", tol=0, v0=start, return_singular_vectors=False)
    np.testing.assert_allclose(fitted.singular_values_, np.sort(expected)[::-1], rtol=1e-10)


@pytest.mark.slow
def test_musedata(benchmark_folder: Path, record_property: Callable[[str, object], None]) -> None:
    songs = rolls(benchmark_folder, "MuseData.mat")
    start = time.perf_counter()
    fitted = LinearAutoencoder(50).fit(songs)
    record_property("seconds", round(time.perf_counter() - start, 1))
    assert fitted.A_.shape == (50, 88)
    assert fitted.B_.shape == (50, 50)
    assert 0.07 < fitted.explained_energy_ < 0.08
    assert np.linalg.norm(fitted.B_, 2) == pytest.approx(1, abs=1e-4)
    assert np.linalg.norm(fitted.B_, 2) <= 1 + 1e-12
    assert np.isfinite(fitted.transform(songs[0])).all()
