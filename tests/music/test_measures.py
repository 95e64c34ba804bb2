"""Each measure on a song of which the answer can be read off."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmn_music.music.measures import (
    MEASURES,
    PITCH_CLASSES,
    STEPS,
    counts,
    longest_hold,
    longest_silence,
    standstill,
    stretches,
    value,
)
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll
from tests.helpers import make_roll


def song_of(*chords, frames_per_quarter=2):
    """Return a song of one frame for each chord of MIDI pitches."""
    frames = np.zeros((len(chords), KEYS), dtype=bool)
    for frame, chord in zip(frames, chords, strict=True):
        frame[[pitch - LOWEST_PITCH for pitch in chord]] = True
    return PianoRoll(frames, frames_per_quarter)


def measured(begin, *songs):
    """Return the value of the measure whose name begins so."""
    (measure,) = [measure for measure in MEASURES if measure.name.startswith(begin)]
    result = value(counts(measure, songs))
    return dict(zip(measure.bins, result, strict=True)) if measure.bins else result.item()


C, CE, D = (60,), (60, 64), (62,)


@pytest.mark.parametrize(
    ("name", "songs", "expected"),
    [
        ("keys per frame, first bar", [song_of(C, CE, C, C, CE, CE, CE, CE, CE, CE), song_of(C)], 14 / 9),
        ("keys per frame, first quarter", [song_of(C, C, CE, CE, C, C, (), ())], 1),
        ("keys per frame, second", [song_of(C, C, CE, CE, C, C, (), ())], 2),
        ("keys per frame, last", [song_of(C, C, CE, CE, C, C, (), ())], 0),
        ("voices", [song_of((), CE, C, ())], 1.5),
        ("silent", [song_of((), CE, C, C), song_of((), ())], 0.5),
        ("frames that differ", [song_of(C, C, D, D, C)], 0.5),
        ("longest hold", [song_of(C, C, C, D), song_of(C, D)], 1),
        ("longest silence", [song_of((), (), C, (), D), song_of(C, D)], 0.5),
        ("windows", [song_of(*[C, D] * 5)], 1 / 3),  # three windows, of which the third is the first again
        ("range", [song_of(C, D, (72,)), song_of(C)], 6),
        ("frames with a semitone", [song_of((60, 61), (60, 71), (60, 72, 73), (60, 70), ())], 3 / 4),
        ("frames with a semitone", [song_of((60, 73), (60, 62))], 0),
    ],
)
def test_numbers(name, songs, expected):
    assert measured(name, *songs) == pytest.approx(expected)


def test_pitch_classes():
    found = measured("pitch classes", song_of(C, CE, (72, 40)))
    assert {name: share for name, share in found.items() if share} == {"C": 0.6, "E": 0.4}


def test_steps_of_the_top_voice():
    found = measured("steps", song_of(C, C, (50, 62), (), (62,), (61,), (100,), (99, 98)))
    assert {name: share for name, share in found.items() if share} == {"+2": 0.25, "-1": 0.5, "+12": 0.25}


@pytest.mark.parametrize(
    ("chords", "quarters"),
    [
        ((C, C, C, D), 1.5),
        ((C, D, C, D, C, CE), 2.5),  # a trill: each frame equals the one two before
        ((C, D, CE, C, D, CE), 0.5),  # a figure of three eighths is longer than a quarter
        ((C, D, CE, D, CE, CE, CE, CE), 2),
        ((), 0),
        ((C,), 0.5),
    ],
)
def test_a_trill_stands_still(chords, quarters):
    assert standstill(song_of(*chords)) == quarters


def test_stretches():
    starts, lengths = stretches(song_of((), (), C, C, C, D).frames)
    assert starts.tolist() == [0, 2, 5]
    assert lengths.tolist() == [2, 3, 1]
    assert longest_hold(song_of((), ())) == 0
    assert longest_silence(song_of((), ())) == 1


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
@given(lengths=st.lists(st.integers(0, 12), min_size=1, max_size=4))
def test_a_set_is_measured_song_by_song(measure, lengths):
    """Also songs without a frame or a note; a histogram sums to 1."""
    songs = [make_roll(length, seed) for seed, length in enumerate(lengths)] + [song_of((), ())]
    counted = counts(measure, songs)
    assert counted.shape == (len(songs), len(measure.bins or "1") + 1)
    result = value(counted)
    if measure.bins and not np.isnan(result).any():
        assert result.sum() == pytest.approx(1)
    assert np.array_equal(value(counts(measure, songs[::-1])), result, equal_nan=True)


def test_bins_are_named():
    assert len(PITCH_CLASSES) == 12
    assert STEPS[0] == "-12"
    assert STEPS[-1] == "+12"
