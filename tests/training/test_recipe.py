"""Recipes: TOML in, refusals by name."""

import pytest
import tomli_w

from lmn_music.errors import UsageError
from lmn_music.models.build import build
from lmn_music.training.config import Recipe
from lmn_music.training.recipe import (
    BASELINES,
    DENSE,
    default_recipe,
    load_recipe,
    parse_recipe,
    recipe_names,
    with_epochs,
)


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_are_valid(name):
    assert isinstance(load_recipe(name), Recipe)


def test_every_benchmark_and_a_folder_have_a_recipe():
    for corpus in ("nottingham", "muse", "piano"):
        assert default_recipe(corpus) == corpus
    for corpus in ("jsb", "chorales", "my songs"):
        assert default_recipe(corpus) == "tied"


def test_changes_reach_every_value():
    recipe = parse_recipe(
        "", ["model.hidden_size=7", "start=random", "training.learning_rate=1e-3", "model.metre=[2, 4]"]
    )
    assert recipe.model.hidden_size == 7
    assert recipe.start == "random"
    assert recipe.training.learning_rate == 1e-3
    assert recipe.model.metre == (2, 4)


def test_toml_round_trip():
    recipe = parse_recipe("[model]\nmetre = [2, 4]\ndropout = 0.25")
    assert parse_recipe(tomli_w.dumps(recipe.model_dump(mode="json"))) == recipe


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["model.hiden_size=7"], "unknown key 'model.hiden_size'"),
        (["epochs=7"], "unknown key 'epochs'"),
        (["init=laes"], "^recipe: init is called start now$"),
        (["training.average=0.9"], r"^recipe: training\.average is called ema_decay now$"),
        (["model.dropout=1.5"], r"model\.dropout"),
        (["start=magic"], "start"),
        (["model.network=unrolled"], 'network cannot be "unrolled"'),
        (["model.network=gated-unrolled"], 'network cannot be "gated-unrolled"'),
        (["model.network=lmm"], r'model\.network cannot be "lmm": choose lmn, gated-lmn, ms-lmn'),
        (["training.learning_rate=inf"], r"training\.learning_rate"),
        (["training.epochs"], "key=value"),
        (["start.x.y=3", "start.x=2"], "start"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(changes, message):
    with pytest.raises(UsageError, match=message):
        parse_recipe("", changes)


TIED = ["model.architecture=tied", "model.output=nade", "model.output_hidden_size=4"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["model.network=gru", "start=laes"], 'start "laes" is not for network "gru"'),
        (["model.network=ms-lmn", "start=laes"], 'start "laes" is not for network "ms-lmn"'),
        (["start=delay", "model.hidden_size=9", "model.memory_size=8"], "memory_size of at least hidden_size"),
        (["model.scales=2"], 'scales belongs to network "ms-lmn"'),
        (["model.network=gru", "start=random", "model.readout=both"], 'readout belongs .* not to "gru"'),
        ([*TIED, "model.network=rnn"], 'network "rnn" can start as an autoencoder in architecture "dense" only'),
        (
            [*TIED, "model.network=ms-lmn", "start=random"],
            'network "ms-lmn" can be trained in architecture "dense" only',
        ),
    ],
)
def test_networks_and_starts_that_do_not_go_together(changes, message):
    with pytest.raises(UsageError, match=message):
        parse_recipe("", changes)


# network, readout, start, memory_rate, scales
COMPARED = {
    "lmn-a": ("lmn", "hidden", "laes", 1, 1),
    "lmn-b": ("lmn", "memory", "laes", 1, 1),
    "gated-lmn": ("gated-lmn", "both", "laes", 0.1, 1),
    "lmn-orthogonal": ("lmn", "memory", "orthogonal", 1, 1),
    "lmn-orthogonal-frozen": ("lmn", "memory", "orthogonal", 0, 1),
    "lmn-delay": ("lmn", "memory", "delay", 1, 1),
    "lmn-delay-frozen": ("lmn", "memory", "delay", 0, 1),
    "lmn-legendre": ("lmn", "memory", "legendre", 1, 1),
    "lmn-legendre-frozen": ("lmn", "memory", "legendre", 0, 1),
    "lmn-laes": ("lmn", "memory", "laes", 1, 1),
    "lmn-laes-frozen": ("lmn", "memory", "laes", 0, 1),
    "ms-lmn": ("ms-lmn", "memory", "orthogonal", 1, 4),
    "rnn": ("rnn", "memory", "orthogonal", 1, 1),
    "rnn-laes": ("rnn", "memory", "laes", 1, 1),
    "gru": ("gru", "memory", "orthogonal", 1, 1),
    "lstm": ("lstm", "memory", "orthogonal", 1, 1),
}


def test_what_is_compared_is_what_its_name_says():
    found = {}
    for name, changes in BASELINES.items():
        recipe = load_recipe(DENSE, changes)
        model = recipe.model
        found[name] = (model.network, model.readout, recipe.start, recipe.training.memory_rate, model.scales)
        assert model.architecture == "dense"
        assert model.feedback == (name == "lmn-a")
    assert found == COMPARED


def test_what_an_lmn_is_compared_with_has_as_many_parameters():
    def parameters(name):
        return sum(weight.numel() for weight in build(load_recipe(DENSE, BASELINES[name]).model).parameters())

    for name in ("rnn", "gru", "lstm", "gated-lmn"):
        assert parameters(name) == pytest.approx(parameters("lmn-b"), rel=0.02), name


def test_recipes_that_do_not_exist(tmp_path):
    with pytest.raises(UsageError, match="there is no recipe 'nonsense'"):
        load_recipe("nonsense")
    with pytest.raises(UsageError, match="there is no recipe file"):
        load_recipe(tmp_path / "no.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not a TOML file"):
        load_recipe(tmp_path / "bad.toml")
    (tmp_path / "bad.toml").write_text("[model")
    with pytest.raises(UsageError, match="not a TOML file"):
        load_recipe(tmp_path / "bad.toml")


@pytest.mark.parametrize(("epochs", "first", "second"), [(1, 1, 1), (5, 2, 5), (300, 2, 300)])
def test_no_stage_has_more_epochs_than_asked_for(epochs, first, second):
    recipe = load_recipe("tied")
    assert recipe.pretraining.epochs == 2
    capped = with_epochs(recipe, epochs)
    assert (capped.pretraining.epochs, capped.training.epochs) == (first, second)
    assert capped == load_recipe("tied", [f"pretraining.epochs={first}", f"training.epochs={second}"])


def test_fewer_epochs_than_a_recipe_needs_are_refused():
    with pytest.raises(UsageError, match=r"^training\.epochs must be at least model\.scales"):
        with_epochs(load_recipe(DENSE, BASELINES["ms-lmn"]), 3)
