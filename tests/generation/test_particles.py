"""The particle filter, against all songs of a keyboard so small that they can be counted."""

import math

import pytest
import torch

from lmn_music.generation.particles import ImpossibleError, particle_filter, systematic
from lmn_music.models.build import build
from lmn_music.models.outputs.output import FREE
from tests.models.helpers import all_frames, tied

KEYS, FRAMES, COUNT = 4, 3, 256
F = FREE
GIVEN = {
    "a melody on top": [[F, F, 1, 0], [F, F, F, 1], [F, 1, 0, 0]],
    "what follows": [[F, F, F, F], [F, F, F, F], [1, 0, 1, 0]],
    "both sides": [[0, 1, 0, 1], [F, F, F, F], [0, 1, 0, 1]],
    "everything": [[1, 0, 0, 1], [0, 1, 0, 0], [1, 1, 0, 0]],
    "nothing": [[F] * KEYS] * FRAMES,
}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = build(tied(absolute_pitch=False, metre=(2,)), torch.Generator().manual_seed(0)).double()
    for parameter in model.parameters():  # so that keys and frames depend on each other
        torch.nn.init.normal_(parameter, std=0.5)
    model.constrain()
    return model.eval()


def state(model, count):
    return model._state(count, 0, torch.ones(KEYS, dtype=torch.float64))


@pytest.fixture(scope="module")
def songs():
    """All songs of the keyboard, (time, count, keys)."""
    frames = all_frames(KEYS)
    number = torch.cartesian_prod(*[torch.arange(len(frames))] * FRAMES)
    return frames[number].transpose(0, 1)


@torch.no_grad()
def chances(model, songs, given):
    """Return p(song and what is given), of every song."""
    given = torch.tensor(given, dtype=torch.float64).unsqueeze(1)
    fits = ((songs == given) | (given == FREE)).all(dim=2).all(dim=0)
    return torch.where(fits, model(songs, state(model, songs.shape[1]))[0].sum(dim=0).exp(), 0.0)


@pytest.mark.parametrize("name", GIVEN)
def test_evidence_is_without_bias(model, songs, name):
    """Over many seeds and few particles, which are often drawn anew, its mean is p(given)."""
    exact, repeats = float(chances(model, songs, GIVEN[name]).sum()), 300
    given = torch.tensor(GIVEN[name], dtype=torch.float64)
    estimates = torch.tensor(
        [
            math.exp(particle_filter(model, state(model, 8), given, torch.Generator().manual_seed(seed)).log_evidence)
            for seed in range(repeats)
        ]
    )
    error = float(estimates.std()) / repeats**0.5
    assert float(estimates.mean()) == pytest.approx(exact, abs=4.5 * error + 1e-6 * exact)
    assert error < 0.1 * exact  # else the line above shows little


@pytest.mark.parametrize("name", GIVEN)
def test_songs_come_as_often_as_they_should(model, songs, name):
    p = chances(model, songs, GIVEN[name])
    p = p / p.sum()
    given = torch.tensor(GIVEN[name], dtype=torch.float64)
    found, repeats = torch.zeros(len(p), dtype=torch.float64), 30
    for seed in range(repeats):
        particles = particle_filter(model, state(model, COUNT), given, torch.Generator().manual_seed(seed))
        wanted = given.unsqueeze(1)
        assert ((particles.frames == wanted) | (wanted == FREE)).all()
        digit = (particles.frames.long() << torch.arange(KEYS)).sum(dim=2)  # (time, particles)
        number = sum(digit[time] * (2**KEYS) ** (FRAMES - 1 - time) for time in range(FRAMES))
        found.index_add_(0, number, particles.weights)
    # In total variation, beside as many independent draws.
    independent = torch.multinomial(p, COUNT * repeats, replacement=True, generator=torch.Generator().manual_seed(1))
    expected = (torch.bincount(independent, minlength=len(p)) / (COUNT * repeats) - p).abs().sum()
    assert float((found / repeats - p).abs().sum()) < 4 * float(expected) + 1e-9


def test_a_potential_weighs_frames(model, songs):
    """At most three keys may sound, and a frame counts double if it differs from the frame before."""
    given = torch.full((FRAMES, KEYS), FREE, dtype=torch.float64)

    def potential(number, frames, previous):
        assert 0 <= number < FRAMES
        twice = math.log(2) * (frames != previous).any(dim=1).double()
        return torch.where(frames.sum(dim=1) <= 3, twice, -math.inf)

    p = chances(model, songs, given.tolist())
    before = torch.cat([torch.zeros_like(songs[:1]), songs[:-1]])
    p = p * 2.0 ** (songs != before).any(dim=2).sum(dim=0) * (songs.sum(dim=2) <= 3).all(dim=0)
    estimates = []
    for seed in range(100):
        generator = torch.Generator().manual_seed(seed)
        found = particle_filter(model, state(model, 64), given, generator, potential=potential)
        estimates.append(math.exp(found.log_evidence))
        sounding = found.frames[:, found.weights > 0]
        assert (sounding.sum(dim=2) <= 3).all()
    estimates = torch.tensor(estimates)
    assert float(estimates.mean()) == pytest.approx(float(p.sum()), abs=4.5 * float(estimates.std()) / 10)


def test_the_impossible_is_refused_with_its_frame(model):
    given = torch.full((FRAMES, KEYS), FREE, dtype=torch.float64)

    def potential(number, frames, _):
        return frames.new_full((len(frames),), -math.inf if number == 1 else 0.0)

    with pytest.raises(ImpossibleError) as caught:
        particle_filter(model, state(model, 4), given, torch.Generator(), potential=potential)
    assert caught.value.frame == 1


def test_same_seed_same_particles(model):
    given = torch.tensor(GIVEN["a melody on top"], dtype=torch.float64)
    one, other = (particle_filter(model, state(model, 16), given, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one.frames, other.frames)
    assert one.log_evidence == other.log_evidence


def test_systematic_resampling_takes_each_as_often_as_its_share_says():
    share = torch.tensor([0.5, 0.0, 0.3, 0.2], dtype=torch.float64)
    total = torch.zeros(4)
    for seed in range(400):
        counts = torch.bincount(systematic(share, torch.Generator().manual_seed(seed)), minlength=4)
        assert ((counts - 4 * share).abs() < 1).all()
        total += counts
    torch.testing.assert_close(total / 1600, share.float(), atol=0.02, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["both sides", "a melody on top"])
def test_sweeps_leave_songs_as_frequent_as_they_should_be(model, songs, name):
    """Begun with songs that come as often as they should, after one sweep of few particles they still do."""
    given = torch.tensor(GIVEN[name], dtype=torch.float64)
    p, repeats = chances(model, songs, GIVEN[name]), 1500
    p = p / p.sum()
    begun = torch.multinomial(p, repeats, replacement=True, generator=torch.Generator().manual_seed(0))
    swept, changed = torch.zeros_like(p), 0
    for number, song in enumerate(begun.tolist()):
        generator = torch.Generator().manual_seed(number)
        found = particle_filter(model, state(model, 3), given, generator, reference=songs[:, song])
        after = found.draw(generator)
        index = int(((songs == after.unsqueeze(1)).all(dim=2).all(dim=0)).nonzero())
        swept[index] += 1 / repeats
        changed += index != song
    assert changed > repeats / 4  # else the next line sees little
    independent = (torch.bincount(begun, minlength=len(p)) / repeats - p).abs().sum()
    assert float((swept - p).abs().sum()) < 1.5 * float(independent)


def test_the_reference_is_the_first_particle_until_others_are_better(model, songs):
    given = torch.full((FRAMES, KEYS), FREE, dtype=torch.float64)
    song = songs[:, 100]
    found = particle_filter(model, state(model, 5), given, torch.Generator().manual_seed(0), reference=song)
    assert torch.equal(found.frames[:, 0], song)  # nothing is given, so no particle is drawn anew
    assert len(found.frames.unique(dim=1)) > 1
