"""Metre: how a piece is divided into bars."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from lmn_music.errors import ScoreError

MAX_BARS = 100_000  # as many as the frames of a roll: more are damage
QUARTERS_PER_BAR = 4  # where no time signature is known, as in a roll
_BEAT_TYPES = (1, 2, 4, 8, 16, 32, 64)


class Metre(NamedTuple):
    """A time signature, and where it begins. A new bar begins there, even if the bar before is not full.

    Attributes:
        onset: where it begins, in quarter notes from the start of the piece.
        beats: the upper number: 3 of 3/4.
        beat_type: the lower number: 4 of 3/4; a power of two.
    """

    onset: Fraction
    beats: int
    beat_type: int

    @property
    def quarters(self) -> Fraction:
        """The length of a full bar in quarter notes."""
        return Fraction(4 * self.beats, self.beat_type)

    @property
    def is_compound(self) -> bool:
        """Whether a beat has three parts, as in 6/8, 9/8 and 12/8."""
        return self.beat_type >= 8 and self.beats > 3 and self.beats % 3 == 0

    @property
    def beat(self) -> Fraction:
        """The length of a beat in quarter notes: three eighths in 6/8."""
        return Fraction(12 if self.is_compound else 4, self.beat_type)


class Bar(NamedTuple):
    """A bar.

    Attributes:
        number: its number in the score. The first full bar is 1; a pickup before it is 0.
        start: where it starts, in quarter notes from the start of the piece.
        end: where it ends, which is where the next bar starts.
    """

    number: int
    start: Fraction
    end: Fraction


def is_metre(beats: int, beat_type: int) -> bool:
    """Return whether music has such a time signature: 1 to 255 beats, each a whole note to a 64th."""
    return 1 <= beats <= 255 and beat_type in _BEAT_TYPES


def count_bars(metres: Sequence[Metre], pickup: Fraction, length: Fraction) -> list[Bar]:
    """Return the bars of a piece.

    Args:
        metres: the time signatures, in the order of time. It is 4/4 as long as none is given.
        pickup: the length of the pickup in quarter notes.
        length: the length of the piece in quarter notes. The last bar is a full one, so it may end later.

    Raises:
        ScoreError: there are more than 100,000 bars.
    """
    if not metres or metres[0].onset > 0:
        metres = [Metre(Fraction(0), 4, 4), *metres]
    bars = [Bar(0, Fraction(0), pickup)] if pickup else []
    start, number = pickup, 1
    for place, metre in enumerate(metres):
        following = metres[place + 1].onset if place + 1 < len(metres) else None
        stop = length if following is None else min(following, length)
        while start < stop:
            end = start + metre.quarters
            if following is not None:
                end = min(end, following)
            bars.append(Bar(number, start, end))
            if number >= MAX_BARS:
                raise ScoreError(f"the piece has more than {MAX_BARS} bars: split it", "too long (bars)")
            start, number = end, number + 1
    return bars


def split_pickup(changes: Sequence[Metre]) -> tuple[tuple[Metre, ...], Fraction]:
    """Return the metres and the pickup of a file that can only say where a time signature begins, as MIDI files can.

    Where the second time signature cuts the first bar short, or comes after one bar that is shorter than the bars that
    follow it, the time before it is a pickup of the second time signature. A piece that begins with one full bar of 2/4
    and continues in 4/4 cannot be told from a piece in 4/4 with a pickup of two quarters, and is read as the latter.

    Args:
        changes: the time signatures, in the order of time.
    """
    if not changes:
        return (), Fraction(0)
    if changes[0].onset > 0:  # until then it is 4/4, says the standard
        changes = [Metre(Fraction(0), 4, 4), *changes]
    if len(changes) > 1:
        first, second = changes[:2]
        if second.onset <= first.quarters and second.onset < second.quarters:
            return (second._replace(onset=Fraction(0)), *changes[2:]), second.onset
    return tuple(changes), Fraction(0)


def join_pickup(metres: Sequence[Metre], pickup: Fraction) -> list[Metre]:
    """Return time signatures that say the pickup too, so that `split_pickup` gives both back.

    The pickup becomes a short bar of a time signature of its own where there is one; else the first bar is cut short.

    Args:
        metres: the time signatures of a piece, in the order of time.
        pickup: the length of the pickup in quarter notes.
    """
    if not pickup:
        return list(metres)
    metre = metres[0] if metres else Metre(Fraction(0), 4, 4)
    whole = pickup / 4
    beat_type = max(whole.denominator, metre.beat_type)  # 1/4 before 3/4, 3/8 before 6/8
    beats = whole * beat_type
    short = Metre(Fraction(0), beats.numerator, beat_type)
    if beats.denominator != 1 or not is_metre(short.beats, beat_type):
        short = metre._replace(onset=Fraction(0))
    return [short, metre._replace(onset=pickup), *metres[1:]]
