"""The one musical data type."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lmn_music.errors import UsageError
from lmn_music.music import pianoroll
from lmn_music.music.notes import runs
from lmn_music.music.pianoroll import KEYS, PianoRoll, key_named, pitch_name
from tests.helpers import make_roll

frames = hnp.arrays(bool, st.tuples(st.integers(0, 20), st.just(KEYS)))


@given(frames)
def test_a_roll_is_its_frames(values):
    roll = PianoRoll(values, 2, "a song")
    assert len(roll) == len(values)
    assert roll.notes == len(list(runs(roll.frames)))
    assert roll == PianoRoll(values.astype(np.uint8), 2)
    assert hash(roll) == hash(PianoRoll(values.astype(float), 2))


@given(frames, st.integers(-12, 12))
def test_transposing_there_and_back(values, semitones):
    values[:, :12] = values[:, -12:] = False
    roll = PianoRoll(values, 2)
    there = roll.transposed(semitones)
    assert there.transposed(-semitones) == roll
    assert np.array_equal(there.frames[:, 30 + semitones], roll.frames[:, 30])


def test_slices_are_rolls_and_frames_are_vectors():
    roll = PianoRoll(np.eye(5, KEYS, dtype=bool), 2, "scale")
    assert roll[1:3] == PianoRoll(np.eye(5, KEYS, dtype=bool)[1:3], 2)
    assert roll[1:3].title == "scale"
    assert roll[4].nonzero()[0] == [4]


def test_a_roll_never_changes():
    values = np.zeros((3, KEYS), dtype=bool)
    roll = PianoRoll(values, 2)
    values[0, 0] = True
    assert roll.notes == 0
    with pytest.raises(ValueError, match="read-only"):
        roll.frames[0, 0] = True


def test_frames_of_other_lengths_differ():
    assert PianoRoll(np.zeros((3, KEYS)), 1) != PianoRoll(np.zeros((3, KEYS)), 2)
    assert PianoRoll(np.zeros((3, KEYS)), 1) != "a song"


@pytest.mark.parametrize(
    ("values", "frames_per_quarter", "message"),
    [
        (np.zeros((3, 87)), 1, "shape"),
        (np.zeros(88), 1, "shape"),
        (np.full((3, KEYS), 2), 1, "zeros and ones"),
        (np.full((3, KEYS), 0.5), 1, "zeros and ones"),
        (np.zeros((3, KEYS)), 0, "frames_per_quarter"),
    ],
)
def test_what_is_no_roll_is_refused(values, frames_per_quarter, message):
    with pytest.raises(ValueError, match=message):
        PianoRoll(values, frames_per_quarter)


def test_no_note_is_moved_off_the_keyboard():
    with pytest.raises(ValueError, match="off the keyboard"):
        PianoRoll(np.eye(1, KEYS, 3), 1).transposed(-4)
    with pytest.raises(ValueError, match="off the keyboard"):
        PianoRoll(np.eye(1, KEYS, 85), 1).transposed(3)
    assert PianoRoll(np.zeros((2, KEYS)), 1).transposed(40).notes == 0


def test_the_example_in_the_docstring():
    result = doctest.testmod(pianoroll)
    assert (result.attempted, result.failed) == (6, 0)


def test_numpy_takes_a_roll_as_an_array():
    roll = make_roll(5)
    assert np.array_equal(np.asarray(roll), roll.frames)
    assert np.asarray(roll, dtype=float).dtype == float


def test_a_roll_with_fewer_frames_is_what_sounds_on_each_of_them():
    fine = make_roll(13, frames_per_quarter=4)
    assert np.array_equal(fine.resampled(2).frames, fine.frames[::2])
    assert fine.resampled(4) == fine
    coarse = make_roll(5, frames_per_quarter=2)
    assert np.array_equal(coarse.resampled(6).frames, np.repeat(coarse.frames, 3, axis=0))
    assert coarse.resampled(6).resampled(2) == coarse
    with pytest.raises(ValueError, match="cannot become 3"):
        coarse.resampled(3)


def test_a_name_means_its_key():
    assert [key_named(pitch_name(key)) for key in range(KEYS)] == list(range(KEYS))
    assert [key_named(name) for name in ("Bb2", "Cb4", "B3", "E#4", "F4")] == [25, 38, 38, 44, 44]


@pytest.mark.parametrize(
    "name", ["", "c4", "H4", "C", "4", "C 4", "C4 ", "C##4", "C\u266f4", "Ab0", "C#8", "C9", "C-1", "60"]
)
def test_what_is_no_key_is_refused(name):
    with pytest.raises(UsageError, match="is no key of the piano: write a name from A0 to C8"):
        key_named(name)
