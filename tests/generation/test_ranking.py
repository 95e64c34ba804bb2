"""Which songs come first, and which go last."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lmn_music.generation.ranking import rank
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig
from lmn_music.music.pianoroll import KEYS, PianoRoll
from tests.helpers import make_roll


@pytest.fixture
def fewer_is_likelier():
    """Give a model for which every key is equally unlikely: a song with fewer keys is likelier."""
    model = build(ModelConfig(hidden_size=2, memory_size=2), torch.Generator().manual_seed(0))
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
        model.readout.bias.fill_(-3)
    return model


def checkpoint_of(model, expected):
    return SimpleNamespace(model=model, header=SimpleNamespace(figures={"valid_nll": expected}))


def song_of(keys, seed):
    """Return a song of 20 frames in each of which so many keys sound, not the same from frame to frame."""
    generator = np.random.default_rng(seed)
    frames = np.zeros((20, KEYS), dtype=bool)
    for frame in range(20):
        frame_keys = generator.choice(KEYS // 2, keys, replace=False) * 2 + frame % 2
        frames[frame, frame_keys] = True
    return PianoRoll(frames, 2, f"{keys} keys")


def titles(ranked):
    return [one.song.title for one in ranked]


def test_the_songs_that_are_as_likely_as_other_music_come_first(fewer_is_likelier):
    songs = [song_of(keys, keys) for keys in (1, 3, 5, 7)]
    nats = {one.song.title: one.nats for one in rank(checkpoint_of(fewer_is_likelier, 0), songs)}
    assert sorted(nats.values()) == list(nats.values())
    expected = nats["5 keys"] + 0.1
    assert titles(rank(checkpoint_of(fewer_is_likelier, expected), songs)) == ["5 keys", "7 keys", "3 keys", "1 keys"]


def test_copies_and_songs_that_stand_still_go_last(fewer_is_likelier, small_corpus):
    copy = PianoRoll(small_corpus.train[2].transposed(2).frames, 1, "copy")
    still = PianoRoll(np.repeat(make_roll(2).frames, 12, axis=0), 1, "still")
    own = [PianoRoll(song_of(keys, keys).frames, 1, f"{keys} keys") for keys in (4, 9)]
    ranked = rank(checkpoint_of(fewer_is_likelier, 16), [copy, still, *own], small_corpus)
    assert titles(ranked)[:2] == ["4 keys", "9 keys"]
    assert [one.last for one in ranked] == [False, False, True, True]
    assert "chords at most shared with a training song" in str(ranked[0])
    assert {one.song.title: one.chords for one in ranked}["copy"] >= 15
    without = rank(checkpoint_of(fewer_is_likelier, 16), [copy, still, *own])
    assert titles(without)[-1] == "still"
    assert without[0].chords is None


def test_what_was_given_is_not_judged(fewer_is_likelier, small_corpus):
    begin = small_corpus.train[1]
    new = PianoRoll(song_of(4, 0).frames, 1)
    whole = PianoRoll(np.concatenate([begin.frames, new.frames]), 1)
    (judged,) = rank(checkpoint_of(fewer_is_likelier, 0), [whole], small_corpus, beginning=len(begin))
    (alone,) = rank(checkpoint_of(fewer_is_likelier, 0), [new], small_corpus)
    assert judged.nats == pytest.approx(alone.nats)
    assert judged.chords == alone.chords
    assert not judged.last
