"""A piece of music as a file says it: parts, exact times, tempo, metre and key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple, Self, TypeVar

from lmn_music.errors import UsageError
from lmn_music.music.metre import Bar, Metre, count_bars
from lmn_music.music.notes import Note, strokes, to_roll
from lmn_music.music.part import Part
from lmn_music.music.pianoroll import LOWEST_PITCH, PianoRoll

FRAMES_PER_QUARTER = (1, 2, 3, 4, 6, 8, 12)  # of the rolls that are made of pieces; 12 has sixteenths and triplets


class Tempo(NamedTuple):
    """A tempo, and where it begins.

    Attributes:
        onset: where it begins, in quarter notes from the start of the piece.
        quarters_per_minute: how fast it is.
    """

    onset: Fraction
    quarters_per_minute: float


class KeySignature(NamedTuple):
    """A key signature, and where it begins.

    Attributes:
        onset: where it begins, in quarter notes from the start of the piece.
        fifths: the number of sharps, or of flats if negative.
        mode: "major" or "minor"; None if the file does not say.
    """

    onset: Fraction
    fifths: int
    mode: str | None


_Change = TypeVar("_Change", Tempo, Metre, KeySignature)


@dataclass(frozen=True)
class Piece:
    """A piece of music, exactly as a file says it. Lyrics, dynamics, pedal and articulation are left out.

    Attributes:
        parts: the parts, each with a note at least.
        length: in quarter notes; longer than the notes where silence follows. At least as long as the notes.
        tempos: the tempo changes, in the order of time; empty if the file names no tempo.
        metres: the changes of the time signature, in the order of time; empty if the file names none.
        key_signatures: the changes of the key signature, in the order of time; empty if the file names none.
        pickup: the length of the incomplete first bar, in quarter notes; 0 if there is none.
        title: what to call the piece in a listing.
        passed_over: what in the file the reader could not use and passed over, in one line; empty if nothing. It has
            no part in comparisons.

    Example:
        >>> tune = Part((Note(67, Fraction(0), Fraction(1)), Note(60, Fraction(1), Fraction(4))), name="Tune")
        >>> piece = Piece((tune,), metres=(Metre(Fraction(0), 3, 4),), pickup=Fraction(1))
        >>> [(bar.number, int(bar.start), int(bar.end)) for bar in piece.bars()]
        [(0, 0, 1), (1, 1, 4)]
    """

    parts: tuple[Part, ...]
    length: Fraction = Fraction(0)
    tempos: tuple[Tempo, ...] = ()
    metres: tuple[Metre, ...] = ()
    key_signatures: tuple[KeySignature, ...] = ()
    pickup: Fraction = Fraction(0)
    title: str = ""
    passed_over: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", max(Fraction(self.length), self.end))

    @classmethod
    def from_roll(cls, roll: PianoRoll, *, repeat_notes: bool = False) -> Self:
        """Return a roll as a piece of one part, exactly as long as the roll.

        Args:
            roll: the song.
            repeat_notes: whether a key that sounds in consecutive frames is struck anew in each of them. Otherwise it
                is one held note.
        """
        times = [Fraction(frame, roll.frames_per_quarter) for frame in range(len(roll) + 1)]
        played = strokes(roll, repeat_notes=repeat_notes)
        notes = [Note(run.key + LOWEST_PITCH, times[run.start], times[run.end]) for run in played]
        parts = (Part(tuple(sorted(notes, key=lambda note: (note.onset, note.pitch)))),) if notes else ()
        return cls(parts, times[-1], title=roll.title)

    @property
    def end(self) -> Fraction:
        """Where the last note ends, in quarter notes: the length without the silence at the end."""
        ends = {id(note.end): note.end for part in self.parts for note in part.notes}  # many notes share theirs
        return max(ends.values(), default=Fraction(0))

    def roll(self, frames_per_quarter: int) -> PianoRoll:
        """Return the notes of all parts but drums as a roll; `to_roll` says how times are rounded.

        Args:
            frames_per_quarter: the number of frames that a quarter note lasts in the roll.

        Raises:
            ScoreError: no note is on the keyboard, or the roll would be longer than 100,000 frames.
        """
        return self._roll(frames_per_quarter, sounding=False)

    def sounding(self, frames_per_quarter: int) -> PianoRoll:
        """Return what sounds on each frame of all parts but drums, as the benchmark corpora hold it; see `to_roll`.

        Of notes that are shorter than a frame most leave no trace.

        Args:
            frames_per_quarter: the number of frames that a quarter note lasts in the roll.

        Raises:
            ScoreError: as `roll` raises it.
        """
        return self._roll(frames_per_quarter, sounding=True)

    def _roll(self, frames_per_quarter: int, *, sounding: bool) -> PianoRoll:
        notes = [note for part in self.parts if not part.drums for note in part.notes]
        nothing = "drums only" if any(part.drums for part in self.parts) else "no notes"
        return to_roll(notes, self.length, frames_per_quarter, title=self.title, nothing=nothing, sounding=sounding)

    def frames_needed(self) -> int:
        """Return the smallest of FRAMES_PER_QUARTER with which a roll holds all times exactly, else the last.

        Drums do not count, as a roll leaves them out.
        """
        times = {
            time for part in self.parts if not part.drums for note in part.notes for time in (note.onset, note.end)
        }
        fitting = (count for count in FRAMES_PER_QUARTER if all((time * count).denominator == 1 for time in times))
        return next(fitting, FRAMES_PER_QUARTER[-1])

    def bars(self) -> list[Bar]:
        """Return the bars, numbered as in the score: the first full bar is 1, a pickup is 0.

        Raises:
            ScoreError: there are more than 100,000 bars.
        """
        return count_bars(self.metres, self.pickup, self.length)

    def span(self, first: int, last: int) -> tuple[Fraction, Fraction]:
        """Return where bar `first` starts and bar `last` ends, in quarter notes.

        Args:
            first: the number of a bar.
            last: the number of the same bar or of a later one.

        Raises:
            UsageError: the piece has no such bars.
        """
        bars = {bar.number: bar for bar in self.bars()}
        if not (first <= last and first in bars and last in bars):
            there = f"bars {min(bars)} to {max(bars)}" if bars else "no bars"
            raise UsageError(f"there are no bars {first} to {last}: the piece has {there}")
        return bars[first].start, bars[last].end

    def with_parts(self, parts: Iterable[Part]) -> Self:
        """Return the piece with more parts after its own, and as long as they need."""
        return replace(self, parts=(*self.parts, *parts))

    def trimmed(self) -> Self:
        """Return the piece without the silence at its end."""
        return replace(self, length=self.end)

    def transposed(self, semitones: int) -> Self:
        """Return the piece transposed. Transposed by `-semitones`, its notes are again what they were.

        Args:
            semitones: how far up, or down if negative. The key signatures become those of at most six accidentals.

        Raises:
            ValueError: a pitch would leave the range of MIDI, 0 to 127.
        """
        signatures = self.key_signatures
        if semitones % 12:
            signatures = tuple(s._replace(fifths=(s.fifths + 7 * semitones + 5) % 12 - 5) for s in signatures)
        parts = tuple(part.transposed(semitones) for part in self.parts)
        return replace(self, parts=parts, key_signatures=signatures)

    def after(self, start: Fraction) -> Self:
        """Return what begins at `start` or later, as a piece of its own with the tempo, metre and key of that place.

        Its bars are the bars of the piece; where `start` is inside a bar, the rest of that bar becomes a pickup. A note
        that sounds at `start` but began before is left out.

        Args:
            start: in quarter notes from the start of the piece.
        """
        parts = (replace(part, notes=tuple(note for note in part.notes if note.onset >= start)) for part in self.parts)
        bar = next((bar for bar in self.bars() if start < bar.end), None)
        in_bar = bar is not None and (bar.start < start or not bar.number)
        return replace(
            self,
            parts=tuple(part.shifted(-start) for part in parts if part.notes),
            length=max(self.length - start, Fraction(0)),
            tempos=_from(self.tempos, start),
            metres=_from(self.metres, start),
            key_signatures=_from(self.key_signatures, start),
            pickup=bar.end - start if bar and in_bar else Fraction(0),
        )


def _from(changes: Sequence[_Change], start: Fraction) -> tuple[_Change, ...]:
    """Return the changes that hold at `start` and later, with their onsets counted from `start`."""
    before = [change for change in changes if change.onset <= start][-1:]
    later = [change for change in changes if change.onset > start]
    return tuple(change._replace(onset=max(change.onset - start, Fraction(0))) for change in before + later)
