"""The linear memory y_t = A (x_t - mean) + B y_{t-1}, and the principal components with which a small one is fed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg
from threadpoolctl import threadpool_limits

from lmn_music.memory.sequences import FloatArray, as_sequences


@dataclass(frozen=True)
class LinearMemory:
    """The memory y_t = A (x_t - mean) + B y_{t-1}, y_0 = 0.

    Attributes:
        A: (size, inputs), float64, how a frame is written into the state.
        B: (size, size), float64, how the state passes from one frame to the next.
        mean: (inputs,) or 0, what is subtracted from every frame; `dataclasses.replace(memory, mean=mean)` sets it.
    """

    A: FloatArray
    B: FloatArray
    mean: FloatArray | float = 0.0

    def transform(self, sequence: npt.ArrayLike) -> FloatArray:
        """Return the states of a sequence, starting from y_0 = 0.

        Args:
            sequence: (time, inputs).

        Returns:
            (time, size), float64.

        Raises:
            ValueError: for a sequence of another width.
        """
        array = np.asarray(sequence, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != self.A.shape[1]:
            raise ValueError(f"a sequence has shape (time, {self.A.shape[1]}), not {array.shape}")
        states: FloatArray = (array - self.mean) @ self.A.T
        for t in range(1, len(states)):
            states[t] += self.B @ states[t - 1]
        return states

    def of(self, projection: FloatArray, mean: FloatArray | float = 0.0) -> LinearMemory:
        """Return this memory fed with the projections P (x_t - mean) of other inputs: A becomes A P, B stays.

        With `principal_components` this makes a memory of fewer cells than there are inputs:
        `delay_line(25, 100).of(*principal_components(sequences, 25))` holds 4 frames of 25 components.

        Args:
            projection: P, (inputs of this memory, inputs of the new one).
            mean: (inputs of the new one,) or 0.

        Returns:
            The new memory.

        Raises:
            ValueError: if the shapes do not fit or this memory has a mean of its own.
        """
        if np.any(self.mean):
            raise ValueError("this memory subtracts a mean of its own from the projections; set the mean in of() alone")
        if projection.ndim != 2 or len(projection) != self.A.shape[1]:
            raise ValueError(
                f"the projection has shape {projection.shape}; this memory takes {self.A.shape[1]} inputs, so give one "
                f"of shape ({self.A.shape[1]}, inputs)"
            )
        return LinearMemory(self.A @ projection, self.B, mean)


def principal_components(sequences: Sequence[npt.ArrayLike], count: int) -> tuple[FloatArray, FloatArray]:
    """Return the directions in which the frames of sequences vary most, and the mean of the frames.

    Args:
        sequences: arrays (time, inputs) of any lengths.
        count: how many directions, from 1 to the number of inputs.

    Returns:
        The directions (count, inputs), orthonormal, in each of which the entry of largest magnitude is positive; and
        the mean over all frames, (inputs,).

    Raises:
        ValueError: for a count out of range.
    """
    arrays = as_sequences(sequences)
    inputs = arrays[0].shape[1]
    if not 1 <= count <= inputs:
        raise ValueError(f"count is {count}; {inputs} inputs have from 1 to {inputs} principal components")
    mean: FloatArray = sum(array.sum(axis=0) for array in arrays) / sum(len(array) for array in arrays)
    with threadpool_limits(1, user_api="blas"):  # another number of threads would add up in another order
        covariance = np.zeros((inputs, inputs))
        for array in arrays:
            covariance += (array - mean).T @ (array - mean)
        directions = linalg.eigh(covariance)[1].T[: -count - 1 : -1]
    largest = directions[np.arange(count), np.abs(directions).argmax(axis=1)]
    return directions * np.sign(largest)[:, None], mean
