"""Note values: those that exist, together as long as the note, cut where the beats are."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmn_music.music.metre import Bar, Metre
from lmn_music.music.rhythm import Rhythm

VALUES = {Fraction(2) ** power * dots for power in range(-4, 4) for dots in (Fraction(1), Fraction(3, 2))}


def written(beats: int, beat_type: int, start: object, end: object, *, rest: bool = False) -> str:
    """Return the lengths, in quarters, that a note is written with, alone in its bar."""
    first, last = Fraction(str(start)), Fraction(str(end))
    metre = Metre(Fraction(0), beats, beat_type)
    bar = Bar(1, Fraction(0), metre.quarters)
    around = [span for span in [(bar.start, first), (first, last), (last, bar.end)] if span[0] < span[1]]
    return " ".join(str(b - a) for a, b in Rhythm(bar, metre, around).split(first, last, rest=rest))


@pytest.mark.parametrize(
    ("metre", "start", "end", "expected"),
    [
        ((4, 4), 0, 3, "3"),
        ((4, 4), 1, 4, "3"),
        ((4, 4), 1, 3, "2"),
        ((4, 4), 0, "5/2", "2 1/2"),
        ((4, 4), "1/2", "3/2", "1"),  # a syncopation within half a bar
        ((4, 4), "3/2", "5/2", "1/2 1/2"),  # the middle of the bar is seen
        ((4, 4), "1/2", 4, "3/2 2"),
        ((3, 4), 0, "5/2", "2 1/2"),
        ((3, 4), "1/2", 3, "1/2 2"),
        ((6, 8), 0, 3, "3"),
        ((6, 8), 0, 2, "3/2 1/2"),
        ((6, 8), 1, 2, "1/2 1/2"),
        ((6, 8), "1/2", "3/2", "1"),
        ((9, 8), 0, "9/2", "3 3/2"),
        ((12, 8), 0, 6, "6"),
        ((2, 2), 1, 3, "2"),
        ((5, 4), 0, 5, "4 1"),
        ((4, 4), "1/3", "5/3", "2/3 2/3"),  # triplets, over a beat
        ((2, 2), "2/3", "4/3", "2/3"),
    ],
)
def test_how_notes_are_written(metre: tuple[int, int], start: object, end: object, expected: str) -> None:
    assert written(*metre, start, end) == expected


@pytest.mark.parametrize(
    ("metre", "start", "end", "expected"),
    [
        ((4, 4), 1, 4, "1 2"),
        ((4, 4), 1, 3, "1 1"),
        ((3, 4), 0, 2, "2"),
        ((6, 8), 0, "3/2", "3/2"),
        ((6, 8), "1/2", "3/2", "1/2 1/2"),
        ((4, 4), "1/4", 1, "1/4 1/2"),
    ],
)
def test_how_rests_are_written(metre: tuple[int, int], start: object, end: object, expected: str) -> None:
    assert written(*metre, start, end, rest=True) == expected


@given(
    metre=st.sampled_from([(4, 4), (3, 4), (2, 4), (6, 8), (9, 8), (12, 8), (2, 2), (3, 8), (5, 4), (7, 8), (6, 4)]),
    pickup=st.booleans(),
    data=st.data(),
)
def test_every_bar_can_be_written(metre: tuple[int, int], pickup: bool, data: st.DataObject) -> None:
    """Notes of sixteenths and of triplets, each beat of one kind, with notes that last over several beats."""
    sign = Metre(Fraction(0), *metre)
    unit = Fraction(4, sign.beat_type)
    times = {Fraction(0), sign.quarters}
    for number in range(sign.beats):
        parts = data.draw(st.sampled_from([1, 2, 3, 4, 6, 8, 12]))
        chosen = data.draw(st.lists(st.integers(0, parts - 1), max_size=4))
        times |= {(number + Fraction(part, parts)) * unit for part in chosen}
    start = Fraction(7) if not pickup else Fraction(-1)
    first = start + (unit if pickup else 0)
    bar = Bar(0 if pickup else 1, first, start + sign.quarters)
    ordered = sorted({max(start + time, first) for time in times})
    spans = list(itertools.pairwise(ordered))
    rhythm = Rhythm(bar, sign, spans)
    for number, (begin, end) in enumerate(spans):
        signs = rhythm.split(begin, end, rest=number % 3 == 2)
        assert signs[0][0] == begin
        assert signs[-1][1] == end
        assert all(one[1] == two[0] for one, two in itertools.pairwise(signs))
        for one, two in signs:
            length = (two - one) * (Fraction(3, 2) if rhythm.in_triplet(one, two) else 1)
            assert length in VALUES, (begin, end, signs)
