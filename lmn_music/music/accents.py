"""How hard the notes of a piece are struck where nothing says so: by the metre, and the melody more than the rest."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import replace
from fractions import Fraction

from lmn_music.music.metre import Metre
from lmn_music.music.notes import VELOCITY, Note
from lmn_music.music.piece import Piece

FIRST, MIDDLE, BEAT, BETWEEN = 4, 0, -4, -8  # on the first beat, in the middle of four beats, on a beat, off the beat
BELOW = -12  # for all that is not the highest note


def accented(piece: Piece, kept: Collection[Note] = ()) -> Piece:
    """Return the piece with a velocity for each note: the sum of a level and of what two rules say.

    The metre: 4 more on the first beat of a bar, nothing in the middle of a bar of four beats, 4 less on any other
    beat, 8 less between beats. The melody: 12 less for a note below another that sounds when it is struck. The level
    is 80, or the mean velocity of the notes that are kept.

    Args:
        piece: the piece; its drums stay as they are.
        kept: notes that keep their velocities.
    """
    kept = frozenset(kept)
    level = round(sum(note.velocity for note in kept) / len(kept)) if kept else VELOCITY
    highest = dict(_highest(piece))
    metre = _Beats(piece)

    def velocity(note: Note) -> int:
        below = BELOW if note.pitch < highest[note.onset] else 0
        return min(max(level + metre.accent(note.onset) + below, 1), 127)

    return replace(
        piece,
        parts=tuple(
            part
            if part.drums
            else replace(
                part,
                notes=tuple(note if note in kept else note._replace(velocity=velocity(note)) for note in part.notes),
            )
            for part in piece.parts
        ),
    )


def _highest(piece: Piece) -> Iterator[tuple[Fraction, int]]:
    """Yield each time at which a note is struck, and the highest pitch that sounds then."""
    notes = sorted((note for part in piece.parts if not part.drums for note in part.notes), key=lambda note: note.onset)
    sounding: list[tuple[int, Fraction]] = []  # a heap: minus the pitch, the end
    for place, note in enumerate(notes):
        heapq.heappush(sounding, (-note.pitch, note.end))
        if place + 1 < len(notes) and notes[place + 1].onset == note.onset:
            continue
        while sounding[0][1] <= note.onset and len(sounding) > 1:
            heapq.heappop(sounding)
        yield note.onset, -sounding[0][0]


class _Beats:
    """Where the bars and the beats of a piece are."""

    def __init__(self, piece: Piece) -> None:
        self.bars = piece.bars()
        self.starts = [bar.start for bar in self.bars]
        self.metres = piece.metres or (Metre(Fraction(0), 4, 4),)
        self.changes = [metre.onset for metre in self.metres]

    def accent(self, onset: Fraction) -> int:
        """Return what the metre says about a note that is struck at `onset`."""
        bar = self.bars[min(bisect_right(self.starts, onset), len(self.bars)) - 1]
        metre = self.metres[max(bisect_right(self.changes, bar.start) - 1, 0)]
        # A pickup is the end of a bar.
        place = onset - bar.start if bar.number else onset - bar.end + metre.quarters
        if place == 0:
            return FIRST
        if (place / metre.beat).denominator > 1:
            return BETWEEN
        return MIDDLE if metre.quarters == 4 * metre.beat and 2 * place == metre.quarters else BEAT
