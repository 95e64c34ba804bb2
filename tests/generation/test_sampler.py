"""Sampling: exact, repeatable, never silent."""

from itertools import islice

import numpy as np
import pytest
import torch

from lmn_music.errors import GenerationError, UsageError
from lmn_music.formats import read_score, write_roll
from lmn_music.generation.sampler import generate_song, is_single, sample_frames
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig
from lmn_music.music.measures import standstill
from lmn_music.music.pianoroll import KEYS, PianoRoll

CONFIGS = {
    "dense": ModelConfig(hidden_size=6, memory_size=8),
    "dense, NADE": ModelConfig(hidden_size=6, memory_size=8, output="nade", output_hidden_size=5),
    "tied": ModelConfig(architecture="tied", output="nade", output_hidden_size=5, hidden_size=4, memory_size=4),
}


@pytest.fixture(params=CONFIGS)
def model(request):
    model = build(CONFIGS[request.param], torch.Generator().manual_seed(0))
    if model.config.architecture == "dense":  # the tied one listens to itself enough, and with more would run away
        with torch.no_grad():
            model.readout.weight.mul_(5)
    return quiet(model, -3)


@torch.no_grad()
def quiet(model, log_odds):
    """Give every key these odds to sound, for want of reasons."""
    bias = model.output.logit.bias if model.config.architecture == "tied" else model.readout.bias
    bias.fill_(log_odds)
    return model


def song(model, **options):
    return generate_song(model, **{"frames": 20, "frames_per_quarter": 2, "seed": 7} | options)


def test_same_seed_same_song(model):
    assert song(model) == song(model)
    assert song(model) != song(model, seed=8)
    torch.rand(3)  # other randomness does not matter
    assert song(model) == song(model)


def test_a_longer_song_begins_like_a_shorter_one(model):
    assert song(model, frames=30)[:20] == song(model)


def test_songs_of_a_batch_are_different_songs(model):
    frames = torch.stack(list(islice(sample_frames(model, torch.Generator().manual_seed(0), songs=3), 10)))
    assert frames.shape == (10, 3, KEYS)
    assert not torch.equal(frames[:, 0], frames[:, 1])


def test_a_song_continues_its_prime(model):
    prime = song(model, frames=8)
    whole = song(model, prime=prime, seed=9)
    assert whole[:8] == prime
    assert len(whole) == 28
    # What follows is drawn given the prime: the same as stepping through it by hand.
    _, state = model.contexts(torch.tensor(prime.frames).float().unsqueeze(1), model.initial_state(1))
    context, _ = model.step(state)
    first = model.output.draw(context, generator=torch.Generator().manual_seed(9)).frames
    assert np.array_equal(whole.frames[8], first[0].bool().numpy())


@torch.no_grad()
def test_frames_come_as_often_as_the_model_says(model):
    """How often each key of the first two frames sounds over many songs, against its probability when it was drawn."""
    songs = 4000
    drawn = torch.stack(list(islice(sample_frames(model, torch.Generator().manual_seed(0), songs=songs), 2)))
    context, _ = model.contexts(drawn, model.initial_state(songs))
    p = torch.sigmoid(model.output.logits(drawn, context))
    spread = (p * (1 - p)).sum(dim=1).sqrt()
    assert ((drawn - p).sum(dim=1).abs() < 4.5 * spread + 2).all()


def test_silence_and_single_chords_are_no_songs(model):
    chord = np.zeros((6, KEYS), dtype=bool)
    assert is_single(chord)
    chord[1:4, [3, 7]] = True
    assert is_single(chord)
    chord[5, 3] = True
    assert not is_single(chord)
    quiet(model, -100)
    with pytest.raises(GenerationError, match="another seed"):
        song(model, frames=4)


def test_a_song_that_stands_still_is_drawn_again(model, monkeypatch):
    quiet(model, -5)  # so that a dense model does not change in every frame
    monkeypatch.setattr("lmn_music.generation.sampler.ATTEMPTS", 1)
    first = [standstill(song(model, seed=seed)) for seed in range(10)]
    limit = np.median(first)
    monkeypatch.undo()
    monkeypatch.setattr("lmn_music.generation.sampler.UNCHANGED", limit)
    assert sum(stretch >= limit for stretch in first) >= 5
    assert all(standstill(song(model, seed=seed)) < limit for seed in range(10))


def test_where_every_attempt_stands_still_the_one_that_moves_most_is_taken(model, monkeypatch):
    quiet(model, -5)
    monkeypatch.setattr("lmn_music.generation.sampler.UNCHANGED", 0)
    best = standstill(song(model))
    monkeypatch.setattr("lmn_music.generation.sampler.ATTEMPTS", 1)
    assert best < standstill(song(model))


def test_a_long_song_is_drawn_less_often(model, monkeypatch):
    monkeypatch.setattr("lmn_music.generation.sampler.UNCHANGED", 0)
    monkeypatch.setattr("lmn_music.generation.sampler.DRAWN", 50)
    drawn = []
    song(model, frames=20, watch=lambda number, _: drawn.append(number))
    assert drawn == 2 * list(range(20))
    song(model, frames=60, watch=lambda number, _: drawn.append(number))
    assert drawn[40:] == list(range(60))


def test_what_cannot_be_sampled_is_refused(model):
    with pytest.raises(UsageError, match="at least 2 frames"):
        song(model, frames=1)
    with pytest.raises(UsageError, match="temperature"):
        song(model, temperature=-1)


@pytest.mark.parametrize("repeat_notes", [False, True])
def test_the_file_holds_the_sampled_frames(model, tmp_path, repeat_notes):
    roll = song(model)
    write_roll(roll, tmp_path / "song.mid", tempo=90, repeat_notes=repeat_notes)
    assert read_score(tmp_path / "song.mid", 2) == PianoRoll(roll.frames, 2)
