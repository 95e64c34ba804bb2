"""Short-term memory capacity: how much of the past can be read out linearly from the states of a memory.

Sources: Jaeger, "Short term memory in echo state networks", GMD report 152, 2002; Dambre, Verstraeten, Schrauwen,
Massar, "Information processing capacity of dynamical systems", Scientific Reports 2, 2012.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import linalg
from threadpoolctl import threadpool_limits

from lmn_music.memory.correlation import Correlation
from lmn_music.memory.sequences import FloatArray, as_sequences


class Capacity(NamedTuple):
    """What a memory holds of the past.

    Attributes:
        per_lag: (lags,), the share MC_k of the variance of x_{t-k} that can be read out, from 0 to 1.
    """

    per_lag: FloatArray

    @property
    def total(self) -> float:
        """The sum over the lags, in frames: as much as a perfect memory of the last `total` frames holds."""
        return float(self.per_lag.sum())


def capacity(
    transform: Callable[[FloatArray], npt.ArrayLike],
    train: Sequence[npt.ArrayLike],
    test: Sequence[npt.ArrayLike],
    lags: int,
    ridge: float = 1e-6,
) -> Capacity:
    """Return how well the frames 0, ..., lags - 1 steps back can be read out from the states of a memory.

    The readout of lag k, x_{t-k} ~ W_k' y_t + c_k, is fitted on `train` by ridge regression; then on `test`

        MC_k = 1 - sum |x_{t-k} - W_k' y_t - c_k|^2 / sum |x_{t-k} - m|^2,    0 where this is negative,

    m the mean of the training frames, sums over all inputs and all frames t. Before its start a sequence counts as m,
    as in the history matrix: so every lag has the same frames, the long lags of short songs included, and MC_k is the
    share of the energy of block k of that matrix. A linear memory should be fed x - m; fed x, it reads
    a jump from 0 to about m at the start.

    On white noise total * inputs is at most p (Bessel's inequality: the frames of the different lags are uncorrelated),
    and is p for a linear memory of p independent states that only depend on the last `lags` frames. The total does not
    change with the basis of the states but for the penalty, which matters little: from 1e-8 to 1e-2 it moved the totals
    on the Bach chorales by at most 1 %, and by 12 % the total of an echo state network of 400 cells, whose states are
    nearly dependent.

    Only sums over frames are kept: memory O(p^2 + p * inputs * lags), besides the states of one sequence.

    Args:
        transform: maps a sequence (time, inputs), float64, to its states (time, p), y_t depending on x_1 to x_t.
        train: sequences (time, inputs) of any lengths, on which the readout is fitted.
        test: sequences (time, inputs) of any lengths, on which it is judged.
        lags: how many frames to read out, the present one included.
        ridge: penalty on the squared weights of the readout, relative to the mean variance of the states.

    Returns:
        The share of each lag.

    Raises:
        ValueError: for sequences as `as_sequences` does, for `lags` longer than every test sequence, and for states of
            the wrong shape, not finite or without variance.

    Example:
        >>> from lmn_music.memory.linear import LinearMemory
        >>> noise = list(np.random.default_rng(0).standard_normal((8, 500, 2)))
        >>> last_three = LinearMemory(np.eye(6, 2), np.eye(6, k=-2))
        >>> round(capacity(last_three.transform, noise[:4], noise[4:], lags=10).total)
        3
    """
    if ridge <= 0:
        raise ValueError(f"ridge must be above 0, not {ridge}")
    fitted_on, judged_on = as_sequences(train), as_sequences(test)
    if fitted_on[0].shape[1] != judged_on[0].shape[1]:
        raise ValueError(
            f"training sequences have {fitted_on[0].shape[1]} inputs and test sequences {judged_on[0].shape[1]}"
        )
    longest = max(len(array) for array in judged_on)
    if not 1 <= lags <= longest:
        raise ValueError(f"lags is {lags}; the longest test sequence has {longest} frames, so give from 1 to {longest}")
    mean = sum(array.sum(axis=0) for array in fitted_on) / sum(len(array) for array in fitted_on)
    with threadpool_limits(1, user_api="blas"):  # another number of threads would add up in another order
        readout = fit_readout(transform, fitted_on, mean, lags, ridge)
        return Capacity(_explained(readout, _moments(transform, judged_on, mean, lags)).clip(min=0))


def fit_readout(
    transform: Callable[[FloatArray], npt.ArrayLike],
    train: Sequence[npt.ArrayLike],
    mean: FloatArray,
    lags: int,
    ridge: float = 1e-6,
) -> FloatArray:
    """Return the readouts of all lags, [y_t, 1] -> x_{t-k} - mean; see `capacity`.

    Args:
        transform: maps a sequence (time, inputs), float64, to its states (time, p).
        train: sequences (time, inputs) of any lengths.
        mean: (inputs,), what a sequence counts as before its start.
        lags: how many frames to read out.
        ridge: penalty on the squared weights, relative to the mean variance of the states.

    Returns:
        The weights (p + 1, lags, inputs).

    Raises:
        ValueError: for sequences as `as_sequences` does, and for states of the wrong shape, not finite or without
            variance.
    """
    with threadpool_limits(1, user_api="blas"):
        return _readout(_moments(transform, as_sequences(train), mean, lags), ridge)


class _Moments(NamedTuple):
    """Second moments, summed over all frames; the states y_t have a last entry that is always 1, x_t is centred."""

    states: FloatArray  # (p + 1, p + 1), of y_t y_t'
    cross: FloatArray  # (p + 1, lags, inputs), of y_t x_{t-k}'
    energy: FloatArray  # (lags,), of |x_{t-k}|^2


def _moments(
    transform: Callable[[FloatArray], npt.ArrayLike], arrays: list[FloatArray], mean: FloatArray, lags: int
) -> _Moments:
    states = np.zeros((0, 0))
    energy = np.zeros(lags)
    correlation: Correlation | None = None
    for array in (array for array in arrays if len(array)):
        y = np.asarray(transform(array), dtype=np.float64)
        if y.ndim != 2 or len(y) != len(array) or not np.isfinite(y).all():
            raise ValueError(
                f"the states of a sequence of shape {array.shape} have shape {y.shape}; they must be finite, one row "
                "per frame"
            )
        y = np.concatenate([y, np.ones((len(y), 1))], axis=1)
        x = array - mean
        if correlation is None:
            states = np.zeros((y.shape[1], y.shape[1]))
            correlation = Correlation(y.shape[1], x.shape[1], lags)
        states += y.T @ y
        correlation.add(y, x)
        up_to = np.cumsum(np.square(x).sum(axis=1))[::-1][:lags]  # at lag k the last k frames have dropped out
        energy[: len(up_to)] += up_to
    assert correlation is not None  # as_sequences has refused what has no frames
    return _Moments(states, correlation.total(), energy)


def _readout(moments: _Moments, ridge: float) -> FloatArray:
    """Return the weights (p + 1, lags, inputs) of the ridge regression; the intercept, the last, has no penalty."""
    cells, frames, sums = len(moments.states) - 1, moments.states[-1, -1], moments.states[-1, :-1]
    squares = moments.states.diagonal()[:-1].sum()
    variance = squares - sums @ sums / frames
    if not variance > 1e-12 * squares:
        raise ValueError("the states of the training sequences never change: there is no memory to measure")
    penalty = np.full(cells + 1, ridge * variance / cells)
    penalty[-1] = 0
    factor = linalg.cho_factor(moments.states + np.diag(penalty))
    return np.asarray(linalg.cho_solve(factor, moments.cross.reshape(cells + 1, -1)).reshape(moments.cross.shape))


def _explained(readout: FloatArray, moments: _Moments) -> FloatArray:
    """Return 1 - |x_{t-k} - W_k' y_t|^2 / |x_{t-k}|^2 per lag, from the moments alone."""
    if not (moments.energy > 0).all():
        raise ValueError("the test frames never differ from the mean of the training frames: nothing to remember")
    product = np.tensordot(moments.states, readout, 1)
    return np.asarray(np.sum(readout * (2 * moments.cross - product), axis=(0, 2)) / moments.energy)
