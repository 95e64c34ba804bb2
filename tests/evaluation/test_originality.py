"""The longest shared run, against looking at every place of every song."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lmn_music.evaluation import originality
from lmn_music.evaluation.originality import SharedRun, shared_runs
from lmn_music.music.pianoroll import KEYS, PianoRoll
from tests.helpers import make_roll


def song_of(chords, key=40):
    """Return a song of one frame for each chord, a tuple of keys counted from `key`."""
    frames = np.zeros((len(chords), KEYS), dtype=bool)
    for frame, chord in zip(frames, chords, strict=True):
        frame[[key + each for each in chord]] = True
    return PianoRoll(frames, 2)


def moved(frames, semitones):
    """Return the frames on a wider keyboard, transposed."""
    return np.pad(frames, ((0, 0), (12 + semitones, 12 - semitones)))


def count_chords(frames):
    return 1 + int((frames[1:] != frames[:-1]).any(axis=1).sum())


def looked_up(song, training):
    """Return the most chords, and then the most frames, of a run that is shared."""
    best = (0, 0)
    for other, semitones in product(training, range(-11, 12)):
        here, there = moved(song.frames, 0), moved(other.frames, semitones)
        for i, j in product(range(len(here)), range(len(there))):
            length = 0
            while i + length < len(here) and j + length < len(there) and (here[i + length] == there[j + length]).all():
                length += 1
            if length:
                best = max(best, (count_chords(here[i : i + length]), length))
    return best


chords = st.lists(st.sampled_from([(), (0,), (1,), (0, 4), (12,)]), max_size=9)
keys = st.sampled_from([0, 5, 40, 75])
songs = st.builds(song_of, chords, keys)


@given(st.lists(songs, max_size=3), st.lists(songs, max_size=3))
def test_the_run_is_the_longest_one(some, training):
    found = shared_runs(some, training)
    assert len(found) == len(some)
    for song, run in zip(some, found, strict=True):
        assert (run.chords, run.frames) == looked_up(song, training)
        if run.source < 0:
            assert run == SharedRun()
            continue
        here = song.frames[run.start : run.start + run.frames]
        there = training[run.source].frames[run.source_start : run.source_start + run.frames]
        assert np.array_equal(moved(here, 0), moved(there, run.semitones))
        assert -11 <= run.semitones <= 11


def test_a_transposed_copy_is_found():
    training = [make_roll(30, seed) for seed in range(5)]
    song = PianoRoll(np.concatenate([make_roll(4, 99).frames, training[3].transposed(-7).frames[10:25]]), 1)
    (run,) = shared_runs([song], training)
    assert (run.start, run.source, run.source_start, run.semitones) == (4, 3, 10, -7)
    assert run.frames == 15


def test_a_long_chord_is_one_chord():
    training = [song_of([(0,)] * 50), song_of([(3, 5), (4, 7)], key=35)]
    (run,) = shared_runs([song_of([(0,)] * 40 + [(3, 5), (4, 7)])], training)
    assert (run.chords, run.frames, run.source) == (2, 2, 1)


def test_of_equal_runs_the_original_key_is_taken():
    song = song_of([(0,), (2,), (4,)])
    (run,) = shared_runs([song], [song.transposed(2), song])
    assert (run.source, run.semitones) == (1, 0)


def test_songs_in_groups_give_the_same(monkeypatch):
    training, some = [make_roll(30, seed) for seed in range(4)], [make_roll(12, seed) for seed in range(4, 9)]
    whole = shared_runs(some, training)
    monkeypatch.setattr(originality, "FRAMES_AT_ONCE", 23 * 13)
    assert shared_runs(some, training) == whole


def test_nothing_shares_nothing():
    assert shared_runs([], [make_roll(3)]) == []
    assert shared_runs([make_roll(3)], []) == [SharedRun()]
    assert shared_runs([song_of([])], [make_roll(3)]) == [SharedRun()]
