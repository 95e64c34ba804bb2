"""A roll as musicians play it: the same roll, in voices or hands, with accents that a rule gives."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmn_music.corpora import load_corpus
from lmn_music.music.accents import accented
from lmn_music.music.hands import split_hands
from lmn_music.music.melody import is_line
from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.performing import CHOIR, is_choir, perform
from lmn_music.music.pianoroll import KEYS, PianoRoll
from lmn_music.music.piece import Piece
from lmn_music.music.tonality import fifths, key_name
from tests.helpers import make_roll


@given(
    frames=arrays(bool, st.tuples(st.integers(0, 40), st.just(KEYS)), elements=st.booleans(), fill=st.just(False)),
    per_quarter=st.sampled_from([1, 2, 3, 4]),
    repeat_notes=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_what_is_played_is_the_roll(frames: np.ndarray, per_quarter: int, repeat_notes: bool) -> None:
    roll = PianoRoll(frames, per_quarter, "A song")
    piece = perform(roll, tempo=90, repeat_notes=repeat_notes)
    assert (piece.length, piece.title) == (Fraction(len(roll), per_quarter), "A song")
    if frames.any():
        assert piece.roll(per_quarter) == roll
        struck = sum(len(part.notes) for part in piece.parts)
        assert struck == frames.sum() if repeat_notes else struck >= roll.notes
    else:
        assert not piece.parts


def test_chorales_are_sung_and_folk_tunes_are_played() -> None:
    chorale, *others = load_corpus("chorales").test[:10]
    piece = perform(chorale, tempo=90)
    assert tuple(part.name for part in piece.parts) == CHOIR
    assert all(is_line(part.notes) for part in piece.parts)
    assert all(is_choir(song.frames) for song in others)
    tune, triad = np.zeros((8, KEYS), bool), [39, 43, 46]
    tune[:, triad] = True
    tune[range(8), [60, 62, 64, 65, 67, 65, 64, 62]] = True
    assert [part.name for part in perform(PianoRoll(tune, 2), tempo=90).parts] == ["Right hand", "Left hand"]


def test_a_single_line_is_a_melody() -> None:
    frames = np.zeros((6, KEYS), dtype=bool)
    frames[range(6), [20, 50, 30, 60, 60, 25]] = True  # however far it leaps
    (part,) = perform(PianoRoll(frames, 2), tempo=90).parts
    assert (part.name, len(part.notes)) == ("Melody", 5)


def test_hands_divide_where_the_music_does() -> None:
    """Chords of the left hand that climb above middle C stay in the left hand, as long as the tune is above them."""
    frames = np.zeros((40, KEYS), dtype=bool)
    for frame in range(40):
        root = 20 + frame // 2  # up to four semitones below middle C, so its fifth is above it
        frames[frame, [root, root + 4, root + 7, root + 24 + frame % 3]] = True
    right, left = split_hands(PianoRoll(frames, 2))
    lowest = {note.onset: note.pitch for note in right.notes}
    assert all(note.pitch < lowest[note.onset] for note in left.notes)
    assert len(right.notes) == 40
    low = np.zeros((4, KEYS), dtype=bool)
    low[:, [5, 9, 12]] = True
    assert [part.name for part in split_hands(PianoRoll(low, 1))] == ["Piano"]


def test_the_rule_of_accents() -> None:
    """Four bars of eighths in 4/4 with a low note under each: as hard as the page says."""
    notes = [Note(pitch, Fraction(n, 2), Fraction(n + 1, 2)) for n in range(8) for pitch in (60, 72)]
    high = [84, 72, 76, 72, 80, 72, 76, 72]  # 80 + 4, - 8, - 4, - 8, + 0, ...
    piece = accented(Piece((Part(tuple(notes)),), metres=(Metre(Fraction(0), 4, 4),)))
    assert [note.velocity for note in piece.parts[0].notes if note.pitch == 72] == high
    assert [note.velocity for note in piece.parts[0].notes if note.pitch == 60] == [velocity - 12 for velocity in high]


@pytest.mark.parametrize(
    ("metre", "pickup", "expected"),
    [
        (Metre(Fraction(0), 3, 4), Fraction(1), [76, 72, 84, 72, 76, 72, 76, 72, 84]),
        (Metre(Fraction(0), 6, 8), Fraction(1, 2), [72, 84, 72, 72, 76, 72, 72, 84]),
        (Metre(Fraction(0), 2, 2), Fraction(0), [84, 72, 72, 72, 76, 72, 72, 72, 84]),
        (Metre(Fraction(0), 12, 8), Fraction(0), [84, 72, 72, 76, 72, 72, 80, 72, 72, 76, 72, 72, 84]),
    ],
)
def test_accents_follow_the_metre_and_its_pickup(metre: Metre, pickup: Fraction, expected: list[int]) -> None:
    notes = tuple(Note(60, Fraction(n, 2), Fraction(n + 1, 2)) for n in range(len(expected)))
    piece = accented(Piece((Part(notes),), metres=(metre,), pickup=pickup))
    assert [note.velocity for note in piece.parts[0].notes] == expected


def test_a_note_under_a_held_one_is_no_melody_and_what_is_kept_stays() -> None:
    held, under, after = (
        Note(72, Fraction(0), Fraction(4), 100),
        Note(60, Fraction(1), Fraction(2)),
        Note(59, Fraction(4), Fraction(5)),
    )
    drums = Part((Note(36, Fraction(0), Fraction(1), 33),), drums=True)
    piece = accented(Piece((Part((held, under, after)), drums)), kept=[held])
    assert [note.velocity for note in piece.parts[0].notes] == [100, 100 - 4 - 12, 104]
    assert piece.parts[1] == drums


def test_key_signatures_of_keys() -> None:
    expected = {"C major": 0, "G major": 1, "F sharp major": 6, "D flat major": -5, "A minor": 0, "E flat minor": 6}
    found = {key_name(tonic, mode): fifths(tonic, mode) for tonic in range(12) for mode in ("major", "minor")}
    assert {name: found[name] for name in expected} == expected
    assert all(-5 <= number <= 6 for number in found.values())


def test_velocities_change_no_roll() -> None:
    roll = make_roll(32, frames_per_quarter=2)
    velocities = {note.velocity for part in perform(roll, tempo=90).parts for note in part.notes}
    assert len(velocities) >= 5
    assert velocities <= set(range(60, 85))
