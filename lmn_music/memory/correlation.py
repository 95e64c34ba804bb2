"""The sums over all frames of the products of a state with each of the last inputs."""

from __future__ import annotations

import numpy as np
from scipy import fft

from lmn_music.memory.sequences import FloatArray

_BLOCKS_AT_ONCE = 32  # so many blocks of frames share one product per frequency; more are no faster


class Correlation:
    """The sums over all frames of y_t x_{t-k}', k = 0, ..., lags - 1, of sequences that are added one by one.

    Done by FFT in blocks (overlap-save): the y of a block stand against the x of the same frames and of the lags - 1
    before them. All blocks add to one cross spectrum, which is transformed back once. At p = 400, 88 inputs and
    100 lags this was measured to be 8 times faster than one matrix product per lag.

    Args:
        states: the length of y_t.
        inputs: the length of x_t.
        lags: how many of the last inputs.
    """

    def __init__(self, states: int, inputs: int, lags: int) -> None:
        self._lags = lags
        self._length = int(fft.next_fast_len(5 * lags // 2, real=True))  # measured: shorter or longer takes more time
        self._y = np.zeros((self._length, _BLOCKS_AT_ONCE, states))
        self._x = np.zeros((self._length, _BLOCKS_AT_ONCE, inputs))
        self._blocks = 0
        self._spectrum = np.zeros((self._length // 2 + 1, states, inputs), dtype=np.complex128)

    def add(self, y: FloatArray, x: FloatArray) -> None:
        """Add a sequence.

        Args:
            y: (time, states).
            x: (time, inputs).
        """
        overlap = self._lags - 1
        step = self._length - overlap
        for first in range(0, len(y), step):
            new = y[first : first + step]
            past = x[max(0, first - overlap) : first + len(new)]
            self._y[overlap : overlap + len(new), self._blocks] = new
            self._x[overlap + len(new) - len(past) : overlap + len(new), self._blocks] = past
            self._blocks += 1
            if self._blocks == _BLOCKS_AT_ONCE:
                self._flush()

    def total(self) -> FloatArray:
        """Return the sums, (states, lags, inputs)."""
        self._flush()
        correlation = fft.irfft(self._spectrum, self._length, axis=0)[: self._lags]
        return np.ascontiguousarray(correlation.swapaxes(0, 1))

    def _flush(self) -> None:
        y = fft.rfft(self._y[:, : self._blocks], axis=0)
        x = fft.rfft(self._x[:, : self._blocks], axis=0)
        np.conj(x, out=x)
        for frequency, total in enumerate(self._spectrum):
            total += y[frequency].T @ x[frequency]
        self._y[:], self._x[:], self._blocks = 0, 0, 0
