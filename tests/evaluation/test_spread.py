"""How far groups of songs lie from the others."""

import numpy as np
import pytest

from lmn_music.evaluation.spread import distance, spread


def test_distances():
    assert distance(np.array([3.0]), np.array([5.0])) == 2
    assert distance(np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.5, 0.5])) == 0.5
    assert distance(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0.0, 1.0])).tolist() == [1.0, 0.5]


def test_equal_songs_have_no_spread():
    assert spread(np.tile([3.0, 2.0], (10, 1)), 5) == 0


def test_halves_lie_nearer_to_each_other_than_one_song_to_the_rest():
    songs = np.stack([np.random.default_rng(0).standard_normal(50), np.ones(50)], axis=1)
    assert spread(songs, 25) == spread(songs, 10**6) < spread(songs, 5) < spread(songs, 1)
    deviation = songs[:, 0].std()  # of a normal distribution 95 % lie within two of them
    assert spread(songs, 1) == pytest.approx(2 * deviation, rel=0.25)
    assert spread(songs, 25) == pytest.approx(4 * deviation / 50**0.5, rel=0.25)
    assert spread(songs, 25) == spread(songs, 25) != spread(songs, 25, seed=1)


def test_songs_in_which_nothing_is_counted_are_passed_over():
    songs = np.array([[1.0, 1.0]] * 5 + [[0.0, 0.0]] * 5)
    assert spread(songs, 1) == 0
    assert np.isnan(spread(np.zeros((4, 2)), 2))
    assert np.isnan(spread(np.ones((1, 2)), 1))
