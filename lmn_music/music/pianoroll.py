"""The one musical data type: which of the 88 piano keys sound in each frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self, overload

import numpy as np
import numpy.typing as npt

KEYS = 88
LOWEST_PITCH = 21  # MIDI number of key 0, A0; key 87 is C8, MIDI 108


@dataclass(frozen=True, eq=False)
class PianoRoll:
    """A song as a binary matrix.

    frames: bool, shape (time, 88); `frames[t, k]` says whether MIDI pitch 21 + k sounds in frame t. Made read-only.
    frames_per_quarter: the length of a frame, as the number of frames that a quarter note lasts.
    title: what to call the song in a listing.

    A piano-roll cannot tell a held note from a repeated one.
    """

    frames: npt.NDArray[np.bool_]
    frames_per_quarter: int
    title: str = ""

    def __post_init__(self) -> None:
        frames = np.array(self.frames)  # a copy: a roll never changes under its owner
        if frames.ndim != 2 or frames.shape[1] != KEYS:
            raise ValueError(f"a piano-roll has shape (time, {KEYS}), not {frames.shape}")
        if not np.isin(frames, (0, 1)).all():
            raise ValueError("a piano-roll holds only zeros and ones")
        if self.frames_per_quarter < 1:
            raise ValueError(f"frames_per_quarter must be a positive whole number, not {self.frames_per_quarter}")
        frames = frames.astype(bool)
        frames.setflags(write=False)
        object.__setattr__(self, "frames", frames)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.frames)

    def __eq__(self, other: object) -> bool:
        """Compare the music: frames and grid, not titles."""
        if not isinstance(other, PianoRoll):
            return NotImplemented
        return self.frames_per_quarter == other.frames_per_quarter and np.array_equal(self.frames, other.frames)

    def __hash__(self) -> int:
        return hash((self.frames_per_quarter, self.frames.shape, self.frames.tobytes()))

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
        """Return the number of sounding (frame, key) cells."""
        return int(self.frames.sum())

    def transposed(self, semitones: int) -> Self:
        """Return the roll moved up (or, if negative, down) by `semitones`; ValueError if a note leaves the keyboard."""
        sounding = np.flatnonzero(self.frames.any(axis=0))
        if len(sounding) and not 0 <= sounding[0] + semitones <= sounding[-1] + semitones < KEYS:
            raise ValueError(f"transposing by {semitones} moves a note off the keyboard")
        return replace(self, frames=np.roll(self.frames, semitones, axis=1))
