"""The operator against the matrix it stands for."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmn_music.memory.history import HistoryMatrix, dense_history, squared_norm

Sequences = list[npt.NDArray[np.float64]]


@st.composite
def uneven_sequences(draw: st.DrawFn) -> Sequences:
    inputs = draw(st.integers(1, 4))
    lengths = draw(st.lists(st.integers(0, 40), min_size=1, max_size=25).filter(any))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return [rng.standard_normal((length, inputs)) for length in lengths]


def test_a_history_matrix_written_out_by_hand() -> None:
    sequences = [np.array([[1, 2], [3, 4], [5, 6]]), np.array([[7, 8]])]
    expected = [[1, 2, 0, 0, 0, 0], [3, 4, 1, 2, 0, 0], [5, 6, 3, 4, 1, 2], [7, 8, 0, 0, 0, 0]]
    np.testing.assert_array_equal(dense_history(sequences), expected)
    np.testing.assert_allclose(HistoryMatrix(sequences) @ np.eye(6), expected, atol=1e-14)


@settings(max_examples=60)
@given(sequences=uneven_sequences(), columns=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
def test_products_equal_those_of_the_explicit_matrix(sequences: Sequences, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    history, explicit = HistoryMatrix(sequences), dense_history(sequences)
    assert history.shape == explicit.shape
    W, V = rng.standard_normal((explicit.shape[1], columns)), rng.standard_normal((explicit.shape[0], columns))
    np.testing.assert_allclose(history.matmat(W), explicit @ W, atol=1e-11)
    np.testing.assert_allclose(history.rmatmat(V), explicit.T @ V, atol=1e-11)
    np.testing.assert_allclose(history.matvec(W[:, 0]), explicit @ W[:, 0], atol=1e-11)
    np.testing.assert_allclose(history.rmatvec(V[:, 0]), explicit.T @ V[:, 0], atol=1e-11)


def test_products_do_not_depend_on_the_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    history = HistoryMatrix([rng.standard_normal((length, 3)) for length in (5, 40, 41, 90, 200, 700)])
    W, V = rng.standard_normal((history.shape[1], 4)), rng.standard_normal((history.shape[0], 4))
    products = []
    for cores in (1, 2, 5):
        monkeypatch.setattr("lmn_music.memory.history._cores", lambda cores=cores: cores)
        products.append((history.matmat(W), history.rmatmat(V)))
    for here, there in products[1:]:
        np.testing.assert_array_equal(here, products[0][0])
        np.testing.assert_array_equal(there, products[0][1])


def test_rmatvec_is_the_adjoint_of_matvec_where_the_matrix_is_too_large_to_build() -> None:
    rng = np.random.default_rng(0)
    lengths = [3000, 1700, 40, 1, *rng.integers(100, 500, 30)]
    history = HistoryMatrix([rng.standard_normal((length, 12)) for length in lengths])
    assert history.shape == (sum(lengths), 36000)
    v, w = rng.standard_normal(history.shape[1]), rng.standard_normal(history.shape[0])
    assert (history.matvec(v) @ w) == pytest.approx(v @ history.rmatvec(w), rel=1e-11)


@given(sequences=uneven_sequences())
def test_squared_norm_is_that_of_the_explicit_matrix(sequences: Sequences) -> None:
    assert squared_norm(sequences) == pytest.approx(np.square(dense_history(sequences)).sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([], "empty"),
        ([np.zeros((0, 3))], "no frames"),
        ([np.zeros((4, 0))], "no frames or no inputs"),
        ([np.zeros((4, 3)), np.zeros((5, 2))], "sequence 1 has 2 inputs and sequence 0 has 3"),
        ([np.zeros((4, 3)), np.full((2, 3), np.nan)], "sequence 1 has entries that are NaN or infinite"),
        ([np.full((2, 3), np.inf)], "infinite"),
        (np.zeros((4, 3)), r"sequence 0 has shape \(3,\)"),
        ([np.zeros((4, 3), dtype=complex)], "dtype complex"),
        ([np.array([["a", "b"]])], "dtype"),
    ],
)
def test_what_is_no_set_of_sequences_is_refused(sequences: Sequences, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HistoryMatrix(sequences)
