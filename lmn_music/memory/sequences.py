"""Sequences as the memories take them: float64 arrays (time, inputs) of any lengths and of one width."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def as_sequences(sequences: Sequence[npt.ArrayLike], *, share: bool = False) -> list[FloatArray]:
    """Return sequences as float64 arrays; an array that is float64 already is not copied.

    Args:
        sequences: arrays (time, inputs) of real numbers or bools, or nested lists.
        share: whether they are the share of one process of several, and may have no frames.

    Returns:
        The arrays, in the same order.

    Raises:
        ValueError: if there is no sequence or no frame, if a sequence is not a matrix of finite real numbers, or if the
            sequences differ in width.
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
    if not share and not any(array.size for array in arrays):
        raise ValueError("the sequences have no frames or no inputs; give at least one of each")
    return arrays


def pieces(sequences: Sequence[FloatArray], length: int) -> list[FloatArray]:
    """Return sequences cut into pieces.

    An autoencoder of pieces spends no cell on what is further back than their length.

    Args:
        sequences: arrays (time, inputs).
        length: the length of the pieces in frames; the last piece of a sequence may be shorter. 0 leaves the
            sequences whole.

    Returns:
        The pieces, in the order of the sequences and of time.
    """
    if not length:
        return list(sequences)
    return [sequence[start : start + length] for sequence in sequences for start in range(0, len(sequence), length)]
