"""From notes in time to the frames of a roll, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lmn_music.errors import ScoreError
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll

MAX_FRAMES = 100_000  # about 14 hours of slow music: beyond that a file is damaged or hostile, and memory runs out
STRUCK_LATE = Fraction(1, 8)  # of a frame: what sounds from then on is what sounds in the frame
VELOCITY = 80  # mezzo forte, where nothing says how hard a key is struck
_NUDGE = 1e-6  # in frames: a note that starts half-way between two frames goes to the later one, rounding errors or not


class Note(NamedTuple):
    """A note of a piece.

    Attributes:
        pitch: the MIDI number; 60 is middle C.
        onset: when it starts, in quarter notes from the start of the piece, exactly.
        end: when it ends, in quarter notes from the start of the piece, exactly.
        velocity: how hard it is struck, from 1 to 127, as MIDI counts it.
    """

    pitch: int
    onset: Fraction
    end: Fraction
    velocity: int = VELOCITY


class Quarters(dict[int, Fraction]):
    """Ticks in quarter notes, exactly; each is computed once, as many notes share them.

    Args:
        ticks: the number of ticks in a quarter note.

    Example:
        >>> Quarters(480)[120]
        Fraction(1, 4)
    """

    def __init__(self, ticks: int) -> None:
        super().__init__()
        self.ticks = ticks

    def __missing__(self, tick: int) -> Fraction:
        self[tick] = Fraction(tick, self.ticks)
        return self[tick]


class Run(NamedTuple):
    """A key that sounds in each of the frames start, ..., end - 1 of a roll, and neither just before nor just after.

    Attributes:
        key: the key, from 0 (A0) to 87 (C8).
        start: the first frame in which it sounds.
        end: the frame after the last one in which it sounds.
    """

    key: int
    start: int
    end: int


def to_roll(
    notes: Sequence[Note],
    length: Fraction,
    frames_per_quarter: int,
    *,
    title: str,
    nothing: str = "no notes",
    sounding: bool = False,
) -> PianoRoll:
    """Return the roll of the notes, each from its onset to its end, both rounded to the nearest frame.

    A note lasts one frame at least; notes outside A0..C8 are left out. A time half-way between two frames is rounded to
    the later frame.

    With `sounding` a frame holds what sounds on it instead; more exactly, an eighth of a frame after its start, so that
    a note struck a little late counts and a grace note on the beat does not. A note between two such places leaves no
    trace. Where all notes lie so, they are rounded all the same.

    Args:
        notes: the notes, in any order.
        length: the length of the piece in quarter notes. The roll is as long as that, or as the last note needs.
        frames_per_quarter: the number of frames that a quarter note lasts in the roll.
        title: the title of the roll.
        nothing: the reason of the error if no note remains.
        sounding: whether the roll holds what sounds on each frame.

    Raises:
        ScoreError: no note remains, a time is not finite or before the start, or the roll would be longer than 100,000
            frames.
    """
    notes = [note for note in notes if 0 <= note.pitch - LOWEST_PITCH < KEYS]
    if not notes:
        raise ScoreError("no notes found: choose a file in which notes between A0 and C8 sound", nothing)
    impossible = ScoreError("the note times make no sense: export the file anew", "unreadable (impossible note times)")
    try:
        keys = np.array([note.pitch - LOWEST_PITCH for note in notes])
        onsets, ends = _floats(note.onset for note in notes), _floats(note.end for note in notes)
        whole = np.array(length, dtype=np.float64)
    except (OverflowError, ValueError):  # a time that no float holds, or none
        raise impossible from None
    with np.errstate(over="ignore"):  # infinite times are refused below
        onsets, ends, whole = (times * frames_per_quarter + _NUDGE for times in (onsets, ends, whole))
        first, last, whole = (np.floor(times + 0.5) for times in (onsets, ends, whole))
        at, until = (np.ceil(times - 2 * _NUDGE - float(STRUCK_LATE)) for times in (onsets, ends))
    if sounding and (at < until).any():
        onsets, ends = at[at < until], until[at < until]
        keys = keys[at < until]
    else:
        onsets, ends = first, np.maximum(last, first + 1)
    total = max(float(whole), float(ends.max()))
    if not (np.isfinite([total, onsets.max(), ends.min()]).all() and onsets.min() >= 0):
        raise impossible
    if total > MAX_FRAMES:
        raise ScoreError(
            f"the piece lasts {total:.10g} frames, more than {MAX_FRAMES}: split it, or use fewer frames per quarter",
            f"too long ({total:.10g} frames, more than {MAX_FRAMES})",
        )
    # Counting starts minus ends takes time linear in the notes and in the frames, however long the notes are.
    changes = np.zeros((int(total) + 1, KEYS), dtype=np.int32)
    np.add.at(changes, (onsets.astype(np.int64), keys), 1)
    np.add.at(changes, (ends.astype(np.int64), keys), -1)
    np.cumsum(changes, axis=0, dtype=changes.dtype, out=changes)  # a piece of 100,000 frames takes 35 MB
    return PianoRoll(changes[:-1] > 0, frames_per_quarter, title)


def _floats(times: Iterable[Fraction]) -> npt.NDArray[np.float64]:
    """Return the times as floats: the same as `float` of each, which takes twice as long."""
    return np.array([above / below for above, below in (time.as_integer_ratio() for time in times)])


def runs(frames: npt.NDArray[np.bool_]) -> Iterator[Run]:
    """Yield the unbroken runs of each key, the lowest key first, the runs of a key in the order of time.

    Args:
        frames: which keys sound, shape (time, 88).
    """
    silence = np.zeros((1, frames.shape[1]), dtype=np.int8)
    changes = np.diff(frames.astype(np.int8), axis=0, prepend=silence, append=silence).T
    starts, ends = (np.argwhere(changes == change) for change in (1, -1))  # both sorted by key, then by time
    for (key, start), (_, end) in zip(starts.tolist(), ends.tolist(), strict=True):
        yield Run(key, start, end)


def strokes(roll: PianoRoll, *, repeat_notes: bool) -> list[Run]:
    """Return what a pianist plays.

    Args:
        roll: the song.
        repeat_notes: whether a key is struck anew in every frame in which it sounds; otherwise it is held.

    Returns:
        The runs of the roll, or with `repeat_notes` every frame of them as a run of its own.
    """
    held = list(runs(roll.frames))
    if not repeat_notes:
        return held
    return [Run(key, frame, frame + 1) for key, start, end in held for frame in range(start, end)]
