"""The last two stages of a tied model: its copy experts, and the vector of its own past."""

from dataclasses import replace
from itertools import count, islice

import numpy as np
import pytest
import torch

from lmn_music.evaluation.evaluate import evaluate
from lmn_music.evaluation.likelihood import frame_log_probs, nll_per_frame
from lmn_music.generation.sampler import sample_frames
from lmn_music.models.build import build
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.models.habits import Habits
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.processes import ALONE
from lmn_music.training import copy_experts, own_habits, own_past
from lmn_music.training.copy_experts import FOLDS, fit_experts, others_at_hand, start_experts, with_experts
from lmn_music.training.family import Material
from lmn_music.training.own_habits import LOWEST, fit_habits
from lmn_music.training.own_past import fit_own_past, with_own_past
from lmn_music.training.recipe import parse_recipe
from lmn_music.training.run import Run
from lmn_music.training.stopping import StoppedError, checking
from tests.helpers import make_roll
from tests.models.helpers import CONFIGS
from tests.training.helpers import config, metrics_of

CHANGES = ["model.architecture=tied", "model.output=nade", "model.output_hidden_size=4", "model.input_dropout=0"]
LAST = ("own", *Habits._fields)
CHANGES += ["start=random", "model.copies=true", "model.own_past=true"]


def repeated(seed):
    """A song that says everything three times."""
    frames = make_roll(12, seed).frames
    return PianoRoll(np.concatenate([frames] * 3), 1, str(seed))


def small_model():
    return build(CONFIGS["tied, copies"], torch.Generator().manual_seed(0)).eval()


def weights_of(model, *, last):
    """The weights that the last stages fit, or all others."""
    chosen = {name: w.clone() for name, w in model.state_dict().items()}
    return {name: w for name, w in chosen.items() if ("experts" in name or name in LAST) == last}


def keys_composed(model):
    """Keys per frame of three songs of ten frames."""
    with torch.no_grad():
        composed = islice(sample_frames(model, torch.Generator().manual_seed(7), songs=3), 10)
        return float(torch.stack(list(composed)).sum(dim=2).mean())


def assert_equal(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def short(monkeypatch):
    """Stages that take a second each."""
    monkeypatch.setattr(copy_experts, "EPOCHS", 6)
    monkeypatch.setattr(own_past, "STEPS", 4)
    monkeypatch.setattr(own_habits, "COMPOSED", (3, 10))


def test_copy_experts_learn_from_songs_that_repeat_and_change_no_other_weight():
    songs = [repeated(seed) for seed in range(FOLDS)]
    model = small_model()
    before, untouched = nll_per_frame(frame_log_probs(model, songs)), weights_of(model, last=False)
    found = fit_experts(model, songs, seed=1)
    assert_equal(weights_of(model, last=False), untouched)
    fitted = nll_per_frame(frame_log_probs(model, songs))
    # Cross-validated, the gain is smaller than on the songs that the experts were fitted to.
    assert fitted < found < before - 1
    again = small_model()
    assert fit_experts(again, songs, seed=1) == found
    assert_equal(again.state_dict(), model.state_dict())


def test_what_copy_experts_learn_from_training_songs_serves_other_songs():
    learned, others = [repeated(seed) for seed in range(6)], [repeated(seed) for seed in range(6, 9)]
    model = small_model()
    before, untouched = nll_per_frame(frame_log_probs(model, others)), weights_of(model, last=False)
    start_experts([model.experts], [(model, learned[:2]), (model, learned[2:])], seed=1)
    assert_equal(weights_of(model, last=False), untouched)
    assert nll_per_frame(frame_log_probs(model, others)) < before - 0.5
    again = small_model()
    start_experts([again.experts], [(again, learned[:2]), (again, learned[2:])], seed=1)
    assert_equal(again.state_dict(), model.state_dict())


def test_both_sets_of_experts_start_from_one_reading():
    songs = [repeated(seed) for seed in range(4)]
    model, again = small_model(), small_model()
    start_experts(model.output.experts, [(model.with_songs(songs[2:]), songs[:2])], seed=1)
    start_experts(again.output.experts[:1], [(again, songs[:2])], seed=1)
    one, other = (each.output.experts[0].state_dict() for each in (model, again))
    assert_equal(one, other)  # of what followed in the songs at hand, the experts of the song alone read nothing
    assert model.output.experts[1].direct.weight.any()


def test_no_song_is_at_hand_while_it_is_read(monkeypatch):
    monkeypatch.setattr(copy_experts, "_with_songs", lambda _, songs: songs)
    songs = [make_roll(5, seed) for seed in range(11)]
    read = songs[2:]
    groups = list(others_at_hand(small_model(), read, songs))
    assert sorted(id(song) for _, group in groups for song in group) == sorted(map(id, read))
    for at_hand, group in groups:
        assert {*map(id, at_hand)} == {*map(id, songs)} - {*map(id, group)}
    assert list(others_at_hand(small_model(), songs[:1], songs[:1])) == []  # no other song is at hand


def test_the_recipe_says_how_many_units_copy_experts_have():
    config = CONFIGS["tied, copies"]
    assert config.copies_hidden_size == 32  # of files that do not say
    model = build(config.model_copy(update={"copies_hidden_size": 5}), torch.Generator().manual_seed(0))
    assert {experts.first.out_features for experts in model.output.experts} == {5}


def test_copy_experts_that_read_no_training_song_start_from_nothing():
    model = small_model()
    start_experts([model.experts], [], seed=1)
    assert_equal(model.state_dict(), small_model().state_dict())


def test_songs_at_hand_have_experts_of_their_own():
    songs = [make_roll(14, seed) for seed in range(FOLDS)]
    model = small_model()
    at_hand = model.with_songs(songs)  # the very songs that are read: all can be copied
    alone = fit_experts(model, songs, seed=1)
    first = weights_of(model, last=True)
    assert fit_experts(at_hand, songs, seed=1) < alone - 1
    after = weights_of(model, last=True)
    changed = {name for name in first if not torch.equal(first[name], after[name])}
    assert changed
    assert all(name.startswith("output.experts.1") for name in changed)


@pytest.mark.usefixtures("short")
def test_the_vector_of_the_own_past_changes_no_likelihood():
    songs = [make_roll(14, seed) for seed in range(4)]
    model = small_model()
    before, untouched = frame_log_probs(model, songs), weights_of(model, last=False)
    found = keys_composed(model)
    fit_own_past(model, songs, seed=7)
    fit = fit_habits(model, songs, songs, seed=7)
    assert fit.wanted.keys == pytest.approx(np.mean([song.frames[:10].sum(axis=1).mean() for song in songs]))
    assert fit.before.keys == pytest.approx(found)  # nothing of vector and habits is the model as it was
    assert model.habits is not None
    assert all(np.array_equal(one, other) for one, other in zip(before, frame_log_probs(model, songs), strict=True))
    assert_equal(weights_of(model, last=False), untouched)
    assert all(weight.requires_grad for weight in model.parameters())


@pytest.mark.usefixtures("short")
def test_songs_are_drawn_at_a_temperature_at_which_they_are_as_bold_as_music():
    model, songs = small_model(), [make_roll(14, seed) for seed in range(4)]
    calm = [PianoRoll(np.zeros((20, 88), dtype=bool), 1)]  # silence surprises the least
    noise = [PianoRoll(np.tile(np.arange(88) % 2 == number % 2, (20, 1)), 1) for number in range(3)]
    fit = fit_habits(model, songs, calm, seed=8)
    assert LOWEST <= fit.temperature < 1
    assert fit.wanted.surprise == pytest.approx(-frame_log_probs(model, calm)[0][:10].mean())
    assert fit.wanted.surprise < fit.after.surprise
    assert model.habits.temperature == pytest.approx(fit.temperature)
    assert fit_habits(model, songs, noise, seed=8).temperature == 1  # no bolder than the model is


@pytest.mark.usefixtures("short")
def test_a_training_ends_with_both_stages_and_resumes_between_them(small_corpus, tmp_path):
    corpus = replace(small_corpus, valid=tuple(repeated(seed) for seed in range(FOLDS)))
    for folder, first in (("whole", 10**6), ("pieces", 4)):
        run = Run.start(tmp_path / folder, config(corpus, *CHANGES), corpus)
        for doubled in count():
            left = iter(range(first * 2**doubled))
            if run.run(lambda left=left: next(left, None) is None):
                break
            run = Run.resume(tmp_path / folder, corpus)
    assert doubled > 3
    whole, pieces = (load_checkpoint(tmp_path / folder) for folder in ("whole", "pieces"))
    assert whole.header.model.copies
    assert whole.header.model.own_past
    assert_equal(whole.model.state_dict(), pieces.model.state_dict())
    (line,) = [line for line in metrics_of(tmp_path / "whole") if line["stage"] == "hand-over"]
    assert whole.header.figures["valid_nll"] == line["valid_nll_after"] < line["valid_nll_before"]
    assert line["valid_nll_songs_at_hand"] > 0
    found = evaluate(whole, corpus)
    reader = whole.model.with_songs(corpus.train)
    assert found.songs_at_hand.nll == nll_per_frame(frame_log_probs(reader, corpus.test)) != found.nll
    assert evaluate(whole, corpus, "train").songs_at_hand is None


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("make", [with_experts, with_own_past])
def test_a_stage_is_made_in_many_short_steps_each_of_which_may_be_the_last(make):
    songs, before, asked = [repeated(seed) for seed in range(FOLDS)], small_model(), []
    material = Material(before.config, parse_recipe("", CHANGES), songs, songs, 1, before)
    make(replace(material, check=lambda *_: asked.append(0)))
    untouched = {name: weight.clone() for name, weight in before.state_dict().items()}
    for last in (1, len(asked) // 2, len(asked)):
        left = iter(range(last - 1))
        with pytest.raises(StoppedError):
            make(replace(material, check=checking(lambda left=left: next(left, None) is None, ALONE)))
    assert_equal(before.state_dict(), untouched)
    assert len(asked) > 20


@pytest.mark.usefixtures("short")
def test_without_three_validation_songs_the_experts_change_nothing(small_corpus, tmp_path):
    assert Run.start(tmp_path / "run", config(small_corpus, *CHANGES), small_corpus).run()
    model = load_checkpoint(tmp_path / "run").model
    assert not any(experts.last.weight.any() or experts.direct.weight.any() for experts in model.output.experts)


@pytest.mark.usefixtures("short")
def test_songs_that_say_everything_again_are_echoed(monkeypatch):
    monkeypatch.setattr(own_habits, "COMPOSED", (3, 30))
    model = small_model()
    for songs, echoed in (([make_roll(40, seed) for seed in range(3)], False), ([repeated(1), repeated(2)], True)):
        fit = fit_habits(model, songs, songs, seed=7)
        assert bool(fit.wanted.repeats) == bool(model.echo > 0) == echoed


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(("keys", "share"), [(0, 0.0), (88, 1.0)])
def test_a_vector_is_scaled_between_nothing_and_the_whole(keys, share):
    """Where the songs are silent at first nothing of the vector is kept; where they hold every key, all of it."""
    frames = make_roll(12, 1).frames.copy()
    frames[:4] = np.arange(88) < keys
    songs, model = [PianoRoll(frames, 1, "")], small_model()
    fit_own_past(model, songs, seed=7)
    trained = model.own.clone()
    fit_habits(model, songs, songs, seed=7)
    assert torch.equal(model.own, share * trained)


@pytest.mark.usefixtures("short")
def test_songs_that_never_stand_still_have_habits_too():
    """Their composed songs stand still for longer than they shall, whatever the habit."""
    songs = [PianoRoll(np.eye(88, dtype=bool)[3 * np.arange(20) + seed], 1) for seed in range(3)]
    model = small_model()
    with torch.no_grad():
        model.output.logit.bias.fill_(-9)
    fit = fit_habits(model, songs, songs, seed=7)
    assert fit.wanted.still == 1 < fit.after.still
    assert model.habits is not None
