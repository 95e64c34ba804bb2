"""Music is watched while it is composed: each frame in the time and the key of the piece; watching changes nothing."""

from fractions import Fraction

import pytest

from lmn_music import api
from lmn_music.music.piece import Piece


class Watched(list):
    """Takes down what a watch is called with."""

    def __call__(self, *frame):
        self.append(frame)

    def roll(self):
        return {start: pitches for start, _, pitches in self}


@pytest.fixture(scope="module")
def tune():
    """A song of the model, two semitones higher than the model knows it."""
    return Piece.from_roll(api.compose("jsb", bars=2, seed=1).transposed(2))


def sounding(piece, time):
    return tuple(sorted({n.pitch for part in piece.parts for n in part.notes if n.onset <= time < n.end}))


def test_the_frames_of_a_new_song_are_the_song():
    seen = Watched()
    song = api.compose("nottingham", bars=3, seed=2, watch=seen)
    assert song == api.compose("nottingham", bars=3, seed=2)
    assert [start for start, _, _ in seen] == [Fraction(number, 2) for number in range(len(song))]
    assert all(end - start == Fraction(1, 2) for start, end, _ in seen)
    assert [pitches for _, _, pitches in seen] == [tuple((frame.nonzero()[0] + 21).tolist()) for frame in song.frames]


def test_with_limits_each_frame_is_one_of_the_particles():
    seen = Watched()
    song = api.compose("nottingham", bars=2, seed=1, voices=2, pitch_range=("C3", "G5"), watch=seen)
    assert len(seen) == len(song)
    assert all(48 <= pitch <= 79 for _, _, pitches in seen for pitch in pitches)


def test_the_frames_of_a_continuation_follow_the_tune(tune):
    seen = Watched()
    song = api.continue_piece(tune, bars=1, seed=4, watch=seen)
    assert song.new == (Fraction(8), Fraction(12))
    assert list(seen.roll()) == [Fraction(time) for time in range(8, 12)]
    assert all(max(pitches) < 100 for pitches in seen.roll().values() if pitches)


def test_the_frames_of_a_harmony_have_the_melody_on_top(tune):
    seen = Watched()
    song = api.harmonise(tune, seed=1, particles=8, watch=seen)
    melody = Piece((song.parts[0],))
    for time, pitches in seen.roll().items():
        assert sounding(melody, time) == pitches[-1:]


def test_rewriting_comes_back_to_the_same_frames(tune):
    seen = Watched()
    api.rewrite(tune, (1, 1), seed=1, watch=seen)
    times = [start for start, _, _ in seen]
    assert times.count(Fraction(0)) == 4  # the first draft, and three sweeps
    assert max(times) == 7  # what the new bar leads to is weighed


@pytest.mark.parametrize("make", [api.compose, lambda watch: api.harmonise(api.compose(bars=1, seed=1), watch=watch)])
def test_an_exception_ends_the_work(make):
    class EnoughError(Exception):
        pass

    def stop(*_frame):
        raise EnoughError

    with pytest.raises(EnoughError):
        make(watch=stop)
