"""What songs are compared by, in any transposition: their windows, those of the top voice, the song as one window."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lmn_music.music.pianoroll import PianoRoll
from lmn_music.music.windows import top_voice, windows

QUARTERS = 8  # of a window: two bars in common
SKETCH = 64  # numbers of a sketch

_FACTORS, _SUMMANDS = np.random.default_rng(0).integers(2**64, size=(2, SKETCH), dtype=np.uint64)


class Prints(NamedTuple):
    """What a song is compared by.

    Attributes:
        texture: the names of its windows.
        top_voice: the names of the windows of its top voice.
        whole: its own name, from the first to the last sound: one window.
    """

    texture: set[bytes]
    top_voice: set[bytes]
    whole: set[bytes]


def prints(songs: Iterable[PianoRoll]) -> list[Prints]:
    """Return what each song is compared by."""
    found = []
    for song in songs:
        width = QUARTERS * song.frames_per_quarter
        sounding = np.flatnonzero(song.frames.any(axis=1))
        whole = song.frames[sounding[0] : sounding[-1] + 1] if len(sounding) else song.frames[:0]
        voice = windows(top_voice(song.frames), width)
        found.append(Prints(windows(song.frames, width), voice, windows(whole, max(2, len(whole)))))
    return found


def sketch(names: set[bytes]) -> npt.NDArray[np.uint32] | None:
    """Return numbers that stand for a set of names.

    Two sets have about as large a share of these numbers in common, place by place, as of all their names together.

    Args:
        names: of windows, each 8 random bytes or more.

    Returns:
        (SKETCH,), the least values that as many random orders give to the names; None for no names.

    Source: Broder, "On the resemblance and containment of documents", 1997 (MinHash).
    """
    if not names:
        return None
    numbers = np.frombuffer(b"".join(name[:8] for name in names), dtype=np.uint64)
    orders = numbers[:, None] * (_FACTORS | np.uint64(1)) + _SUMMANDS  # modulo 2^64
    least: npt.NDArray[np.uint32] = (orders.min(axis=0) >> np.uint64(32)).astype(np.uint32)
    return least
