"""Models are compared over the same frames, each in the key that it likes best."""

import itertools
import math

import numpy as np
import pytest

from lmn_music.api import load_model
from lmn_music.errors import UsageError
from lmn_music.evaluation.explaining.fit import best_transposition, fits, judgement, nats_between
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.music.pianoroll import KEYS, PianoRoll
from tests.helpers import make_roll


def test_chances_of_the_frames_between_add_up_to_one():
    """Over all fillings of the frames that are left out, the code's probabilities sum to 1."""
    keys, time = 2, 5
    read = np.random.default_rng(0).random((time, keys)) < 0.5
    total = 0.0
    for filling in itertools.product([False, True], repeat=2 * keys):  # frames 1 and 3
        frames = read.copy()
        frames[1], frames[3] = filling[:keys], filling[keys:]
        total += math.exp(-nats_between(frames, 2))
    assert total == pytest.approx(1)


def test_held_frames_cost_little_and_nothing_where_all_are_read():
    coarse = make_roll(40)
    fine = coarse.resampled(3)
    assert nats_between(fine.frames, 1) == 0
    assert 0 < nats_between(fine.frames, 3) / 40 < 0.5
    noise = fine.frames ^ (np.random.default_rng(0).random(fine.frames.shape) < 0.02)
    assert nats_between(noise, 3) > 10 * nats_between(fine.frames, 3)


def test_a_song_is_moved_to_the_key_of_the_model(jsb, song):
    for semitones in (-12, -4, 3, 5):
        assert best_transposition(jsb, song.transposed(semitones)) == -semitones


def test_the_fit_is_the_likelihood(jsb, song):
    (fit,) = fits(song, [jsb], transposition=0)
    assert fit.nats_per_frame == pytest.approx(-frame_log_probs(jsb.model, [song])[0].mean(), rel=1e-5)
    assert fit.nats_per_quarter == fit.nats_per_frame
    assert (fit.between, fit.quarters) == (0, 24)
    assert fit.test_nll == jsb.header.figures["test_nll"]


def test_models_of_other_frames_are_charged_for_all_of_them(jsb, song):
    muse = load_model("muse", device="cpu")
    best, other = fits(song, [muse, jsb])
    assert (best.checkpoint, other.checkpoint) == (jsb, muse)
    assert best.quarters == other.quarters == 24
    assert (len(best.roll), len(other.roll)) == (24, 48)
    assert best.between > 0 == other.between
    told = fits(song.resampled(2), [muse, jsb], frames_per_quarter=2)
    assert {len(fit.roll) for fit in told} == {48}
    assert {fit.test_nll is None for fit in told} == {True, False}


def test_what_cannot_be_read_is_refused(jsb):
    with pytest.raises(UsageError, match="no frames"):
        fits(PianoRoll(np.zeros((0, KEYS)), 1), [jsb])
    with pytest.raises(UsageError, match="off the keyboard: choose another"):
        fits(make_roll(5), [jsb], transposition=80)
    with pytest.raises(UsageError, match="3 frames per quarter note cannot become 2: read the song anew"):
        fits(make_roll(5, frames_per_quarter=3), [jsb], frames_per_quarter=2)


def test_silence_has_a_likelihood_too(jsb):
    (fit,) = fits(PianoRoll(np.zeros((8, KEYS)), 1), [jsb])
    assert fit.transposition == 0
    assert fit.nats > 0


def test_a_song_that_needs_the_whole_keyboard_stays(jsb):
    frames = np.zeros((8, KEYS))
    frames[:, [0, KEYS - 1]] = 1
    assert best_transposition(jsb, PianoRoll(frames, 1)) == 0


def test_a_judgement_needs_something_to_compare_with():
    assert judgement(3.0, None) == ""
    words = [judgement(nats, 4.0) for nats in (2.0, 5.0, 6.0, 8.0)]
    assert words[0] == words[1] != words[2] != words[3]
