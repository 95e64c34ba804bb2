"""What a file cannot say of a piece: notes that are left out or moved, in a few words."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH
from lmn_music.music.piece import Piece
from lmn_music.music.quantising import quantised
from lmn_music.words import counted


def of_frames(piece: Piece) -> Iterator[str]:
    """Yield what the roll of a piece lacks: drums, notes off the keyboard, times between its frames."""
    yield from _drums(piece)
    notes = [note for part in piece.parts if not part.drums for note in part.notes]
    if beyond := sum(not 0 <= note.pitch - LOWEST_PITCH < KEYS for note in notes):
        yield f"{counted(beyond, 'note')} outside A0 to C8"
    per_quarter = piece.frames_needed()
    if moved := sum(not _fits(note.onset, note.end, per_quarter) for note in notes):
        yield f"the exact times of {counted(moved, 'note')}"


def of_scores(piece: Piece) -> Iterator[str]:
    """Yield what the score of a piece lacks: drums, and times that no usual notes have."""
    yield from _drums(piece)
    written = quantised(piece)
    moved = sum(
        one[1:3] != two[1:3]
        for before, after in zip(piece.parts, written.parts, strict=True)
        for one, two in zip(sorted(before.notes), sorted(after.notes), strict=True)
    )
    if moved:
        yield f"the exact times of {counted(moved, 'note')}"


def _drums(piece: Piece) -> Iterator[str]:
    if any(part.drums and part.notes for part in piece.parts):
        yield "drums"


def _fits(onset: Fraction, end: Fraction, per_quarter: int) -> bool:
    return (onset * per_quarter).denominator == 1 and (end * per_quarter).denominator == 1
