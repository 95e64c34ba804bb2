"""How a stretch of time is written with notes: values that exist, tied together, so that the beats can be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from lmn_music.music.metre import Bar, Metre

SHORTEST = Fraction(1, 64)  # of a quarter: nothing is divided further
_VALUES = {Fraction(2) ** power for power in range(-4, 4)}  # from a 64th to a breve
_DOTTED = {value * 3 / 2 for value in _VALUES}

Span = tuple[Fraction, Fraction]


class Rhythm:
    """The beats of a bar, and the triplets of one voice in it.

    Args:
        bar: the bar.
        metre: its time signature. A pickup, bar 0, is the end of a bar, any other short bar the beginning of one.
        spans: the start and the end of everything in the voice, rests too, one after the other, without gaps, cut where
            the bar begins and ends.
    """

    def __init__(self, bar: Bar, metre: Metre, spans: Sequence[Span]) -> None:
        self.start = bar.start if bar.number else bar.end - metre.quarters
        self.metre = metre
        self.triplets: set[Span] = set()
        unit = Fraction(4, metre.beat_type)
        for number in range(metre.beats):
            start = self.start + number * unit
            inside = [span for span in spans if span[0] < start + unit and span[1] > start]
            self.triplets.update(_triplets(inside, start, start + unit))

    def split(self, start: Fraction, end: Fraction, *, rest: bool = False) -> list[Span]:
        """Return the notes, to be tied, that a note is written with, each from its start to its end.

        A note that one value can say is one note if it begins or ends with the group of beats in whose middle it
        sounds (a dotted half on the first or second quarter of 4/4), or lies just in the middle of that group (a
        syncopation). Any other note is cut where the strongest beat falls within it. Rests are cut more often.

        Args:
            start: where the note begins, in the bar.
            end: where it ends, in the same bar.
            rest: whether it is a rest.
        """
        group, boundaries = self._divided(start, end)
        if self._one_value(start, end, group, boundaries, rest=rest):
            return [(start, end)]
        inner = [place for place in boundaries if start < place < end]
        if not inner:  # shorter than anything that can be written
            return [(start, end)]
        cut = next((place for place in reversed(inner) if len(self.split(start, place, rest=rest)) == 1), inner[0])
        return [*self.split(start, cut, rest=rest), *self.split(cut, end, rest=rest)]

    def in_triplet(self, start: Fraction, end: Fraction) -> bool:
        """Return whether a note is part of a triplet."""
        return any(first <= start and end <= last for first, last in self.triplets)

    def _one_value(self, start: Fraction, end: Fraction, group: Span, inner: list[Fraction], *, rest: bool) -> bool:
        first, last = group
        value = (end - start) * (Fraction(3, 2) if self.in_triplet(start, end) else 1)
        if value not in _VALUES and value not in _DOTTED:
            return False
        if not any(start < place < end for place in inner):
            return True
        if self.metre.is_compound and inner[0] - first >= self.metre.beat:
            return (start - first) % self.metre.beat == 0 == (end - first) % self.metre.beat and not rest
        if rest:
            return start == first and (value in _VALUES or end == last)
        part = inner[0] - first
        middle = end - start == part and any(start + end == 2 * place for place in inner)
        return start == first or end == last or middle

    def _divided(self, start: Fraction, end: Fraction) -> tuple[Span, list[Fraction]]:
        """Return the smallest group of beats, or part of a beat, that the note lies in, and where it is divided."""
        first, last, depth = self.start, self.start + self.metre.quarters, 0
        while True:
            parts = self._parts(first, last, depth)
            length = (last - first) / parts
            boundaries = [first + number * length for number in range(1, parts)]
            if any(start < place < end for place in boundaries) or last - first <= SHORTEST:
                return (first, last), boundaries
            if (start, end) == (first, last) or parts == 1:
                if parts > 1:
                    return (first, last), boundaries
            else:
                first += (start - first) // length * length
                last = first + length
            depth += 1

    def _parts(self, first: Fraction, last: Fraction, depth: int) -> int:
        """Return into how many parts a group is divided. `depth`: how often the bar has been divided."""
        beats = int(self.metre.quarters / self.metre.beat) if self.metre.quarters % self.metre.beat == 0 else 1
        levels = [2, 2] if beats == 4 else [2, 3] if beats == 6 else [beats, 1]
        if depth < 2:
            return levels[depth]
        if depth == 2 and self.metre.is_compound:
            return 3
        return 3 if (first, last) in self.triplets else 2


def _triplets(spans: Sequence[Span], start: Fraction, end: Fraction) -> Iterator[Span]:
    """Yield the stretches between start and end that are divided by three in a voice."""
    length = end - start
    times = [time for span in spans for time in span if start < time < end]
    if length < SHORTEST or all(((time - start) / length).denominator % 3 for time in times):
        return
    middle = start + length / 2
    if any(first < middle < last for first, last in spans):
        yield start, end
    else:
        yield from _triplets(spans, start, middle)
        yield from _triplets(spans, middle, end)
