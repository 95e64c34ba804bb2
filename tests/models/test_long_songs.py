"""Songs longer than the reach of recall: what is read of them has a bound, and so has what a state keeps."""

import pytest
import torch

from lmn_music.corpora import BENCHMARKS, load_corpus
from lmn_music.models.build import build
from lmn_music.models.tied import recall
from lmn_music.models.tied.recall import REACH
from tests.helpers import find_benchmark_folder
from tests.models.helpers import tied

SHORT = 40


@pytest.fixture
def model():
    config = tied(recall=True, copies=True, own_past=True, metre=(2, 3))
    model = build(config, torch.Generator().manual_seed(0)).eval()
    for experts in model.output.experts:
        torch.nn.init.uniform_(experts.direct.weight, -0.1, 0.1)
    return model


@pytest.fixture
def frames():
    frames = (torch.rand(60, 2, 88, generator=torch.Generator().manual_seed(0)) < 0.05).float()
    return torch.cat([frames, frames[15:45], frames[:30]])  # repetitions, near and far


@pytest.fixture
def short_reach(monkeypatch):
    for name in ("recall.REACH", "matches.REACH", "model.REACH"):
        monkeypatch.setattr(f"lmn_music.models.tied.{name}", SHORT)


def read(model, frames, length):
    state, parts = model.initial_state(2), []
    for chunk in frames.split(length):
        log_prob, state = model(chunk, state)
        assert state.past.frames.shape[1] <= recall.REACH
        assert state.past.likeness.shape[-1] <= recall.REACH
        assert state.matches.run.shape[-1] <= recall.REACH
        parts.append(log_prob)
    return torch.cat(parts)


@pytest.mark.usefixtures("short_reach")
@torch.no_grad()
def test_chunks_change_nothing_beyond_the_reach(model, frames):
    whole = read(model, frames, 120)
    for length in (1, 7, 33):
        torch.testing.assert_close(read(model, frames, length), whole)


@torch.no_grad()
def test_within_the_reach_nothing_is_left_out(model, frames, request):
    before = read(model, frames, 8)
    request.getfixturevalue("short_reach")
    after = read(model, frames, 8)
    assert torch.equal(after[: SHORT + 1], before[: SHORT + 1])
    assert not torch.allclose(after[SHORT + 1 :], before[SHORT + 1 :])


@torch.no_grad()
def test_a_prime_is_read_as_a_song_is(model, frames):
    state = model.initial_state(2).drawing(free=False)
    read = model.read(frames[50:], model.read(frames[:50], state))
    _, expected = model.contexts(frames, state)
    torch.testing.assert_close(read.memory, expected.memory)
    torch.testing.assert_close(model.step(read)[0], model.step(expected)[0])


@pytest.mark.slow
@pytest.mark.skipif(find_benchmark_folder() is None, reason="needs the benchmark files")
def test_every_song_of_the_corpora_is_in_reach(monkeypatch):
    monkeypatch.setenv("LMN_MUSIC_DATA", str(find_benchmark_folder()))
    for name in BENCHMARKS:
        corpus = load_corpus(name)
        assert max(len(song) for split in (corpus.train, corpus.valid, corpus.test) for song in split) <= REACH
