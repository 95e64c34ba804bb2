"""Times that notes can be written with: what a person played becomes sixteenths and triplets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from math import floor

from lmn_music.music.notes import Note
from lmn_music.music.piece import Piece

FINEST = 48  # times per quarter that are written exactly: 64ths, and triplets of 32nds
BINARY, TERNARY = 4, 3
CLEARLY = Fraction(1, 2)  # triplets are taken where their errors are less than so much of those of sixteenths


def quantised(piece: Piece) -> Piece:
    """Return the piece with times that can be written; the same piece if all its times can be.

    Otherwise each quarter note is divided into four, or into three where that fits the notes that begin in it much
    better, and each time goes to the nearest part. A note keeps one part at least. Drums are left as they are.

    Args:
        piece: the piece.
    """
    notes = [note for part in piece.parts if not part.drums for note in part.notes]
    if all(_written(time) for note in notes for time in (note.onset, note.end)):
        return piece
    divisions = _divisions(note.onset for note in notes)

    def rounded(time: Fraction) -> Fraction:
        parts = divisions.get(floor(time), BINARY)
        return Fraction(floor(time * parts + Fraction(1, 2)), parts)

    def written(note: Note) -> Note:
        onset = rounded(note.onset)
        least = Fraction(1, divisions.get(floor(onset), BINARY))
        return note._replace(onset=onset, end=max(rounded(note.end), onset + least))

    parts = tuple(
        part if part.drums else replace(part, notes=tuple(sorted(map(written, part.notes), key=_order)))
        for part in piece.parts
    )
    return replace(piece, parts=parts)


def _written(time: Fraction) -> bool:
    return (time * FINEST).denominator == 1


def _order(note: Note) -> tuple[Fraction, int]:
    return note.onset, note.pitch


def _divisions(onsets: Iterable[Fraction]) -> dict[int, int]:
    """Return for each quarter note in which notes begin into how many parts it is divided."""
    found: dict[int, list[Fraction]] = defaultdict(list)
    for onset in onsets:
        found[floor(onset)].append(onset)

    def error(times: list[Fraction], parts: int) -> Fraction:
        return sum((abs(time * parts - floor(time * parts + Fraction(1, 2))) / parts for time in times), Fraction(0))

    return {
        quarter: TERNARY if error(times, TERNARY) < CLEARLY * error(times, BINARY) else BINARY
        for quarter, times in found.items()
    }
