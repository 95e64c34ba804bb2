"""The history matrix of a set of sequences, as a linear operator that is never built.

The history matrix Xi (Sperduti 2013; Carta, Sperduti, Bacciu 2021, arXiv 2001.11771) has one row for each frame t of
each sequence: the reversed prefix [x_t, x_{t-1}, ..., x_1, 0, ..., 0]. Inside a sequence it is block-Toeplitz, so
Xi W is a causal convolution of the sequence with W and Xi' V a correlation with V, both done by FFT in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import fft
from scipy.sparse.linalg import LinearOperator

FloatArray = npt.NDArray[np.float64]

# Sequences share an FFT length down to this fraction of the longest one in their bucket. Smaller: less transforming of
# the right-hand side, once per bucket; larger: less padding. The product takes about the same time from 0.5 to 0.65.
_SHORTEST_IN_BUCKET = 0.6
_COLUMNS_AT_ONCE = 8  # bounds the memory of a product; wider blocks are no faster


class _Bucket(NamedTuple):
    length: int  # frames of its longest sequence
    fft_length: int
    rows: list[slice]  # where each sequence has its rows in the history matrix
    spectrum: npt.NDArray[np.complex128]  # (frequency, sequence, input)


class HistoryMatrix(LinearOperator):  # type: ignore[misc]
    """The history matrix of `sequences`, shape (frames of all sequences, longest length * inputs), float64.

    sequences: arrays (time, inputs), real or bool, of any lengths; a sequence of length 0 has no rows.
    Rows follow the order of the sequences and of time. Column `lag * inputs + i` holds input i, `lag` frames back.
    Products cost O(n log n) in the frames; the spectra of the sequences, about 20 bytes per frame and input, are kept.

    Raises ValueError where `as_sequences` does.
    """

    def __init__(self, sequences: Sequence[npt.ArrayLike]) -> None:
        arrays = as_sequences(sequences)
        lengths = np.array([len(array) for array in arrays])
        ends = np.cumsum(lengths)
        self.inputs = arrays[0].shape[1]
        self.longest = int(lengths.max())
        self._buckets: list[_Bucket] = []
        longest_first = [int(index) for index in np.argsort(-lengths, kind="stable") if lengths[index]]
        while longest_first:
            length = int(lengths[longest_first[0]])
            members = [index for index in longest_first if lengths[index] >= _SHORTEST_IN_BUCKET * length]
            longest_first = longest_first[len(members) :]
            fft_length = fft.next_fast_len(2 * length - 1, real=True)  # long enough that nothing wraps around
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
            for length, fft_length, rows, spectrum in self._buckets:
                convolved = spectrum @ fft.rfft(taps[:length], fft_length, axis=0)
                frames = fft.irfft(convolved, fft_length, axis=0, overwrite_x=True)
                for place, span in enumerate(rows):
                    product[span, columns] = frames[: span.stop - span.start, place]
        return product

    def _rmatmat(self, V: npt.NDArray[np.float64]) -> FloatArray:
        """Return Xi' V, shape (columns, k): block `lag` is the sum over frames of x_{t-lag} v_t'."""
        product = np.zeros((self.shape[1], V.shape[1]))
        for columns in _column_blocks(V.shape[1]):
            width = columns.stop - columns.start
            total = np.zeros((self.longest, self.inputs, width))
            for length, fft_length, rows, spectrum in self._buckets:
                frames = np.zeros((length, len(rows), width))
                for place, span in enumerate(rows):
                    frames[: span.stop - span.start, place] = V[span, columns]
                # Correlation: conj(spectrum)' times the transform, with the small factors conjugated, not the large one.
                transformed = fft.rfft(frames, fft_length, axis=0)
                correlated = spectrum.swapaxes(1, 2) @ np.conj(transformed, out=transformed)
                np.conj(correlated, out=correlated)
                total[:length] += fft.irfft(correlated, fft_length, axis=0, overwrite_x=True)[:length]
            product[:, columns] = total.reshape(self.shape[1], width)
        return product

    def _matvec(self, w: npt.NDArray[np.float64]) -> FloatArray:
        return self._matmat(w.reshape(-1, 1)).ravel()

    def _rmatvec(self, v: npt.NDArray[np.float64]) -> FloatArray:
        return self._rmatmat(v.reshape(-1, 1)).ravel()


def _column_blocks(columns: int) -> list[slice]:
    return [slice(first, min(first + _COLUMNS_AT_ONCE, columns)) for first in range(0, columns, _COLUMNS_AT_ONCE)]


def dense_history(sequences: Sequence[npt.ArrayLike]) -> FloatArray:
    """Return the history matrix of `sequences` itself, as `HistoryMatrix` describes it. For small problems only."""
    arrays = as_sequences(sequences)
    longest = max(len(array) for array in arrays)
    parts = []
    for array in arrays:
        part = np.zeros((len(array), longest, array.shape[1]))
        for lag in range(len(array)):
            part[lag:, lag] = array[: len(array) - lag]
        parts.append(part.reshape(len(array), -1))
    return np.concatenate(parts)


def squared_norm(sequences: Sequence[npt.ArrayLike]) -> float:
    """Return the squared Frobenius norm of the history matrix: the sum of (L - t) |x_t|^2, t = 0, ..., L - 1.

    Frame t of a sequence of length L stands in L - t prefixes.
    """
    arrays = as_sequences(sequences)
    return float(sum(np.arange(len(array), 0, -1) @ np.square(array).sum(axis=1) for array in arrays))


def as_sequences(sequences: Sequence[npt.ArrayLike]) -> list[FloatArray]:
    """Return `sequences` as float64 arrays (time, inputs); those that are float64 already are not copied.

    Raises ValueError if there is no sequence or no frame, if one is not a matrix of finite real numbers, or if they
    differ in width.
    """
    arrays: list[FloatArray] = []
    for number, sequence in enumerate(sequences):
        array = np.asarray(sequence)
        if array.ndim != 2:
            raise ValueError(f"sequence {number} has shape {array.shape}; give a list of arrays (time, inputs)")
        if array.dtype.kind not in "biuf":
            raise ValueError(f"sequence {number} has dtype {array.dtype}; give real numbers or bools")
        if arrays and array.shape[1] != arrays[0].shape[1]:
            raise ValueError(
                f"sequence {number} has {array.shape[1]} inputs and sequence 0 has {arrays[0].shape[1]}; "
                "all sequences must have the same width"
            )
        array = array.astype(np.float64, copy=False)
        if not np.isfinite(array).all():
            raise ValueError(f"sequence {number} has entries that are NaN or infinite; remove or replace them")
        arrays.append(array)
    if not arrays:
        raise ValueError("the list of sequences is empty; give at least one sequence")
    if not any(array.size for array in arrays):
        raise ValueError("the sequences have no frames or no inputs; give at least one of each")
    return arrays
