"""The history matrix of a set of sequences, as a linear operator that is never built.

The history matrix Xi (Sperduti 2013; Carta, Sperduti, Bacciu 2021, arXiv 2001.11771) has one row for each frame t of
each sequence: the reversed prefix [x_t, x_{t-1}, ..., x_1, 0, ..., 0]. Inside a sequence it is block-Toeplitz, so
Xi W is a causal convolution of the sequence with W and Xi' V a correlation with V, both done by FFT in float64.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import fft
from scipy.sparse.linalg import LinearOperator

from lmn_music.memory.sequences import FloatArray, as_sequences

_T = TypeVar("_T")

# What a bucket costs besides its sequences, counted in sequences: the right-hand side is transformed once per bucket,
# for every input, which was measured to take as long as the products of 16 sequences do.
_BUCKET_COST = 16
_COLUMNS_AT_ONCE = 8  # bounds the memory of a product; wider blocks are no faster


class _Bucket(NamedTuple):
    length: int  # frames of its longest sequence
    fft_length: int
    rows: list[slice]  # where each sequence has its rows in the history matrix
    spectrum: npt.NDArray[np.complex128]  # (frequency, sequence, input)


class HistoryMatrix(LinearOperator):  # type: ignore[misc]
    """The history matrix of sequences, shape (frames of all sequences, longest length * inputs), float64.

    Rows follow the order of the sequences and of time. Column `lag * inputs + i` holds input i, `lag` frames back.
    Products cost O(n log n) in the frames; the spectra of the sequences, about 20 bytes per frame and input, are kept.

    Args:
        sequences: arrays (time, inputs), real or bool, of any lengths; a sequence of length 0 has no rows.
        longest: for a share of all sequences, the frames of the longest of all, or else columns would be missing.

    Attributes:
        inputs: the width of the sequences.
        longest: the frames of the longest sequence.

    Raises:
        ValueError: as `as_sequences` does.
    """

    def __init__(self, sequences: Sequence[npt.ArrayLike], longest: int | None = None) -> None:
        arrays = as_sequences(sequences, share=longest is not None)
        lengths = np.array([len(array) for array in arrays])
        ends = np.cumsum(lengths)
        self.inputs = arrays[0].shape[1]
        self.longest = int(lengths.max()) if longest is None else longest
        self._buckets: list[_Bucket] = []
        for members in _buckets(lengths):
            length = int(lengths[members[0]])
            fft_length = _fft_length(length)
            padded = np.zeros((length, len(members), self.inputs))
            for place, index in enumerate(members):
                padded[: lengths[index], place] = arrays[index]
            spectrum = np.ascontiguousarray(fft.rfft(padded, fft_length, axis=0))
            rows = [slice(int(ends[index] - lengths[index]), int(ends[index])) for index in members]
            self._buckets.append(_Bucket(length, fft_length, rows, spectrum))
        super().__init__(np.float64, (int(ends[-1]), self.longest * self.inputs))

    def _matmat(self, W: npt.NDArray[np.float64]) -> FloatArray:
        """Return Xi W, shape (rows, k): output t of a sequence is the sum over lags of x_{t-lag} W_lag."""
        product = np.empty((self.shape[0], W.shape[1]))
        for columns in _column_blocks(W.shape[1]):
            taps = np.ascontiguousarray(W[:, columns], dtype=np.float64).reshape(self.longest, self.inputs, -1)

            def convolve(bucket: _Bucket, columns: slice = columns, taps: FloatArray = taps) -> None:
                convolved = bucket.spectrum @ fft.rfft(taps[: bucket.length], bucket.fft_length, axis=0)
                frames = fft.irfft(convolved, bucket.fft_length, axis=0, overwrite_x=True)
                for place, span in enumerate(bucket.rows):
                    product[span, columns] = frames[: span.stop - span.start, place]

            for _ in self._for_each_bucket(convolve):
                pass
        return product

    def _rmatmat(self, V: npt.NDArray[np.float64]) -> FloatArray:
        """Return Xi' V, shape (columns, k): block `lag` is the sum over frames of x_{t-lag} v_t'."""
        product = np.zeros((self.shape[1], V.shape[1]))
        for columns in _column_blocks(V.shape[1]):
            total = np.zeros((self.longest, self.inputs, columns.stop - columns.start))

            def correlate(bucket: _Bucket, columns: slice = columns) -> FloatArray:
                frames = np.zeros((bucket.length, len(bucket.rows), columns.stop - columns.start))
                for place, span in enumerate(bucket.rows):
                    frames[: span.stop - span.start, place] = V[span, columns]
                # conj(spectrum)' times the transform, with the two small factors conjugated in place of the large one
                transformed = fft.rfft(frames, bucket.fft_length, axis=0)
                correlated = bucket.spectrum.swapaxes(1, 2) @ np.conj(transformed, out=transformed)
                np.conj(correlated, out=correlated)
                lags: FloatArray = fft.irfft(correlated, bucket.fft_length, axis=0, overwrite_x=True)[: bucket.length]
                return lags

            for lags in self._for_each_bucket(correlate):
                total[: len(lags)] += lags
            product[:, columns] = total.reshape(self.shape[1], -1)
        return product

    def _for_each_bucket(self, work: Callable[[_Bucket], _T]) -> Iterator[_T]:
        """Yield what comes of each bucket, in their order, so that sums do not depend on the number of cores."""
        with ThreadPoolExecutor(_cores()) as pool:
            yield from pool.map(work, self._buckets)

    def _matvec(self, w: npt.NDArray[np.float64]) -> FloatArray:
        return self._matmat(w.reshape(-1, 1)).ravel()

    def _rmatvec(self, v: npt.NDArray[np.float64]) -> FloatArray:
        return self._rmatmat(v.reshape(-1, 1)).ravel()


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _fft_length(length: int) -> int:
    """Return a fast FFT length at which the convolution of two sequences of `length` frames does not wrap around."""
    return int(fft.next_fast_len(2 * length - 1, real=True))


def _buckets(lengths: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Split the indices of all sequences with frames into buckets of similar length, each longest first.

    The split is the cheapest one (dynamic programming over the sorted lengths) where a bucket of S sequences costs
    its FFT length * (_BUCKET_COST + S).
    """
    order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    count = len(order)
    cheapest = np.zeros(count + 1)  # cost of all sequences from this one on
    end = np.zeros(count, dtype=np.int64)  # where the bucket that starts here ends
    for first in range(count - 1, -1, -1):
        sizes = np.arange(1, count - first + 1)
        costs = _fft_length(int(lengths[order[first]])) * (_BUCKET_COST + sizes) + cheapest[first + 1 :]
        end[first] = first + 1 + costs.argmin()
        cheapest[first] = costs.min()
    buckets, first = [], 0
    while first < count:
        buckets.append(order[first : end[first]])
        first = int(end[first])
    return buckets


def _column_blocks(columns: int) -> list[slice]:
    return [slice(first, min(first + _COLUMNS_AT_ONCE, columns)) for first in range(0, columns, _COLUMNS_AT_ONCE)]


def dense_history(sequences: Sequence[npt.ArrayLike]) -> FloatArray:
    """Return the history matrix of sequences itself, as `HistoryMatrix` describes it. For small problems only.

    Args:
        sequences: arrays (time, inputs) of any lengths.

    Returns:
        (frames of all sequences, longest length * inputs), float64.

    Raises:
        ValueError: as `as_sequences` does.

    Example:
        >>> dense_history([[[1.0], [2.0], [3.0]]])
        array([[1., 0., 0.],
               [2., 1., 0.],
               [3., 2., 1.]])
    """
    arrays = as_sequences(sequences)
    longest = max(len(array) for array in arrays)
    parts = []
    for array in arrays:
        part = np.zeros((len(array), longest, array.shape[1]))
        for lag in range(len(array)):
            part[lag:, lag] = array[: len(array) - lag]
        parts.append(part.reshape(len(array), longest * array.shape[1]))
    return np.concatenate(parts)


def squared_norm(sequences: Sequence[npt.ArrayLike]) -> float:
    """Return the squared Frobenius norm of the history matrix of sequences.

    This is the sum of (L - t) |x_t|^2, t = 0, ..., L - 1: frame t of a sequence of length L stands in L - t prefixes.

    Args:
        sequences: arrays (time, inputs) of any lengths.

    Returns:
        The sum of the squares of all entries.

    Raises:
        ValueError: as `as_sequences` does.
    """
    arrays = as_sequences(sequences, share=True)
    return float(sum(np.arange(len(array), 0, -1) @ np.square(array).sum(axis=1) for array in arrays))
