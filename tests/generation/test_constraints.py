"""What is given, the limits, and songs that are filled between them."""

import math

import numpy as np
import pytest
import torch

from lmn_music.errors import GenerationError
from lmn_music.generation.constraints import Limits, melody_on_top, nothing_given, parallels, texture
from lmn_music.generation.filling import fill
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig
from lmn_music.models.outputs.output import FREE
from lmn_music.music.pianoroll import KEYS
from tests.helpers import make_roll


def drawn_by(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def model():
    """Independent keys that sound more often in the middle of the keyboard, and no memory to speak of."""
    config = ModelConfig(network="rnn", hidden_size=4)
    model = build(config, drawn_by(0)).eval()
    key = torch.arange(KEYS)
    model.start_from_chances(0.002 + 0.1 * torch.exp(-(((key - 40) / 8.0) ** 2)))
    return model


def test_a_melody_gives_its_keys_and_silence_above_them():
    melody = np.zeros((4, KEYS), dtype=bool)
    melody[0, [20, 40]] = melody[1, 87] = melody[3, 30] = True  # the highest counts; a rest in frame 2
    given = melody_on_top(melody)
    assert (given[0, :40] == FREE).all()
    assert given[0, 40] == 1
    assert (given[0, 41:] == 0).all()
    assert (given[1, :87] == FREE).all()
    assert given[1, 87] == 1
    assert (given[2, :30] == FREE).all()
    assert (given[2, 30:] == 0).all()
    assert given[3, 30] == 1
    assert not (given == 1)[:, :30].any()


def test_a_silent_melody_gives_nothing():
    assert (melody_on_top(np.zeros((2, KEYS), dtype=bool)) == FREE).all()


def test_a_range_silences_what_is_outside_and_was_not_given():
    given = nothing_given(2)
    given[1, 10] = 1
    limited = Limits(lowest=30, highest=50).apply(given)
    assert (limited[0, 30:51] == FREE).all()
    assert (limited[0, :30] == 0).all()
    assert (limited[0, 51:] == 0).all()
    assert limited[1, 10] == 1


def test_limits_hold_and_density_follows(model):
    free = fill(model, nothing_given(60), drawn_by(1), particles=16)
    usual = free.frames.sum(axis=1).mean()
    few = fill(model, nothing_given(60), drawn_by(1), particles=16, limits=Limits(voices=1)).frames
    assert (few.sum(axis=1) == 1).mean() > 0.8
    dense = fill(model, nothing_given(60), drawn_by(1), particles=16, limits=Limits(density=usual + 2)).frames
    assert dense.sum(axis=1).mean() > usual + 0.3
    narrow = fill(model, nothing_given(60), drawn_by(1), particles=16, limits=Limits(lowest=38, highest=45)).frames
    assert not narrow[:, :38].any()
    assert not narrow[:, 46:].any()
    assert narrow.any()


def test_a_song_moves_as_often_as_is_asked_for(model):
    def changes(song):
        return (song.frames[1:] != song.frames[:-1]).any(axis=1).mean()

    few, many = (
        changes(fill(model, nothing_given(200), drawn_by(1), particles=16, limits=Limits(changes=share)))
        for share in (0.5, 0.9)
    )
    assert few < 0.65
    assert many > 0.8


def test_there_is_no_voice_for_one_key_too_many():
    """Where a melody rests, the others are one voice less, and may rest too."""
    given = torch.stack([torch.full((KEYS,), FREE), torch.full((KEYS,), FREE)])
    given[0, 60], given[0, 61:] = 1, 0  # the melody sounds
    given[1, 50:] = 0  # it rests
    potential = Limits(voices=4).potential(given)
    chords = torch.zeros(6, KEYS)
    for keys in range(6):
        chords[keys, :keys] = 1
    sounds, rests = (potential(number, chords, torch.zeros(6, KEYS)).tolist() for number in (0, 1))
    assert sounds == [-48, -27, -12, -3, 0, -11]
    assert rests == [0, 0, 0, 0, -11, -28]


def test_without_constraints_nothing_is_weighed(model):
    filled = fill(model, nothing_given(5), drawn_by(1))
    assert filled.log_evidence == 0
    assert filled.effective == pytest.approx(1)


def test_what_is_given_is_in_the_song_and_the_seed_decides_the_rest(model):
    melody = make_roll(12, 3).frames
    given = melody_on_top(melody)
    one, same, other = (fill(model, given, drawn_by(seed), particles=8).frames for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert all(frame.nonzero()[0][-1] == top.nonzero()[0][-1] for frame, top in zip(one, melody, strict=True))


@torch.no_grad()
def test_evidence_is_the_likelihood_where_all_is_given(model):
    frames, prime = make_roll(12, 3).frames, torch.tensor(make_roll(7, 4).frames).float()
    whole = torch.cat([prime, torch.tensor(frames).float()]).unsqueeze(1)
    expected = float(model(whole)[0][len(prime) :].sum())
    filled = fill(model, torch.tensor(frames).float(), drawn_by(0), particles=3, prime=prime)
    assert np.array_equal(filled.frames, frames)
    assert filled.log_evidence == pytest.approx(expected, rel=1e-4)


def test_what_nothing_fits_is_said_in_one_line(model):
    class Never(Limits):
        def potential(self, _given):
            return lambda _number, frames, _previous: frames.new_full((len(frames),), -math.inf)

    with pytest.raises(GenerationError, match="nothing fits what is given in frame 1: "):
        fill(model, nothing_given(3), drawn_by(0), particles=2, limits=Never())


def test_the_texture_of_music_is_its_voices_or_its_density_and_its_range():
    steady = np.zeros((10, KEYS), dtype=bool)
    steady[1:, 40] = steady[1:, 50] = True
    assert texture(steady) == Limits(lowest=33, highest=57, voices=2, changes=1 / 9)
    steady[5:, 85] = True
    assert texture(steady) == Limits(lowest=33, highest=87, density=pytest.approx(23 / 9), changes=2 / 9)


def keys(*numbers):
    frame = torch.zeros(KEYS)
    frame[list(numbers)] = 1
    return frame


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ((30, 37), (32, 39), 1),  # fifths
        ((30, 42), (35, 47), 1),  # octaves
        ((30, 49), (29, 48), 1),  # twelfths
        ((30, 37), (32, 51), 1),  # a fifth, then a twelfth
        ((30, 37), (32, 41), 0),  # a fifth, then a sixth
        ((30, 42), (32, 39), 0),  # an octave, then a fifth
        ((30, 37), (30, 37), 0),  # nothing moves
        ((30, 37), (30, 42), 0),  # one voice alone moves
        ((30, 37), (32, 44), 0),  # a fifth, then an octave
        ((30, 34), (32, 36), 0),  # thirds
        ((30, 37), (32, 39, 50), 0),  # another number of voices
        ((30, 37, 42), (32, 39, 44), 2),  # a fifth and an octave; the fourth between them is none
        ((), (), 0),
    ],
)
def test_parallels_are_counted(before, after, count):
    assert int(parallels(keys(*before).unsqueeze(0), keys(*after).unsqueeze(0))) == count


def test_parallels_cost_what_they_should():
    before, after = (
        torch.stack([keys(*one), keys(*other)]) for one, other in (((30, 37), (30, 34)), ((32, 39), (32, 36)))
    )
    weigh = Limits(parallels=1.5).potential(nothing_given(2))
    assert weigh(1, after, before).tolist() == [-1.5, 0.0]
    assert Limits(voices=2, parallels=1.5).potential(nothing_given(2))(1, after, before).tolist() == [-1.5, 0.0]
