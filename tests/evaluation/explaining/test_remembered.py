"""What is read out of a memory, on memories of which it is known what they hold."""

import numpy as np
import pytest
import torch

from lmn_music.evaluation.explaining.remembered import LAGS, MemoryReader, _Moments
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig
from lmn_music.music.pianoroll import KEYS, PianoRoll

HELD = 3  # frames in the delay line


@pytest.fixture(scope="module")
def delay():
    """Give a reader of an LMN whose memory is a delay line of hidden states that are nearly the frames themselves."""
    config = ModelConfig(hidden_size=KEYS, memory_size=HELD * KEYS)
    model = build(config, torch.Generator().manual_seed(0), start="delay")
    with torch.no_grad():
        model.network.W_xh.copy_(torch.eye(KEYS, model.network.W_xh.shape[1]) * 0.1)
        model.readout.weight.zero_()
        model.readout.bias.fill_(-1.0)  # songs are noise: nothing but the memory knows the past
    return MemoryReader.fit(model)


def noise(length):
    generator = np.random.default_rng(3)
    return PianoRoll(generator.random((length, KEYS)) < 0.27, 1)


def test_a_delay_line_holds_its_last_frames_and_no_other(delay):
    song = noise(300)
    held = delay.read(song)
    assert held.shares[:HELD] == pytest.approx(1, abs=0.03)
    assert held.shares[HELD:] == pytest.approx(0, abs=0.05)
    for frame in (2, 5, 250):
        guess = held.at(frame)
        assert guess.shape == (LAGS, KEYS)
        for lag in range(HELD):
            assert np.abs(guess[lag] - song.frames[frame - lag]).max() < 0.2


def test_a_song_that_is_read_higher_is_read_out_in_its_own_key(delay):
    song = PianoRoll(np.roll(noise(40).frames, 0, axis=1) & (np.arange(KEYS) < 80), 1)
    held = delay.read(song, 5)
    assert np.abs(held.at(10)[0] - song.frames[10]).max() < 0.2
    assert held.shares[0] > 0.95


def test_a_song_shorter_than_the_lags_has_no_share_of_them(delay):
    assert (delay.read(noise(4)).shares[4:] == 0).all()


def test_the_readout_is_the_least_squares_one():
    """Against numpy's, row by row, with the silence before each song."""
    generator = np.random.default_rng(0)
    time, songs, keys, size, lags = 9, 2, KEYS, 3, 4
    states = np.concatenate(
        [generator.standard_normal((time, songs, keys, size)), np.ones((time, songs, keys, 1))], axis=3
    )
    frames = (generator.random((time, songs, KEYS)) < 0.3).astype(float)
    moments = _Moments.of(states, frames, lags)
    found = moments.readout(1e-12)
    rows = states.reshape(-1, size + 1)
    error = 0.0
    for lag in range(lags):
        past = np.concatenate([np.zeros((lag, songs, KEYS)), frames[: time - lag]]).reshape(-1)
        expected, residual, *_ = np.linalg.lstsq(rows, past, rcond=None)
        np.testing.assert_allclose(found[:, lag, 0], expected, atol=1e-8)
        error += float(residual[0])
    assert moments.error(found) == pytest.approx(error)
