"""The one musical data type: which of the 88 piano keys sound in each frame."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Self, overload

import numpy as np
import numpy.typing as npt

from lmn_music.errors import UsageError
from lmn_music.words import counted

KEYS = 88
LOWEST_PITCH = 21  # MIDI number of key 0, A0; key 87 is C8, MIDI 108
PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass(frozen=True, eq=False)
class PianoRoll:
    """A song as a binary matrix. A piano-roll cannot tell a held note from a repeated one.

    Attributes:
        frames: which keys sound when: bool, shape (time, 88); `frames[t, k]` says whether key k, MIDI pitch 21 + k,
            sounds in frame t. A read-only copy of what is given, which may hold any zeros and ones.
        frames_per_quarter: the length of a frame, as the number of frames that a quarter note lasts.
        title: what to call the song in a listing.

    Raises:
        ValueError: `frames` has another shape or holds anything but zeros and ones, or `frames_per_quarter` is below 1.

    Example:
        >>> middle_c = np.zeros((4, 88), dtype=bool)
        >>> middle_c[:, 60 - LOWEST_PITCH] = True
        >>> song = PianoRoll(middle_c, frames_per_quarter=2, title="Two quarters of C")
        >>> len(song), song.notes
        (4, 1)
    """

    frames: npt.NDArray[np.bool_]
    frames_per_quarter: int
    title: str = ""

    def __post_init__(self) -> None:
        frames = np.array(self.frames)  # a copy: a roll never changes under its owner
        if frames.ndim != 2 or frames.shape[1] != KEYS:
            raise ValueError(f"a piano-roll has shape (time, {KEYS}), not {frames.shape}")
        if frames.dtype != np.bool_ and not np.isin(frames, (0, 1)).all():
            raise ValueError("a piano-roll holds only zeros and ones")
        if self.frames_per_quarter < 1:
            raise ValueError(f"frames_per_quarter must be a positive whole number, not {self.frames_per_quarter}")
        frames = frames.astype(bool, copy=False)
        frames.setflags(write=False)
        object.__setattr__(self, "frames", frames)

    def __repr__(self) -> str:
        return f"<PianoRoll {self.title!r}: {counted(len(self), 'frame')}, {self.frames_per_quarter} per quarter note>"

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.frames)

    def __eq__(self, other: object) -> bool:
        """Compare the music: the frames and their length, not the titles."""
        if not isinstance(other, PianoRoll):
            return NotImplemented
        return self.frames_per_quarter == other.frames_per_quarter and np.array_equal(self.frames, other.frames)

    def __hash__(self) -> int:
        return hash((self.frames_per_quarter, self.frames.shape, self.frames.tobytes()))

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Return the frames, so that NumPy, and a LinearAutoencoder, take a song as an array."""
        return np.array(self.frames, dtype=dtype, copy=copy)

    @overload
    def __getitem__(self, index: slice) -> Self: ...
    @overload
    def __getitem__(self, index: int) -> npt.NDArray[np.bool_]: ...
    def __getitem__(self, index: slice | int) -> Self | npt.NDArray[np.bool_]:
        """Return a span of frames as a roll, or one frame as a vector of 88 bools."""
        if isinstance(index, slice):
            return replace(self, frames=self.frames[index])
        frame: npt.NDArray[np.bool_] = self.frames[index]
        return frame

    @property
    def notes(self) -> int:
        """Return the number of notes. A key that sounds in consecutive frames is one note, held."""
        starts = self.frames.copy()
        starts[1:] &= ~self.frames[:-1]
        return int(starts.sum())

    def transposed(self, semitones: int) -> Self:
        """Return the roll transposed.

        Args:
            semitones: how far up, or down if negative.

        Raises:
            ValueError: a note would leave the keyboard.
        """
        sounding = np.flatnonzero(self.frames.any(axis=0))
        if len(sounding) and not 0 <= sounding[0] + semitones <= sounding[-1] + semitones < KEYS:
            raise ValueError(f"transposing by {semitones} moves a note off the keyboard")
        return replace(self, frames=np.roll(self.frames, semitones, axis=1))

    def resampled(self, frames_per_quarter: int) -> Self:
        """Return the roll with other frames: with fewer, what sounds on each of them; with more, each one repeated.

        Args:
            frames_per_quarter: how many frames a quarter note is to last.

        Raises:
            ValueError: neither number of frames per quarter is a multiple of the other.
        """
        if self.frames_per_quarter % frames_per_quarter == 0:
            frames = self.frames[:: self.frames_per_quarter // frames_per_quarter]
        elif frames_per_quarter % self.frames_per_quarter == 0:
            frames = np.repeat(self.frames, frames_per_quarter // self.frames_per_quarter, axis=0)
        else:
            raise ValueError(f"{self.frames_per_quarter} frames per quarter cannot become {frames_per_quarter}")
        return replace(self, frames=frames, frames_per_quarter=frames_per_quarter)


def pitch_name(key: int) -> str:
    """Return the name of a key with its octave, as "C4", middle C; black keys are sharps.

    Args:
        key: from 0 (A0) to 87 (C8).

    Example:
        >>> pitch_name(39), pitch_name(0), pitch_name(46)
        ('C4', 'A0', 'G4')
    """
    octave, pitch_class = divmod(key + LOWEST_PITCH, 12)
    return f"{PITCH_CLASSES[pitch_class]}{octave - 1}"


def key_named(name: str) -> int:
    """Return the key of that name: the inverse of `pitch_name`, but black keys may also be flats.

    Args:
        name: a capital letter, "#" or "b" for a black key, and the octave, whose number changes at C.

    Returns:
        From 0 (A0) to 87 (C8).

    Raises:
        UsageError: no key has this name.

    Example:
        >>> key_named("C4"), key_named("F#3"), key_named("Bb2")
        (39, 33, 25)
    """
    found = re.fullmatch(r"([A-G])([#b]?)([0-8])", name)
    if found:
        letter, accidental, octave = found.groups()
        pitch = 12 * (int(octave) + 1) + PITCH_CLASSES.index(letter) + {"#": 1, "b": -1, "": 0}[accidental]
        if 0 <= pitch - LOWEST_PITCH < KEYS:
            return pitch - LOWEST_PITCH
    raise UsageError(f"{name!r} is no key of the piano: write a name from A0 to C8, such as C4 (middle C), F#3 or Bb2")
