"""Pieces: bars, spans, moving and cutting, and the roll of a piece."""

import doctest
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lmn_music.music.piece
from lmn_music.errors import ScoreError, UsageError
from lmn_music.music.metre import Bar, Metre, join_pickup, split_pickup
from lmn_music.music.notes import Note, to_roll
from lmn_music.music.part import Part
from lmn_music.music.piece import KeySignature, Piece, Tempo
from tests.helpers import make_roll
from tests.music.helpers import pieces


def f(*times: float | str) -> list[Fraction]:
    return [Fraction(time) for time in times]


def piece(length: float, *metres: tuple[float, int, int], pickup: float = 0) -> Piece:
    changes = tuple(Metre(Fraction(onset), beats, beat_type) for onset, beats, beat_type in metres)
    return Piece((), Fraction(length), metres=changes, pickup=Fraction(pickup))


def bars(music: Piece) -> list[tuple[int, float, float]]:
    return [(bar.number, float(bar.start), float(bar.end)) for bar in music.bars()]


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        (piece(8), [(1, 0, 4), (2, 4, 8)]),  # 4/4 where nothing is said
        (piece(9, (0, 4, 4)), [(1, 0, 4), (2, 4, 8), (3, 8, 12)]),  # the last bar is a full one
        (piece(7, (0, 3, 4), pickup=1), [(0, 0, 1), (1, 1, 4), (2, 4, 7)]),
        (piece(3.5, (0, 6, 8), pickup=0.5), [(0, 0, 0.5), (1, 0.5, 3.5)]),
        (piece(10, (0, 4, 4), (4, 3, 4)), [(1, 0, 4), (2, 4, 7), (3, 7, 10)]),
        (piece(9, (0, 4, 4), (6, 3, 4)), [(1, 0, 4), (2, 4, 6), (3, 6, 9)]),  # a bar cut short by a change
        (piece(6, (4, 2, 4)), [(1, 0, 4), (2, 4, 6)]),  # 4/4 until the first time signature
        (piece(5, (0, 4, 4), (1, 4, 4)), [(1, 0, 1), (2, 1, 5)]),  # a time signature again begins a bar anew
        (piece(0), []),
        (piece(4, (0, 4, 4), (8, 3, 4)), [(1, 0, 4)]),  # a change after the end
    ],
)
def test_bars(music: Piece, expected: list[tuple[int, float, float]]) -> None:
    assert bars(music) == expected


def test_a_span_of_bars() -> None:
    music = piece(7, (0, 3, 4), pickup=1)
    assert music.span(0, 1) == (0, 4)
    assert music.span(2, 2) == (4, 7)
    for first, last in [(2, 3), (2, 1), (-1, 1)]:
        with pytest.raises(UsageError, match="bars 0 to 2"):
            music.span(first, last)
    with pytest.raises(UsageError, match="no bars"):
        piece(0).span(1, 1)


def test_endless_bars_are_refused() -> None:
    with pytest.raises(ScoreError) as caught:
        piece(2.0**60).bars()
    assert caught.value.reason == "too long (bars)"


@given(pieces())
def test_bars_fill_the_piece_without_gaps(music: Piece) -> None:
    found = music.bars()
    assert found[0].start == 0
    assert found[-1].end >= music.length > found[-1].start
    for before, bar in pairwise(found):
        assert (bar.start, bar.number) == (before.end, before.number + 1)
    assert found[0] == Bar(0, Fraction(0), music.pickup) if music.pickup else found[0].number == 1
    starts = {bar.start for bar in found}
    assert all(metre.onset in starts for metre in music.metres if 0 < metre.onset < music.length)


@given(pieces())
def test_the_pickup_of_a_file_of_time_signatures(music: Piece) -> None:
    assert split_pickup(join_pickup(music.metres, music.pickup)) == (music.metres, music.pickup)


@pytest.mark.parametrize(
    ("metre", "pickup", "first"),
    [
        ((3, 4), "1", (1, 4)),
        ((4, 4), "1/2", (1, 8)),
        ((6, 8), "1/2", (1, 8)),
        ((6, 8), "3/2", (3, 8)),
        ((2, 2), "1", (1, 4)),
        ((4, 4), "3/2", (3, 8)),
        ((4, 4), "1/3", (4, 4)),  # no time signature is so short: the first bar is cut short
    ],
)
def test_a_pickup_is_a_short_bar(metre: tuple[int, int], pickup: str, first: tuple[int, int]) -> None:
    short, full = join_pickup([Metre(Fraction(0), *metre)], Fraction(pickup))
    assert short == (0, *first)
    assert full == (Fraction(pickup), *metre)


def test_a_short_first_bar_is_taken_for_a_pickup() -> None:
    """The documented ambiguity of files that know no pickup."""
    metres = [Metre(Fraction(0), 2, 4), Metre(Fraction(2), 4, 4), Metre(Fraction(6), 2, 4)]
    assert split_pickup(metres) == ((Metre(Fraction(0), 4, 4), metres[2]), 2)
    long_first = [Metre(Fraction(0), 2, 4), Metre(Fraction(4), 4, 4)]
    assert split_pickup(long_first) == (tuple(long_first), 0)


def test_the_roll_of_a_piece() -> None:
    tune = Part((Note(60, *f(0, 1)), Note(62, *f(1, "3/2"))))
    drums = Part((Note(36, *f(0, 4)),), drums=True)
    music = Piece((tune, drums), Fraction(6))
    roll = music.roll(2)
    assert len(roll) == 12
    assert np.argwhere(roll.frames).tolist() == [[0, 39], [1, 39], [2, 41]]
    with pytest.raises(ScoreError) as caught:
        Piece((drums,)).roll(2)
    assert caught.value.reason == "drums only"


def test_times_of_notes_may_be_any_numbers() -> None:
    exact, rounded = ((Note(60, time(1), time(2)),) for time in (Fraction, float))
    assert to_roll(exact, Fraction(3), 2, title="") == to_roll(rounded, Fraction(3), 2, title="")


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -float("inf"), Fraction(10) ** 400])
def test_times_that_no_roll_can_hold_are_refused(time: Fraction) -> None:
    for note in (Note(60, Fraction(1), time), Note(60, time, Fraction(1))):
        with pytest.raises(ScoreError, match="the note times make no sense"):
            to_roll((Note(62, Fraction(0), Fraction(1)), note), Fraction(2), 2, title="")


@pytest.mark.parametrize("repeat_notes", [False, True])
def test_a_roll_is_a_piece_and_a_roll_again(repeat_notes: bool) -> None:
    roll = make_roll(30, seed=3, frames_per_quarter=3)
    music = Piece.from_roll(roll, repeat_notes=repeat_notes)
    assert music.roll(3) == roll
    assert music.length == 10
    assert len(music.parts[0].notes) == (roll.frames.sum() if repeat_notes else roll.notes)


@given(pieces(), st.integers(-20, 20))
def test_transposing_back_gives_the_notes_back(music: Piece, semitones: int) -> None:
    moved = music.transposed(semitones)
    assert moved.transposed(-semitones).parts == music.parts
    for part, same in zip(moved.parts, music.parts, strict=True):
        distance = 0 if part.drums else semitones
        assert [note.pitch - distance for note in part.notes] == [note.pitch for note in same.notes]


def test_key_signatures_follow_a_transposition() -> None:
    music = Piece((), Fraction(4), key_signatures=(KeySignature(Fraction(0), 3, "minor"),))
    assert [music.transposed(steps).key_signatures[0].fifths for steps in (-9, 1, 3, 6, 12)] == [0, -2, 0, -3, 3]
    with pytest.raises(ValueError, match="range of MIDI"):
        Piece((Part((Note(120, *f(0, 1)),)),)).transposed(8)


@given(pieces(), st.integers(0, 40))
def test_what_begins_after_a_place(music: Piece, eighths: int) -> None:
    """The cut part keeps its notes, and the tempo, metre, key and bar lines that it had."""
    start = Fraction(eighths, 2)
    rest = music.after(start)
    assert rest.parts == tuple(
        Part(
            tuple(Note(n.pitch, n.onset - start, n.end - start, n.velocity) for n in part.notes if n.onset >= start),
            part.name,
            part.program,
            part.channel,
            part.drums,
        )
        for part in music.parts
        if any(note.onset >= start for note in part.notes)
    )
    if start >= music.length:
        return
    lines = {bar.start - start for bar in music.bars() if bar.start > start}
    assert {bar.start for bar in rest.bars() if bar.start > 0} == lines
    assert rest.length == music.length - start

    def in_force(changes: tuple[Tempo, ...] | tuple[KeySignature, ...], time: Fraction) -> tuple[object, ...]:
        before = [change[1:] for change in changes if change.onset <= time]
        return before[-1] if before else ()

    for time in (Fraction(0), Fraction(3, 2), Fraction(5)):
        assert in_force(rest.tempos, time) == in_force(music.tempos, start + time)
        assert in_force(rest.key_signatures, time) == in_force(music.key_signatures, start + time)


def test_parts_are_added_and_moved_exactly() -> None:
    tune = Part((Note(60, *f(0, "1/3")),), name="Tune")
    music = Piece((tune,), Fraction(4))
    longer = music.with_parts([tune.shifted(Fraction(4))])
    assert longer.parts[1].notes == (Note(60, *f(4, "13/3")),)
    assert (longer.length, longer.end) == (Fraction(13, 3), Fraction(13, 3))
    assert music.end == Fraction(1, 3)


def test_silence_at_the_end_is_dropped() -> None:
    music = Piece((Part((Note(72, *f(0, 1)),)),), Fraction(8))
    assert music.trimmed().length == 1
    assert music.trimmed().parts == music.parts


def test_the_examples_are_true() -> None:
    assert doctest.testmod(lmn_music.music.piece).failed == 0
