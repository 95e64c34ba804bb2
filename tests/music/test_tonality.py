"""The key of a piece, and its way to C and back."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lmn_music.errors import ScoreError
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.pianoroll import KEYS, PianoRoll
from lmn_music.music.piece import KeySignature, Piece
from lmn_music.music.tonality import find_key, key_of, mean_top_key, semitones_to_c, transpose_to_c

NATURAL = (0, 2, 4, 5, 7, 9, 11, 12)  # the white keys from C to C


def tune(*pitches: int, signature: tuple[int, str | None] | None = None) -> Piece:
    notes = tuple(Note(pitch, Fraction(beat), Fraction(beat + 1)) for beat, pitch in enumerate(pitches))
    signatures = (KeySignature(Fraction(0), *signature),) if signature else ()
    return Piece((Part(notes),), key_signatures=signatures)


E_MINOR = (64, 67, 71, 64, 66, 67, 71, 76)  # e g b e f# g b e


@pytest.mark.parametrize(
    ("signature", "key"),
    [
        (None, (4, "minor")),
        ((1, "minor"), (4, "minor")),
        ((1, "major"), (4, "minor")),  # programs write "major" where nobody chose
        ((1, None), (4, "minor")),
        ((0, "major"), (4, "minor")),  # and no accidentals
        ((-3, "minor"), (0, "minor")),  # an explicit choice counts
        ((2, "major"), (11, "minor")),
    ],
)
def test_the_key_of_a_piece(signature: tuple[int, str | None] | None, key: tuple[int, str]) -> None:
    assert key_of(tune(*E_MINOR, signature=signature)) == key


def test_a_signature_leaves_two_keys() -> None:
    roll = tune(*(60 + step for step in NATURAL)).roll(1)
    assert find_key(roll) == find_key(roll, 0) == (0, "major")
    assert find_key(roll, 4) in ((4, "major"), (1, "minor"))
    assert find_key(PianoRoll(np.zeros((2, KEYS)), 1), -3) == (3, "major")


@given(st.integers(0, 87), st.integers(0, 87), st.integers(0, 11))
def test_ways_to_c(low: int, high: int, tonic: int) -> None:
    assume(low <= high)
    frames = np.zeros((1, KEYS), dtype=bool)
    frames[0, [low, high]] = True
    roll = PianoRoll(frames, 1)
    possible = {
        steps for steps in range(-KEYS, KEYS) if (tonic + steps) % 12 == 0 and 0 <= low + steps <= high + steps < KEYS
    }
    if not possible:
        with pytest.raises(ScoreError, match="whole keyboard"):
            semitones_to_c(roll, tonic)
        return
    ways = semitones_to_c(roll, tonic)
    assert set(ways) == possible
    assert len(ways) == len(possible)
    assert [abs(steps) for steps in ways] == sorted(abs(steps) for steps in ways)
    for steps in ways:
        assert roll.transposed(steps).transposed(-steps) == roll


def test_the_nearest_way_is_that_of_transpose_to_c() -> None:
    roll = tune(*(66 + step for step in NATURAL)).roll(1)  # F sharp major
    assert semitones_to_c(roll, 6)[0] == 6
    assert transpose_to_c(roll) == roll.transposed(6)


def test_the_mean_of_the_highest_keys() -> None:
    frames = np.zeros((4, KEYS), dtype=bool)
    frames[0, [3, 40]] = frames[2, 50] = True
    assert mean_top_key([PianoRoll(frames, 1), PianoRoll(frames[:1], 1)]) == pytest.approx(130 / 3)
