"""A piece in which a model has composed something, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Self

from lmn_music.music.accents import accented
from lmn_music.music.piece import Piece
from lmn_music.music.tonality import key_name, key_of
from lmn_music.words import counted


@dataclass(frozen=True)
class Arrangement(Piece):
    """A piece in which a model has composed something: a `Piece` like any other, which remembers how.

    In a notebook it shows itself: picture, sound, score.

    Attributes:
        new: where the new music begins and ends, in quarter notes; None if there is some everywhere.
        model: what composed it.
        seed: the same seed gives the same music.
        moved: how many semitones higher than it is the model read the piece; lower if negative.
        key: the tonic (0 is C, 11 is B) and the mode of the given piece.
    """

    new: tuple[Fraction, Fraction] | None = None
    model: str = ""
    seed: int = 0
    moved: int = 0
    key: tuple[int, str] = (0, "major")

    @classmethod
    def of(
        cls, piece: Piece, given: Piece, *, new: tuple[Fraction, Fraction] | None, model: str, seed: int, moved: int
    ) -> Self:
        """Return the piece with what there is to remember; parts that have no notes left are dropped.

        What is new is struck as `accented` says.

        Args:
            piece: the arranged piece.
            given: the piece before.
            new: see the attributes, also for the other arguments.
            model: what composed it.
            seed: the seed of the drawing.
            moved: how far, in semitones.
        """
        kept = {note for part in given.parts if not part.drums for note in part.notes}
        if new:
            kept |= {note for part in piece.parts for note in part.notes if not new[0] <= note.onset < new[1]}
        piece = accented(piece, kept)
        music = {field.name: getattr(piece, field.name) for field in fields(Piece)}
        music["parts"] = tuple(part for part in piece.parts if part.notes)
        return cls(**music, new=new, model=model, seed=seed, moved=moved, key=key_of(given))

    def after(self, start: Fraction) -> Self:
        """See `Piece.after`; the new music is counted from `start` too."""
        new = (self.new[0] - start, self.new[1] - start) if self.new and start < self.new[0] else None
        return replace(super().after(start), new=new)

    def _repr_html_(self) -> str:
        from lmn_music.formats.notebook import shown

        return shown(self, [self.title or "Arrangement", self.summary], marked=self.new)

    @property
    def summary(self) -> str:
        """Say in one line how the model read the piece, with which seed, and how many notes each part has."""
        tonic, mode = self.key
        if self.moved:
            steps = counted(abs(self.moved), "semitone")
            where = f"{steps} {'higher' if self.moved > 0 else 'lower'}, in {key_name(tonic + self.moved, mode)}"
        else:
            where = "as it is"
        notes = ", ".join(
            f"{part.name or f'part {number}'} {len(part.notes)}" for number, part in enumerate(self.parts, start=1)
        )
        return f"{key_name(tonic, mode)}, read by {self.model} {where}; seed {self.seed}; notes: {notes or 'none'}"
