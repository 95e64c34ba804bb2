"""What a piece is like, in numbers: each measure has one definition, and its value for several songs is one ratio.

A measure counts two things in every song, and its value for a set of songs is the sum of the first over the sum of the
second. So a share of frames is a share of the frames of all songs together, and a length "of a song" is the mean over
songs. A histogram counts several things and divides them all by the same number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from lmn_music.music.metre import QUARTERS_PER_BAR
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PITCH_CLASSES, PianoRoll

Array = npt.NDArray[np.float64]
Frames = npt.NDArray[np.bool_]
Unit = Literal["", "share", "quarters", "semitones", "nats", "chords"]

WINDOW = 8  # frames
OCTAVE = 12


@dataclass(frozen=True)
class Quantity:
    """A number or a histogram that is measured.

    Attributes:
        name: what to call it in a table.
        unit: what the number counts; a histogram has unit "share".
        bins: the name of each bin of a histogram; empty for a number.
    """

    name: str
    unit: Unit
    bins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measure(Quantity):
    """A property of music.

    Attributes:
        count: returns of a song what is counted and what that is divided by, one after the other in one array: (2,) for
            a number, (bins + 1,) for a histogram.
    """

    count: Callable[[PianoRoll], Array] = field(kw_only=True)


def counts(measure: Measure, songs: Iterable[PianoRoll]) -> Array:
    """Return what a measure counts in each song, (songs, 2) or (songs, bins + 1); see `Measure`."""
    return np.stack([measure.count(song) for song in songs])


def value(counted: Array) -> Array:
    """Return the value of a measure for a set of songs.

    Args:
        counted: (..., songs, bins + 1), as `counts` returns it.

    Returns:
        (..., bins): one number, or the histogram, which sums to 1; NaN where nothing was counted.
    """
    sums = counted.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Array = sums[..., :-1] / sums[..., -1:]
    return result


def stretches(frames: Frames) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where a song changes: the first frame of each stretch of equal frames, and the lengths of the stretches.

    Args:
        frames: (time, 88).

    Returns:
        Two arrays of equal length, in frames.
    """
    if not len(frames):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    starts = np.flatnonzero(np.append(True, (frames[1:] != frames[:-1]).any(axis=1)))
    return starts, np.diff(np.append(starts, len(frames)))


def width(frames: Frames) -> int:
    """Return how many semitones the highest key that sounds lies above the lowest one; 0 for silence.

    Args:
        frames: (time, 88).
    """
    keys = np.flatnonzero(frames.any(axis=0))
    return int(keys[-1] - keys[0]) if len(keys) else 0


def longest_still(frames: Frames, periods: int) -> int:
    """Return how many frames the longest stretch of a song has that stands still.

    In it each frame equals the frame one place before it, or two, or more: a chord or silence, or a trill.

    Args:
        frames: (time, 88).
        periods: up to how many places.
    """
    longest = min(1, len(frames))
    for period in range(1, min(periods, len(frames) - 1) + 1):
        differs = np.flatnonzero((frames[period:] != frames[:-period]).any(axis=1))
        same = int(np.diff(np.concatenate([[-1], differs, [len(frames) - period]])).max()) - 1
        longest = max(longest, same + period if same else 1)
    return longest


def standstill(song: PianoRoll) -> float:
    """Return how many quarter notes the longest stretch lasts that stands still; a trill has a quarter note at most."""
    return longest_still(song.frames, song.frames_per_quarter) / song.frames_per_quarter


def longest_hold(song: PianoRoll) -> float:
    """Return how many quarter notes the longest stretch lasts in which the same keys sound; 0 for a silent song."""
    starts, lengths = stretches(song.frames)
    return float(lengths[song.frames[starts].any(axis=1)].max(initial=0)) / song.frames_per_quarter


def longest_silence(song: PianoRoll) -> float:
    """Return how many quarter notes the longest stretch lasts in which no key sounds."""
    starts, lengths = stretches(song.frames)
    return float(lengths[~song.frames[starts].any(axis=1)].max(initial=0)) / song.frames_per_quarter


def _keys_in_first_bar(song: PianoRoll) -> Array:
    """Count the keys that sound and the frames in the first four quarter notes."""
    part = song.frames[: QUARTERS_PER_BAR * song.frames_per_quarter]
    return np.array([part.sum(), len(part)], dtype=float)


def _keys_in_quarter(number: int) -> Callable[[PianoRoll], Array]:
    """Count the keys that sound and the frames in one quarter of a song, 0 to 3."""

    def count(song: PianoRoll) -> Array:
        part = np.array_split(song.frames, 4)[number]
        return np.array([part.sum(), len(part)], dtype=float)

    return count


def _keys(song: PianoRoll) -> Array:
    return np.array([song.frames.sum(), song.frames.any(axis=1).sum()], dtype=float)


def _silent(song: PianoRoll) -> Array:
    return np.array([(~song.frames.any(axis=1)).sum(), len(song)], dtype=float)


def _changes(song: PianoRoll) -> Array:
    return np.array([max(0, len(stretches(song.frames)[0]) - 1), max(0, len(song) - 1)], dtype=float)


def repeated(song: PianoRoll) -> Array:
    """Count the windows of 8 frames that an earlier window of the song equals, and all windows."""
    if len(song) < WINDOW:
        return np.zeros(2)
    _, names = np.unique(song.frames, axis=0, return_inverse=True)
    windows = np.lib.stride_tricks.sliding_window_view(names.ravel(), WINDOW)
    return np.array([len(windows) - len(np.unique(windows, axis=0)), len(windows)], dtype=float)


def _range(song: PianoRoll) -> Array:
    return np.array([width(song.frames), 1], dtype=float)


def _clashes(song: PianoRoll) -> Array:
    """Count the frames in which two keys sound that lie 1 or 11 semitones apart, and the frames in which any sounds."""
    clash = np.zeros(len(song), dtype=bool)
    for semitones in (1, OCTAVE - 1):
        clash |= (song.frames[:, semitones:] & song.frames[:, :-semitones]).any(axis=1)
    return np.array([clash.sum(), song.frames.any(axis=1).sum()], dtype=float)


def _pitch_classes(song: PianoRoll) -> Array:
    """Count the frames that each pitch class sounds in, one for each of its keys; C first."""
    classes = (np.arange(KEYS) + LOWEST_PITCH) % OCTAVE
    found = np.bincount(classes, weights=song.frames.sum(axis=0), minlength=OCTAVE)
    return np.append(found, found.sum())


def _intervals(song: PianoRoll) -> Array:
    """Count the steps of the top voice, the highest key that sounds: each time it changes, from the key before.

    Silent frames are passed over, and so is a key that is followed by itself, as a roll cannot tell a repeated note
    from a held one. Steps of more than an octave count as an octave.
    """
    sounding = song.frames[song.frames.any(axis=1)]
    steps = np.diff(KEYS - 1 - np.argmax(sounding[:, ::-1], axis=1))
    steps = np.clip(steps[steps != 0], -OCTAVE, OCTAVE)
    found = np.bincount(steps + OCTAVE, minlength=2 * OCTAVE + 1).astype(float)
    return np.append(found, found.sum())


def _of_a_song(number: Callable[[PianoRoll], float]) -> Callable[[PianoRoll], Array]:
    """Return what counts a number of each song, so that the value of a set is the mean over its songs."""
    return lambda song: np.array([number(song), 1.0])


STEPS = tuple(f"{semitones:+d}" for semitones in range(-OCTAVE, OCTAVE + 1))

# In the order of a table. Keys per frame: over all frames. Voices: the same over the frames in which any key sounds.
MEASURES = (
    Measure("keys per frame, first bar of the song", "", count=_keys_in_first_bar),
    *(Measure(f"keys per frame, {name} quarter of the song", "", count=_keys_in_quarter(number))
      for number, name in enumerate(("first", "second", "third", "last"))),
    Measure("voices, where any key sounds", "", count=_keys),
    Measure("silent frames", "share", count=_silent),
    Measure("frames that differ from the frame before", "share", count=_changes),
    Measure("longest hold of a song", "quarters", count=_of_a_song(longest_hold)),
    Measure("longest silence of a song", "quarters", count=_of_a_song(longest_silence)),
    Measure(f"windows of {WINDOW} frames that repeat an earlier one of the song", "share", count=repeated),
    Measure("range of a song", "semitones", count=_range),
    Measure("frames with a semitone or major seventh", "share", count=_clashes),
    Measure("pitch classes", "share", PITCH_CLASSES, count=_pitch_classes),
    Measure("steps of the top voice", "share", STEPS, count=_intervals),
)  # fmt: skip
