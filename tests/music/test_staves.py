"""Who stands on which staff: choirs, hands, instruments, clefs, and voices."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmn_music.corpora import load_corpus
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.performing import perform
from lmn_music.music.staves import Chord, Clef, divide


def line(pitch: int, name: str = "", program: int = 0) -> Part:
    """Return eight quarters around a pitch."""
    return Part(tuple(Note(pitch + n % 3, Fraction(n), Fraction(n + 1)) for n in range(8)), name, program)


def clefs(*parts: Part) -> list[list[tuple[str, int, int]]]:
    """Return for each player the clef, its octaves and the number of voices of each staff."""
    return [
        [(laid.clef.sign, laid.clef.octaves, len(laid.voices)) for laid in staves] for _, _, staves in divide(parts)
    ]


@pytest.mark.parametrize("octaves", [-1, 0, 1])
def test_a_choir_has_two_staves_wherever_it_sings(octaves: int) -> None:
    lines = [line(pitch + 12 * octaves) for pitch in (70, 64, 57, 48)]
    assert clefs(*lines) == [[("G", octaves, 2), ("F", octaves, 2)]]
    assert clefs(*reversed(lines)) == clefs(*lines)


def test_lines_stand_on_the_staff_that_has_room_for_them() -> None:
    assert clefs(line(72), line(43), line(40), line(36)) == [[("G", 0, 1), ("F", 0, 1)]]  # three lines as chords
    drone = Part((Note(43, Fraction(0), Fraction(8)),))
    assert clefs(line(72), drone, line(40), line(36)) == [[("G", 0, 1), ("F", 0, 2)]]  # one note, but it lasts
    assert clefs(line(76), line(69), line(45)) == [[("G", 0, 2), ("F", 0, 1)]]
    assert clefs(line(76), line(52), line(45)) == [[("G", 0, 1), ("F", 0, 2)]]


def test_two_parts_are_two_hands_and_other_instruments_are_alone() -> None:
    assert clefs(line(72), line(48)) == [[("G", 0, 1), ("F", 0, 1)]]
    assert clefs(line(72, "Flute", 73), line(48, "Bass", 32)) == [[("G", 0, 1)], [("F", 0, 1)]]
    assert [name for name, _, _ in divide([line(72, "Flute", 73), line(48, "Bass", 32)])] == ["Flute", "Bass"]
    assert divide([Part((Note(36, Fraction(0), Fraction(1)),), drums=True)]) == []


def test_a_wide_part_of_chords_has_two_staves() -> None:
    chords = Part(tuple(Note(pitch, Fraction(0), Fraction(4)) for pitch in (40, 47, 64, 71)))
    assert clefs(chords) == [[("G", 0, 1), ("F", 0, 1)]]
    wide_line = Part((Note(40, Fraction(0), Fraction(1)), Note(76, Fraction(1), Fraction(2))))
    assert len(clefs(wide_line)[0]) == 1


def test_instruments_that_are_written_on_one_staff() -> None:
    stops = tuple(Note(pitch, Fraction(0), Fraction(4)) for pitch in (48, 55, 64, 76))
    assert clefs(Part(stops, program=41), Part(stops, program=0)) == [[("C", 0, 1)], [("G", 0, 1), ("F", 0, 1)]]
    assert clefs(line(74, "Viola", 41), line(60, "Viola", 42)) == [[("G", 0, 1)], [("G", 0, 1)]]


def test_a_clef_has_an_8_only_far_from_its_staff() -> None:
    assert clefs(line(100)) == [[("G", 1, 1)]]
    assert clefs(line(80)) == [[("G", 0, 1)]]
    assert clefs(line(28)) == [[("F", -1, 1)]]


@given(st.lists(st.tuples(st.integers(60, 79), st.integers(0, 12), st.integers(1, 8)), min_size=1, max_size=14))
@settings(max_examples=150)
def test_two_voices_hold_any_notes(found: list[tuple[int, int, int]]) -> None:
    """No voice has two chords at a time, and together they sound what the notes sound."""
    notes = [Note(pitch, Fraction(onset), Fraction(onset + length)) for pitch, onset, length in sorted(found)]
    part = Part(tuple(sorted(notes, key=lambda note: (note.onset, note.pitch))))
    ((_, _, (staff, *more)),) = divide([part])
    assert not more
    assert len(staff.voices) <= 2
    sounding: Counter[tuple[int, int]] = Counter()
    for voice in staff.voices:
        for before, after in pairwise(voice):
            assert before.end <= after.onset
            for pitch in before.tied:  # a tie leads to the same note, without a gap
                assert before.end == after.onset
                assert pitch in after.pitches
        for chord in voice:
            assert list(chord.pitches) == sorted(set(chord.pitches))
            sounding.update((pitch, t) for pitch in chord.pitches for t in range(int(chord.onset), int(chord.end)))
    expected = {(note.pitch, t) for note in notes for t in range(int(note.onset), int(note.end))}
    assert set(sounding) == expected


def test_each_voice_of_a_chorale_is_a_line_of_its_own() -> None:
    piece = perform(load_corpus("chorales").test[0], tempo=90)
    ((_, _, staves),) = divide(piece.parts)
    assert [staff.clef for staff in staves] == [Clef("G", 1), Clef("F", 1)]
    assert all(isinstance(chord, Chord) and len(chord.pitches) == 1 for s in staves for v in s.voices for chord in v)
