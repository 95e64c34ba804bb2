"""The largest singular values of a history matrix, exactly, and its right singular vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import linalg
from threadpoolctl import threadpool_limits

from lmn_music.memory.history import HistoryMatrix, dense_history
from lmn_music.memory.sequences import FloatArray, as_sequences
from lmn_music.memory.shares import NOT_SHARED, Shared

_DENSE_WORK = 3e9  # rows * columns * min(rows, columns) up to which the SVD of the explicit matrix is faster
_BLOCK = 4  # vectors multiplied at once: more share one pass through memory, but each adds less that is new
_TOLERANCE = 1e-11  # residual of an eigenvalue of the Gram operator, relative to that eigenvalue
_ROUNDING = 1e-14  # the same relative to the largest eigenvalue: below it there is only rounding
_GRAM_RANK = 1e-7  # singular values below this share of the largest are lost when the matrix is squared
_MAX_RESTARTS = 300


class RankError(ValueError):
    """More components were asked for than the history matrix has.

    Attributes:
        count: how many were asked for.
        rank: how many it has.
    """

    def __init__(self, count: int, rank: int) -> None:
        super().__init__(
            f"n_components is {count}, but the history matrix of these sequences has rank {rank}; use at most {rank}"
        )
        self.count, self.rank = count, rank

    def __reduce__(self) -> tuple[type[RankError], tuple[int, int]]:
        # An exception is pickled by its message, which is not what this one is made of.
        return type(self), (self.count, self.rank)


def truncated_svd(
    sequences: Sequence[npt.ArrayLike], count: int, shared: Shared = NOT_SHARED
) -> tuple[FloatArray, FloatArray]:
    """Return the `count` largest singular values of the history matrix and their right singular vectors.

    Nothing is left out or approximated: eigenvalue residuals of the Gram matrix are below 1e-11 of the eigenvalue.
    Small matrices, and matrices of which a large share of the spectrum is wanted, are built and decomposed by LAPACK;
    otherwise block Lanczos runs on the Gram operator of the shorter side.

    Args:
        sequences: arrays (time, a), used as they are; the longest has T frames.
        count: how many singular values.
        shared: the processes of which each has a share of the sequences, this one's being `sequences`. Products with
            the history matrix add up over the shares, so all processes come to the same result.

    Returns:
        L (count,), descending, and U (a * T, count), orthonormal, each column with its entry of largest magnitude
        positive.

    Raises:
        RankError: if `count` exceeds the rank.
        numpy.linalg.LinAlgError: if Lanczos does not converge.
    """
    arrays = as_sequences(sequences, share=shared.size > 1)
    rows = sum(len(array) for array in arrays)
    columns = max(len(array) for array in arrays) * arrays[0].shape[1]
    shorter = min(rows, columns)
    basis = 5 * count // 2 + 5 * _BLOCK
    with threadpool_limits(1, user_api="blas"):  # the many small products lose far more to threads than they win
        if shared.size > 1:
            singular_values, U = _shared_svd(arrays, count, basis, shared)
            smallest = _GRAM_RANK
        elif rows * columns * shorter <= _DENSE_WORK or 2 * (basis + _BLOCK) > shorter:
            _, singular_values, U_transposed = linalg.svd(dense_history(arrays), full_matrices=False)
            U = U_transposed.T[:, :count].copy()
            smallest = max(rows, columns) * np.finfo(np.float64).eps
        else:
            singular_values, U = _iterative_svd(HistoryMatrix(arrays), count, basis, shared)
            smallest = _GRAM_RANK
    rank = int(np.count_nonzero(singular_values > smallest * singular_values[0]))
    if count > rank:
        raise RankError(count, rank)
    largest = U[np.abs(U).argmax(axis=0), np.arange(count)]
    return singular_values[:count], U * np.sign(largest)


def _iterative_svd(history: HistoryMatrix, count: int, basis: int, shared: Shared) -> tuple[FloatArray, FloatArray]:
    """Singular values and right singular vectors, from the eigenvectors of Xi' Xi or Xi Xi', whichever is smaller."""
    rows, columns = history.shape
    # All sequences are here, so `total` adds nothing up: `shared` may stop the work at each product.
    # The eigenvectors are taken once more through Xi itself: this undoes most of the loss of squaring it.
    if columns <= rows:
        U = leading_eigenvectors(lambda W: shared.total(history.rmatmat(history.matmat(W))), columns, count, basis)
        _, singular_values, rotation = linalg.svd(history.matmat(U), full_matrices=False, overwrite_a=True)
        return singular_values, U @ rotation.T
    V = leading_eigenvectors(lambda W: shared.total(history.matmat(history.rmatmat(W))), rows, count, basis)
    U, singular_values, _ = linalg.svd(history.rmatmat(V), full_matrices=False, overwrite_a=True)
    return singular_values, U


def _shared_svd(arrays: Sequence[FloatArray], count: int, basis: int, shared: Shared) -> tuple[FloatArray, FloatArray]:
    """Singular values and right singular vectors, from the eigenvectors of Xi' Xi, a sum over shares."""
    longest = int(shared.largest(np.array([max(map(len, arrays))], dtype=np.float64))[0])
    history = HistoryMatrix(arrays, longest)
    columns = history.shape[1]

    def gram(W: FloatArray) -> FloatArray:
        return shared.total(np.asarray(history.rmatmat(history.matmat(W))))

    if 2 * (basis + _BLOCK) > columns:
        U = linalg.eigh(gram(np.eye(columns)))[1][:, ::-1][:, :count]
    else:
        U = leading_eigenvectors(gram, columns, count, basis)
    # Once more through Xi, as above: its rows are shared out, so the triangles of their QR decompositions are joined.
    triangles = np.zeros((shared.size, U.shape[1], U.shape[1]))
    if history.shape[0]:
        triangle = linalg.qr(history.matmat(U), mode="r")[0][: U.shape[1]]
        triangles[shared.rank, : len(triangle)] = triangle
    _, singular_values, rotation = linalg.svd(np.concatenate(shared.total(triangles)), full_matrices=False)
    return singular_values, U @ rotation.T


def leading_eigenvectors(multiply: Callable[[FloatArray], FloatArray], size: int, count: int, basis: int) -> FloatArray:
    """Return orthonormal eigenvectors (size, count) of the largest eigenvalues of a positive semi-definite operator.

    Block Lanczos with thick restarts and full reorthogonalisation (Wu & Simon, SIAM J. Matrix Anal. Appl. 22, 2000),
    from a fixed start. On these operators it takes a half to two thirds of the time of scipy's eigsh and svds, which
    multiply one vector at a time and are bound by memory.

    Args:
        multiply: maps a block (size, b) to the operator times the block.
        size: the rows of the operator.
        count: how many eigenvectors.
        basis: the most vectors to keep, at least count + 8.

    Raises:
        numpy.linalg.LinAlgError: if it does not converge.
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
