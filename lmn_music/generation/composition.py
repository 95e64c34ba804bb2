"""A song that a model has composed, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass

from lmn_music.formats import TEMPO
from lmn_music.music.performing import perform
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.words import counted


@dataclass(frozen=True, eq=False, repr=False)
class Composition(PianoRoll):
    """A song that a model has composed: a `PianoRoll` like any other, which shows itself in a notebook.

    Attributes:
        model: what composed it.
        seed: the same seed gives the same song.
    """

    model: str = ""
    seed: int = 0

    def _repr_html_(self) -> str:
        from lmn_music.formats.notebook import shown

        facts = f"composed by {self.model}; seed {self.seed}; {counted(len(self), 'frame')}, {self.notes} notes"
        return shown(perform(self, tempo=TEMPO), [self.title, facts])
