"""Frames that fall on the beats of a piece: after a short pickup, and where a beat is three eighths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import wraps
from math import ceil
from typing import Any

from lmn_music.generation.arrangement import Arrangement
from lmn_music.generation.watching import Watch
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.piece import Piece

SHORTER = Fraction(2, 3)  # a beat of three eighths is read as a beat of two


def on_the_beat(arrange: Callable[..., Arrangement]) -> Callable[..., Arrangement]:
    """Let an arrangement be made of a piece whose bars and beats begin with frames; see `Clock`.

    Args:
        arrange: arranges a piece, given a checkpoint and the piece; its option `watch` is called with each frame.
    """

    @wraps(arrange)
    def arrange_on_the_beat(
        checkpoint: Checkpoint, piece: Piece, *args: Any, watch: Watch | None = None, **options: Any
    ) -> Arrangement:
        clock = Clock.of(piece, checkpoint.header.corpus.frames_per_quarter)
        song = arrange(checkpoint, clock.read(piece), *args, watch=clock.watch(watch), **options)
        return clock.written(song, piece)

    return arrange_on_the_beat


@dataclass(frozen=True)
class Clock:
    """How the times of a piece are read: in other units, and later. Read and written again, every time is what it was.

    A model with one frame in each quarter note would read 6/8 beside the beats, which last one and a half frames: there
    a beat of three eighths is read as a beat of two. After a pickup that is no whole number of frames, it would
    read all bars beside the beat: so much silence is put before the pickup that the first full bar begins with a frame.

    Attributes:
        unit: what a quarter note becomes, in quarter notes.
        silence: what is put before the piece, in quarter notes as they are read.
    """

    unit: Fraction = Fraction(1)
    silence: Fraction = Fraction(0)

    @classmethod
    def of(cls, piece: Piece, frames_per_quarter: int) -> Clock:
        """Return the clock for a piece.

        Args:
            piece: the piece.
            frames_per_quarter: how many frames a quarter note lasts.
        """
        beats = [Fraction(12, metre.beat_type) * frames_per_quarter for metre in piece.metres if _is_compound(metre)]
        beside = bool(beats) and len(beats) == len(piece.metres) and any(beat.denominator > 1 for beat in beats)
        unit = SHORTER if beside else Fraction(1)
        pickup = piece.pickup * unit
        return cls(unit, Fraction(ceil(pickup * frames_per_quarter), frames_per_quarter) - pickup)

    def read(self, piece: Piece) -> Piece:
        """Return the piece as it is read. Its tempo is left as it is."""
        if self == Clock():
            return piece
        return replace(
            piece,
            parts=_moved(piece, self._in),
            length=self._in(piece.length),
            metres=tuple(map(self._metre, piece.metres)),
            pickup=self._in(piece.pickup) if piece.pickup else Fraction(0),
        )

    def written(self, song: Arrangement, piece: Piece) -> Arrangement:
        """Return an arrangement in the time of the piece; what begins before the piece begins with it."""
        if self == Clock():
            return song
        return replace(
            song,
            parts=_moved(song, self._out),
            length=self._out(song.length),
            metres=piece.metres,
            pickup=piece.pickup,
            new=None if song.new is None else (self._out(song.new[0]), self._out(song.new[1])),
        )

    def watch(self, watch: Watch | None) -> Watch | None:
        """Return what passes frames on to a watch in the time of the piece."""
        if watch is None or self == Clock():
            return watch
        return lambda start, end, pitches: watch(self._out(start), self._out(end), pitches)

    def _metre(self, metre: Metre) -> Metre:
        onset = self._in(metre.onset) if metre.onset else Fraction(0)
        return metre._replace(onset=onset) if self.unit == 1 else Metre(onset, metre.beats // 3, metre.beat_type // 2)

    def _in(self, time: Fraction) -> Fraction:
        return time * self.unit + self.silence

    def _out(self, time: Fraction) -> Fraction:
        return max(Fraction(0), (time - self.silence) / self.unit)


def _is_compound(metre: Metre) -> bool:
    """Return whether a beat is three eighths, or three shorter notes."""
    return metre.beat_type >= 8 and metre.beats % 3 == 0


def _moved(piece: Piece, move: Callable[[Fraction], Fraction]) -> tuple[Part, ...]:
    """Return the parts with all times moved; a note that ends at its onset then is left out."""

    def moved(note: Note) -> Note:
        return note._replace(onset=move(note.onset), end=move(note.end))

    parts = (replace(part, notes=tuple(map(moved, part.notes))) for part in piece.parts)
    return tuple(replace(part, notes=tuple(note for note in part.notes if note.end > note.onset)) for part in parts)
