"""A part of a piece: what one instrument, hand or voice plays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

from lmn_music.music.notes import Note


@dataclass(frozen=True)
class Part:
    """What one instrument, hand or voice plays.

    Attributes:
        notes: the notes, in the order of their onsets.
        name: such as "Soprano"; may be empty.
        program: the instrument, as MIDI numbers them from 0, the grand piano, to 127.
        channel: the MIDI channel, from 0 to 15; None if any will do.
        drums: whether the pitches mean drums. Drums are never part of a roll, and are not transposed.
    """

    notes: tuple[Note, ...]
    name: str = ""
    program: int = 0
    channel: int | None = None
    drums: bool = False

    def shifted(self, quarters: Fraction | int) -> Self:
        """Return the part, `quarters` quarter notes later."""
        return replace(
            self,
            notes=tuple(note._replace(onset=note.onset + quarters, end=note.end + quarters) for note in self.notes),
        )

    def transposed(self, semitones: int) -> Self:
        """Return the part transposed up by `semitones`, or down if negative; drums stay as they are.

        Raises:
            ValueError: a pitch would leave the range of MIDI, 0 to 127.
        """
        if self.drums or not semitones:
            return self
        notes = tuple(note._replace(pitch=note.pitch + semitones) for note in self.notes)
        if not all(0 <= note.pitch <= 127 for note in notes):
            raise ValueError(f"transposing by {semitones} moves a note out of the range of MIDI")
        return replace(self, notes=notes)
