"""Stage by stage: what is fitted to the hidden states, and what the next stage gets."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from lmn_music.memory import svd
from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.models.build import build
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.models.config import ModelConfig
from lmn_music.processes import ALONE
from lmn_music.training.autoencoders import fit_memory, hidden_sequences, some_songs, start_from_inputs
from lmn_music.training.family import Material
from lmn_music.training.hand_over import with_next_scale
from lmn_music.training.run import Run
from lmn_music.training.stages import stages_of
from lmn_music.training.stopping import StoppedError, checking
from tests.training.helpers import OTHERS, config, metrics_of

MEMORY = 3
AUTOENCODED = ["lmn-laes", "rnn-laes", "ms-lmn"]


def drawn(**options):
    """Return a model in double precision, all its weights drawn."""
    model = build(ModelConfig(hidden_size=4, memory_size=MEMORY, **options))
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    model.constrain()
    return model.double()


def hidden_by_hand(model, roll):
    """Return the hidden states (time, hidden) in a song, by the equations of the multi-scale memory."""
    W_xh, W_mh, b_h, W_hm, W_mm, b_m = (
        model.network.get_parameter(name).detach().numpy() for name in ("W_xh", "W_mh", "b_h", "W_hm", "W_mm", "b_m")
    )
    m, x, hs = model.initial_memory.detach().numpy(), np.zeros(88), []
    for t, frame in enumerate(roll.frames):
        h = np.tanh(W_xh @ x + W_mh @ m + b_h)
        reads = np.repeat([t % 2**i == 0 for i in range(model.config.scales)], MEMORY)
        m = np.where(reads, W_hm @ h + W_mm @ m + b_m, m)
        x = frame
        hs.append(h)
    return np.array(hs)


@torch.no_grad()
@pytest.mark.parametrize("scales", [1, 2, 3])
@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("length", [0, 3])
def test_a_new_module_is_the_autoencoder_of_what_it_reads(scales, centre, length, small_corpus):
    model = drawn(network="ms-lmn", scales=scales)
    wider = with_next_scale(model, small_corpus.train, centre=centre, length=length)
    read = [hidden_by_hand(model, roll)[:: 2**scales] for roll in small_corpus.train]
    if length:
        read = [h[start : start + length] for h in read for start in range(0, len(h), length)]
    memory, new = LinearAutoencoder(MEMORY, centre=centre).fit(read), slice(-MEMORY, None)
    np.testing.assert_allclose(wider.network.W_hm[new].numpy(), memory.A_, atol=1e-8)
    np.testing.assert_allclose(wider.network.W_mm[new, new].numpy(), memory.B_, atol=1e-8)
    np.testing.assert_allclose(wider.network.b_m[new].numpy(), -memory.A_ @ memory.mean_, atol=1e-8)
    assert not wider.initial_memory[new].any()


@pytest.mark.parametrize("centre", [True, False])
def test_the_first_memory_is_the_autoencoder_of_the_hidden_states(centre, small_corpus):
    model, songs, generator = drawn(network="unrolled", window=3), small_corpus.train, torch.Generator()
    memory = fit_memory(model, songs, MEMORY, centre=centre, length=0, generator=generator)
    read = [np.concatenate([np.zeros((2, 4)), h]) for h in hidden_sequences(model, songs, generator)]
    expected = LinearAutoencoder(MEMORY, centre=centre).fit(read)
    for name in ("A_", "B_", "mean_"):
        np.testing.assert_allclose(getattr(memory, name), getattr(expected, name), atol=1e-10)
    np.testing.assert_allclose(memory.mean_, np.concatenate(read).mean(axis=0) * centre, atol=1e-10)


@pytest.mark.parametrize("name", AUTOENCODED)
def test_the_autoencoder_is_centred_if_the_recipe_says_so(name, small_corpus, tmp_path):
    """Then the memory subtracts a mean: its bias is not zero."""
    changes = [*OTHERS[name], "training.memory_rate=0", f"training.epochs={3 if name == 'ms-lmn' else 0}"]
    for centre in ("true", "false"):
        asked = config(small_corpus, *changes, f"laes_centre={centre}")
        Run.start(tmp_path / centre, asked, small_corpus).run()
        network = load_checkpoint(tmp_path / centre / "last.safetensors").model.network
        bias = network.layer.bias_ih_l0 if name == "rnn-laes" else network.b_m
        assert bool(bias.any()) == (centre == "true")


@pytest.mark.parametrize("name", AUTOENCODED)
def test_the_autoencoder_is_fitted_to_as_many_frames_as_the_recipe_says(name, small_corpus, tmp_path):
    weights = []
    for frames in (40, 1000, 2000):  # the songs have 161
        Run.start(
            tmp_path / str(frames), config(small_corpus, *OTHERS[name], f"laes_frames={frames}"), small_corpus
        ).run()
        model = load_checkpoint(tmp_path / str(frames) / "last.safetensors").model
        weights.append(torch.cat([weight.flatten() for weight in model.state_dict().values()]))
    assert torch.equal(weights[1], weights[2])
    assert not torch.equal(weights[0], weights[1])


def test_the_songs_of_the_autoencoder_are_drawn_by_the_seed(small_corpus, tmp_path):
    changes = [*OTHERS["rnn-laes"], "laes_frames=40", "training.epochs=0"]
    run = Run.start(tmp_path, config(small_corpus, *changes, seed=7), small_corpus)
    run.run()
    songs = some_songs(small_corpus.train, 40, torch.Generator().manual_seed(7))
    expected = build(run.config.recipe.model)
    start_from_inputs(expected, songs, centre=True, length=0)
    network = load_checkpoint(tmp_path).model.network
    torch.testing.assert_close(network.layer.weight_hh_l0, expected.network.layer.weight_hh_l0)


def test_each_scale_gets_an_equal_share_of_the_epochs(small_corpus, tmp_path):
    Run.start(tmp_path, config(small_corpus, *OTHERS["ms-lmn"], "training.epochs=11"), small_corpus).run()
    stages = [line["stage"] for line in metrics_of(tmp_path)]
    assert stages == ["1. scale"] * 3 + ["2. scale"] * 3 + ["ms-lmn"] * 5


@pytest.mark.parametrize("name", ["lmn-laes", "ms-lmn"])
def test_the_best_weights_are_handed_over_and_not_the_last(name, small_corpus, tmp_path):
    rates = ["training.learning_rate=1", "pretraining.learning_rate=1", "training.ema_decay=0"]  # the start is best
    run = Run.start(tmp_path, config(small_corpus, *OTHERS[name], *rates), small_corpus)
    following, handed = run._next, []

    def watched(trainer, stage, check):
        assert trainer.progress.best_epoch < trainer.progress.epoch
        last = deepcopy(trainer.model.state_dict())
        next_one = following(trainer, stage, check)
        handed.append((trainer.best, last, deepcopy(next_one.model.state_dict())))
        return next_one

    run._next = watched
    assert run.run()
    assert len(handed) == len(stages_of(run.config.recipe)) - 1
    for best, last, new in handed:
        for weight in ("network.W_xh", "network.b_h"):
            assert not torch.equal(best[weight], last[weight])
            torch.testing.assert_close(new[weight], best[weight])


@pytest.mark.parametrize("name", AUTOENCODED)
def test_a_fit_of_an_autoencoder_can_be_left_at_each_of_its_products(name, small_corpus, monkeypatch):
    monkeypatch.setattr(svd, "_DENSE_WORK", 0)  # as with songs of the usual length
    recipe = config(small_corpus, *OTHERS[name], "model.hidden_size=8", "model.memory_size=4").recipe
    stage = [stage for stage in stages_of(recipe) if stage.name != "unrolled"][name == "ms-lmn"]
    before = build(stages_of(recipe)[0].config, torch.Generator().manual_seed(0))
    asked = []
    material = Material(
        stage.config, recipe, small_corpus.train, small_corpus.valid, 1, before, lambda: asked.append(0)
    )
    stage.make_model(material)
    assert len(asked) > 10
    left = iter(range(len(asked) // 2))
    with pytest.raises(StoppedError):
        stage.make_model(replace(material, check=checking(lambda: next(left, None) is None, ALONE)))
