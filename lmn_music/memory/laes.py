"""The linear autoencoder for sequences (LAES): the optimal linear memory of given size, in closed form.

Sources: Sperduti, "Linear autoencoder networks for structured data", 2013; Pasa & Sperduti, NIPS 2014; Carta,
Sperduti, Bacciu, "Encoding-based memory for recurrent neural networks", Neurocomputing 2021 (arXiv 2001.11771).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import linalg
from threadpoolctl import threadpool_limits

from lmn_music.memory.history import FloatArray, HistoryMatrix, as_sequences, dense_history, squared_norm
from lmn_music.memory.static import LinearMemory

_DENSE_WORK = 3e9  # rows * columns * min(rows, columns) up to which the SVD of the explicit matrix is faster
_BLOCK = 4  # vectors multiplied at once: as many share one pass through memory, but each then brings less news
_TOLERANCE = 1e-11  # residual of an eigenvalue of the Gram operator, relative to that eigenvalue
_ROUNDING = 1e-14  # the same relative to the largest eigenvalue: below it there is only rounding
_GRAM_RANK = 1e-7  # singular values below this share of the largest are lost when the matrix is squared
_MAX_RESTARTS = 300


class RankError(ValueError):
    """More components were asked for than the history matrix has; `rank` is how many it has."""

    def __init__(self, count: int, rank: int) -> None:
        super().__init__(
            f"n_components is {count}, but the history matrix of these sequences has rank {rank}; use at most {rank}"
        )
        self.rank = rank


class LinearAutoencoder:
    """Linear autoencoder for sequences with a state of `n_components` numbers, fitted exactly (no gradient descent).

        encode   y_t = A (x_t - mean) + B y_{t-1},  y_0 = 0
        decode   x_t ~ A' y_t + mean,  y_{t-1} ~ B' y_t

    n_components: p, the size of the state; from 1 to the rank of the history matrix.
    centre: subtract the mean over all frames of the training set from every input; otherwise the mean is 0.

    With the truncated SVD Xi = V L U' of the history matrix, xi_t = P x_t + S xi_{t-1} (P puts a frame into the first
    block, S moves all blocks down by one) and y_t = U' xi_t give

        A = U' P = (first a rows of U)',    B = U' S U = L^-1 V' R V L

    where R moves the rows of each sequence down by one frame (row t becomes row t-1, row 1 becomes 0). The two forms of
    B agree at every rank because R Xi = Xi S; U_shift' U with U_shift = S U is its transpose B'. At full rank the
    decoder is exact, A A' + B B' = I and |B|_2 = 1 (if p > a); below it U' is the best rank-p code of the prefixes and
    |B|_2 <= 1. The sign of each column of U is fixed: its entry of largest magnitude is positive.

    Attributes after `fit`, float64: A (p, a), B (p, p), mean (a,), singular_values (p,) in descending order,
    explained_energy, the share of the squared Frobenius norm of Xi that the p components keep (0 to 1).
    """

    A: FloatArray
    B: FloatArray
    mean: FloatArray
    singular_values: FloatArray
    explained_energy: float

    def __init__(self, n_components: int, *, centre: bool = True) -> None:
        if n_components < 1:
            raise ValueError(f"n_components must be at least 1, not {n_components}")
        self.n_components = n_components
        self.centre = centre

    def fit(self, sequences: Sequence[npt.ArrayLike]) -> Self:
        """Fit to `sequences`, arrays (time, a) of any lengths, real or bool. The same data gives the same bits.

        Raises ValueError for sequences that are empty, of different widths or not finite, and for n_components above
        the rank of the history matrix. On large problems singular values below 1e-7 of the largest count as zero.
        """
        arrays = as_sequences(sequences)
        frames = sum(len(array) for array in arrays)
        inputs = arrays[0].shape[1]
        mean = sum(array.sum(axis=0) for array in arrays) / frames if self.centre else np.zeros(inputs)
        # An input that is always at its mean (a key never played) is a zero column of every block: leave it out.
        low = np.min([array.min(axis=0) for array in arrays if len(array)], axis=0)
        high = np.max([array.max(axis=0) for array in arrays if len(array)], axis=0)
        used = low < high if self.centre else (low != 0) | (high != 0)
        if not used.any():
            raise ValueError("every frame is the same, so there is nothing to remember; give sequences that vary")
        arrays = [array[:, used] - mean[used] for array in arrays]
        energy = squared_norm(arrays)
        singular_values, U = truncated_svd(arrays, self.n_components)
        width = arrays[0].shape[1]
        self.A = np.zeros((self.n_components, inputs))
        self.A[:, used] = U[:width].T
        with threadpool_limits(1, user_api="blas"):  # another number of threads would add up in another order
            self.B = U[width:].T @ U[: len(U) - width]
        self.mean = mean
        self.singular_values = singular_values
        self.explained_energy = float(np.sum(np.square(singular_values)) / energy)
        return self

    def encode(self, sequence: npt.ArrayLike) -> FloatArray:
        """Return the states (time, p) of a sequence (time, a), starting from y_0 = 0."""
        self._check_fitted()
        return LinearMemory(self.A, self.B, self.mean).encode(sequence)

    def decode(self, state: npt.ArrayLike, steps: int) -> FloatArray:
        """Return the last `steps` inputs that a state holds, most recent first: row j is A' (B')^j y + mean.

        state: (..., p), one state or any batch of them; the result has shape (..., steps, a). Frames before the start
        of the sequence come out as the mean (exactly at full rank).
        """
        self._check_fitted()
        current = np.asarray(state, dtype=np.float64)
        if current.ndim == 0 or current.shape[-1] != self.n_components:
            raise ValueError(f"a state to decode has shape (..., {self.n_components}), not {current.shape}")
        if steps < 0:
            raise ValueError(f"steps must be 0 or more, not {steps}")
        decoded = np.empty((*current.shape[:-1], steps, len(self.mean)))
        for j in range(steps):
            decoded[..., j, :] = current @ self.A + self.mean  # row vectors: (A' y)' = y' A, (B' y)' = y' B
            current = current @ self.B
        return decoded

    def _check_fitted(self) -> None:
        if not hasattr(self, "A"):
            raise ValueError("this LinearAutoencoder is not fitted yet; call fit first")


def fit_autoencoder(sequences: Sequence[npt.ArrayLike], size: int, *, centre: bool = True) -> LinearAutoencoder:
    """Return the LAES of `size` cells, or of the history's rank if that is less: then its state holds all of the past.

    Raises ValueError as `LinearAutoencoder.fit` does.
    """
    while True:  # of fewer components the rank may come out lower: another algorithm judges it
        try:
            return LinearAutoencoder(size, centre=centre).fit(sequences)
        except RankError as error:
            size = error.rank


def pieces(sequences: Sequence[FloatArray], length: int) -> list[FloatArray]:
    """Return the sequences (time, a) in pieces of `length` frames, the last ones shorter; of length 0 as they are.

    An autoencoder of pieces spends no cell on what is further back than their length.
    """
    if not length:
        return list(sequences)
    return [sequence[start : start + length] for sequence in sequences for start in range(0, len(sequence), length)]


def truncated_svd(sequences: Sequence[npt.ArrayLike], count: int) -> tuple[FloatArray, FloatArray]:
    """Return the `count` largest singular values of the history matrix and their right singular vectors.

    sequences: arrays (time, a), used as they are. Returns L (count,), descending, and U (a * T, count), orthonormal,
    each column with its entry of largest magnitude positive. Nothing is left out or approximated: eigenvalue
    residuals of the Gram matrix are below 1e-11 of the eigenvalue.

    Small matrices, and ones of which a large share of the spectrum is wanted, are built and decomposed by LAPACK;
    otherwise block Lanczos runs on the Gram operator of the shorter side. Raises ValueError if `count` exceeds the
    rank, and numpy's LinAlgError if Lanczos does not converge.
    """
    arrays = as_sequences(sequences)
    rows = sum(len(array) for array in arrays)
    columns = max(len(array) for array in arrays) * arrays[0].shape[1]
    shorter = min(rows, columns)
    basis = 5 * count // 2 + 5 * _BLOCK
    with threadpool_limits(1, user_api="blas"):  # the many small products lose far more to threads than they win
        if rows * columns * shorter <= _DENSE_WORK or 2 * (basis + _BLOCK) > shorter:
            _, singular_values, U_transposed = linalg.svd(dense_history(arrays), full_matrices=False)
            U = U_transposed.T[:, :count].copy()
            smallest = max(rows, columns) * np.finfo(np.float64).eps
        else:
            singular_values, U = _iterative_svd(HistoryMatrix(arrays), count, basis)
            smallest = _GRAM_RANK
    rank = int(np.count_nonzero(singular_values > smallest * singular_values[0]))
    if count > rank:
        raise RankError(count, rank)
    largest = U[np.abs(U).argmax(axis=0), np.arange(count)]
    return singular_values[:count], U * np.sign(largest)


def _iterative_svd(history: HistoryMatrix, count: int, basis: int) -> tuple[FloatArray, FloatArray]:
    """Singular values and right singular vectors, from the eigenvectors of Xi' Xi or Xi Xi', whichever is smaller."""
    rows, columns = history.shape
    # The eigenvectors are taken once more through Xi itself: this undoes most of the loss of squaring it.
    if columns <= rows:
        U = leading_eigenvectors(lambda W: history.rmatmat(history.matmat(W)), columns, count, basis)
        _, singular_values, rotation = linalg.svd(history.matmat(U), full_matrices=False, overwrite_a=True)
        return singular_values, U @ rotation.T
    V = leading_eigenvectors(lambda W: history.matmat(history.rmatmat(W)), rows, count, basis)
    U, singular_values, _ = linalg.svd(history.rmatmat(V), full_matrices=False, overwrite_a=True)
    return singular_values, U


def leading_eigenvectors(multiply: Callable[[FloatArray], FloatArray], size: int, count: int, basis: int) -> FloatArray:
    """Return orthonormal eigenvectors (size, count) of the largest eigenvalues of a positive semi-definite operator.

    multiply: maps a block (size, b) to the operator times it. basis: the most vectors to keep, at least count + 8.
    Block Lanczos with thick restarts and full reorthogonalisation (Wu & Simon, SIAM J. Matrix Anal. Appl. 22, 2000),
    from a fixed start. On these operators it takes a half to two thirds of the time of scipy's eigsh and svds: those
    multiply one vector at a time, which is bound by memory. Raises numpy's LinAlgError if it does not converge.
    """
    block = _BLOCK
    Q = np.empty((size, basis + block), order="F")
    H = np.zeros((basis + block, basis + block))  # Q' operator Q
    start = np.random.default_rng(0).standard_normal((size, block))
    Q[:, :block] = linalg.qr(start, mode="economic")[0]
    kept = 0
    for _ in range(_MAX_RESTARTS):
        done = kept  # columns of Q that have been multiplied; the newest block comes right after them
        while done + block <= basis:
            new = slice(done, done + block)
            W = np.asfortranarray(multiply(Q[:, new]))
            # The operator is symmetric, so the product can only reach back to the previous block, or, right after a
            # restart, to all kept vectors; a second pass over all of Q removes what rounding has let in.
            near = slice(0 if done == kept else done - block, new.stop)
            H[near, new] = _remove(W, Q[:, near])
            H[: new.stop, new] += _remove(W, Q[:, : new.stop])
            H[new, : new.stop] = H[: new.stop, new].T
            W, R = linalg.qr(W, mode="economic", overwrite_a=True)
            if np.abs(np.diagonal(R)).min() <= 1e-6 * np.linalg.norm(H):
                # The block has (nearly) lost rank: QR filled it up with rounding, which need not be new. Make it so.
                _remove(W, Q[:, : new.stop])
                _remove(W, Q[:, : new.stop])
                W, correction = linalg.qr(W, mode="economic", overwrite_a=True)
                R = correction @ R
            done += block
            Q[:, done : done + block] = W
        eigenvalues, S = linalg.eigh(H[:done, :done])
        eigenvalues, S = eigenvalues[::-1], np.ascontiguousarray(S[:, ::-1])
        coupling = R @ S[done - block : done]  # what the operator makes of each Ritz vector outside Q
        residuals = np.linalg.norm(coupling[:, :count], axis=0)
        if (residuals <= np.maximum(_TOLERANCE * eigenvalues[:count], _ROUNDING * eigenvalues[0])).all():
            return np.asarray(Q[:, :done] @ S[:, :count])
        kept = (count + basis) // 2
        for first in range(0, size, 16384):  # in place, to keep one copy of the basis
            Q[first : first + 16384, :kept] = Q[first : first + 16384, :done] @ S[:, :kept]
        Q[:, kept : kept + block] = W
        H[:] = 0
        np.fill_diagonal(H[:kept, :kept], eigenvalues[:kept])
    raise np.linalg.LinAlgError(f"no convergence to {count} eigenvectors after {_MAX_RESTARTS} restarts")


def _remove(W: FloatArray, Q: FloatArray) -> FloatArray:
    """Take the components along the columns of Q out of W, in place, and return them."""
    components = Q.T @ W
    W -= Q @ components
    return np.asarray(components)
