"""Music while it is composed: what is called with each frame as soon as it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from torch import Tensor

from lmn_music.music.pianoroll import LOWEST_PITCH

#: Called with where a frame begins and ends, in quarter notes, and with its MIDI pitches, the lowest first. A frame can
#: come again: where a song is drawn anew, and where particles are drawn again around it. What it raises ends the work.
Watch = Callable[[Fraction, Fraction, tuple[int, ...]], None]

#: Called with the number of a frame, from 0, and with the frame, (88,) of zeros and ones.
FrameWatch = Callable[[int, Tensor], None]


def frame_watch(
    watch: Watch | None, frames_per_quarter: int, *, origin: Fraction | None = None, transpose: int = 0
) -> FrameWatch | None:
    """Return what passes the frames of a model on to a watch, in the time and the key of the piece.

    Args:
        watch: what they are passed on to; None if nobody watches.
        frames_per_quarter: how many frames a quarter note lasts.
        origin: where frame 0 begins, in quarter notes; 0 if not given.
        transpose: by how many semitones the frames are moved.
    """
    if watch is None:
        return None
    first = origin or Fraction(0)

    def pass_on(number: int, frame: Tensor) -> None:
        start, end = (first + Fraction(place, frames_per_quarter) for place in (number, number + 1))
        watch(start, end, tuple((frame.nonzero().flatten() + LOWEST_PITCH + transpose).tolist()))

    return pass_on
