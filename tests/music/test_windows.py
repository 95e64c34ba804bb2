"""Names of windows, against looking at every pair of windows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lmn_music.music.pianoroll import KEYS
from lmn_music.music.windows import top_voice, windows

chords = st.lists(st.sampled_from([(), (0,), (1,), (0, 4), (3, 12)]), max_size=8)
keys = st.sampled_from([0, 5, 75])


def frames_of(some, key=40):
    frames = np.zeros((len(some), KEYS), dtype=bool)
    for frame, chord in zip(frames, some, strict=True):
        frame[[key + each for each in chord]] = True
    return frames


def relative(window):
    """Return a window as its chords, counted from its lowest key."""
    lowest = min(key for chord in window for key in chord)
    return tuple(tuple(key - lowest for key in chord) for chord in window)


def expected(some, width):
    """Return the windows in which something changes, up to transposition."""
    every = [some[start : start + width] for start in range(len(some) - width + 1)]
    return {relative(window) for window in every if len(set(window)) > 1}


@given(chords, chords, keys, keys, st.sampled_from([2, 3]))
def test_windows_are_equal_if_one_is_the_other_transposed(one, other, key, other_key, width):
    found = windows(frames_of(one, key), width), windows(frames_of(other, other_key), width)
    right = expected(one, width), expected(other, width)
    assert [len(names) for names in found] == [len(names) for names in right]
    assert len(found[0] & found[1]) == len(right[0] & right[1])


@given(chords, keys)
def test_the_top_voice_is_the_highest_key_of_each_chord(some, key):
    assert np.array_equal(top_voice(frames_of(some, key)), frames_of([chord[-1:] for chord in some], key))
