"""Windows of frames, as names that are equal for windows that are equal, also where one of them is transposed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lmn_music.music.pianoroll import KEYS

Frames = npt.NDArray[np.bool_]

_RING = 2**64  # of numpy's uint64
# Two hashes of 64 bits: by chance two of 10^12 windows have one name in 10^14 corpora.
_BASES = np.random.default_rng(0).integers(_RING, size=(2, 2), dtype=np.uint64) | np.uint64(1)


def top_voice(frames: Frames) -> Frames:
    """Return the highest key that sounds in each frame, alone.

    Args:
        frames: (time, 88).

    Returns:
        (time, 88), with one key in each frame in which any sounds.
    """
    top = np.zeros_like(frames)
    sounding = np.flatnonzero(frames.any(axis=1))
    top[sounding, KEYS - 1 - frames[sounding, ::-1].argmax(axis=1)] = True
    return top


def windows(frames: Frames, width: int) -> set[bytes]:
    """Return the names of the windows of a song in which something changes.

    A window in which nothing changes has none: held notes would all be alike.

    Args:
        frames: (time, 88).
        width: how many frames a window has, 2 at least.
    """
    if len(frames) < width:
        return set()
    several = np.lib.stride_tricks.sliding_window_view
    lowest = several(np.where(frames.any(axis=1), frames.argmax(axis=1), KEYS), width).min(axis=1)
    changes = several((frames[1:] != frames[:-1]).any(axis=1), width - 1).any(axis=1)
    starts = np.flatnonzero(changes)
    names = np.empty((len(starts), len(_BASES)), dtype=np.uint64)
    for name, (of_time, of_key) in zip(names.T, _BASES, strict=True):
        # The sum over all sounding keys of of_time^frame * of_key^key; that of a window, as if it began at frame 0 and
        # its lowest key were key 0, follows from the sums up to its ends by division.
        total = np.zeros(len(frames) + 1, dtype=np.uint64)
        np.cumsum((frames @ _powers(of_key, KEYS)) * _powers(of_time, len(frames)), out=total[1:])
        window = total[starts + width] - total[starts]
        name[:] = window * _powers(of_time, len(frames), -1)[starts] * _powers(of_key, KEYS, -1)[lowest[starts]]
    return set(names.view("V16").ravel().tolist())


def _powers(base: np.uint64, count: int, sign: int = 1) -> npt.NDArray[np.uint64]:
    """Return the powers of an odd number from 0 to count - 1 or, if the sign is -1, of its inverse, modulo 2^64."""
    powers = np.full(count, pow(int(base), sign, _RING), dtype=np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)
