"""Relatives, in songs made up here and in the benchmark."""

from dataclasses import replace

import numpy as np
import pytest

from lmn_music.corpora import load_corpus
from lmn_music.evaluation.audit import audit
from lmn_music.evaluation.relatives import nearest
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.music.prints import QUARTERS, prints
from lmn_music.music.windows import top_voice
from tests.helpers import make_roll

SONGS = [make_roll(40, seed) for seed in range(4)]


def spliced(first, second, border):
    """Return a song that is the first one up to a frame, and the second one from there."""
    return PianoRoll(np.concatenate([first.frames[:border], second.frames[border:]]), 1)


def found(song, others):
    (one,) = nearest(prints([song]), prints(others))
    return one


def test_songs_drawn_apart_are_no_relatives():
    assert not any(one.related for one in nearest(prints(SONGS[:2]), prints(SONGS[2:])))


def test_a_transposed_copy_is_a_twin():
    one = found(SONGS[1].transposed(-7), SONGS)
    assert (one.number, one.texture, one.top_voice, one.exact) == (1, 1, 1, True)


def test_silence_around_a_song_does_not_count():
    silence = np.zeros((3, 88), dtype=bool)
    assert found(PianoRoll(np.concatenate([silence, SONGS[2].frames, silence]), 1), SONGS).exact


def test_half_of_a_song_is_enough():
    windows = 40 - QUARTERS + 1
    for border in (20, 24, 28):
        one = found(spliced(SONGS[0], make_roll(40, 9), border), SONGS)
        assert one.number == 0
        assert one.texture == pytest.approx((border - QUARTERS + 1) / windows)
        assert one.related is (border >= 24)
        assert not one.exact


def test_another_harmony_below_the_same_tune_is_a_relative():
    tune, other = top_voice(SONGS[3].frames), make_roll(40, 9).frames.copy()
    highest = top_voice(SONGS[3].frames).argmax(axis=1)
    for frame, key in zip(other, highest, strict=True):
        frame[key:] = False
    one = found(PianoRoll(tune | other, 1), SONGS)
    assert (one.number, one.top_voice, one.related, one.exact) == (3, 1, True, False)
    assert one.texture < 0.5


def test_a_song_is_no_relative_of_itself():
    known = prints([*SONGS, SONGS[0].transposed(2)])
    assert [one.exact for one in nearest(known, known)] == [True, False, False, False, True]
    alone = known[:1]
    assert nearest(alone, alone)[0].number == nearest(alone, [])[0].number == -1


def test_windows_are_as_long_with_more_frames():
    """The same music with two frames for each quarter note has the same relatives."""
    cut = spliced(SONGS[0], make_roll(40, 9), 26)
    assert found(cut.resampled(2), [song.resampled(2) for song in SONGS]).texture == pytest.approx(
        found(cut, SONGS).texture, abs=0.03
    )


def test_the_audit_of_a_corpus(small_corpus):
    train = (*small_corpus.train, small_corpus.train[1].transposed(3))
    test = (*small_corpus.test, replace(small_corpus.train[1].transposed(5), title="copy"))
    report = audit(replace(small_corpus, train=train, test=test))
    counts = {(kin.split, kin.beside): (kin.songs, kin.related, kin.exact) for kin in report.kin}
    assert counts == {
        ("train", "train"): (9, 2, 2),
        ("valid", "train"): (2, 0, 0),
        ("test", "train"): (3, 1, 1),
        ("valid", "valid"): (2, 0, 0),
        ("test", "valid"): (3, 0, 0),
        ("test", "test"): (3, 0, 0),
    }
    assert [one.song for one in report.relatives if one.split == "test"] == ["copy"]
    assert str(report).splitlines()[-1] == "  copy: the whole song, as in song 1"
    assert repr(report) == "<Audit of small: 1 of 3 test songs have a relative in train>"


@pytest.mark.parametrize(("name", "related", "exact"), [("jsb", 34, 0), ("nottingham", 6, 1), ("piano", 0, 0)])
def test_the_benchmark(benchmark_folder, name, related, exact):
    """Half of a soprano's windows: 34 of the 77 test songs of JSB, as counted by another program."""
    corpus = load_corpus(name, benchmark_folder)
    found = nearest(prints(corpus.test), prints(corpus.train))
    assert sum(one.related for one in found) == related
    assert sum(one.exact for one in found) == exact
