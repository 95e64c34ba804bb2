"""Windows of frames, as names that are equal for windows that are equal, also where one of them is transposed."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from lmn_music.music.pianoroll import KEYS

Frames = npt.NDArray[np.bool_]

BYTES = KEYS // 8  # of a frame, one bit for each key
NAME = 16  # bytes; by chance two of 10^12 windows have one name in 10^14 corpora


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
    lowest = several(np.where(frames.any(axis=1), frames.argmax(axis=1), KEYS), width).min(axis=1).tolist()
    changes = several((frames[1:] != frames[:-1]).any(axis=1), width - 1).any(axis=1)
    packed = np.packbits(frames, axis=1, bitorder="little").tobytes()
    return {
        # As a number whose bits are the keys of all frames, so that a shift moves the lowest key to the bottom.
        _name(int.from_bytes(packed[BYTES * start : BYTES * (start + width)], "little") >> lowest[start], width)
        for start in np.flatnonzero(changes).tolist()
    }


def _name(bits: int, width: int) -> bytes:
    return blake2b(bits.to_bytes(BYTES * width, "little"), digest_size=NAME).digest()
