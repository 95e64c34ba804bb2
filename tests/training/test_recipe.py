"""Recipes: TOML in, refusals by name."""

import pytest
import tomli_w

from lmn_music.errors import UsageError
from lmn_music.training.recipe import Recipe, default_recipe, load_recipe, parse_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_are_valid(name):
    assert isinstance(load_recipe(name), Recipe)


def test_every_benchmark_and_a_folder_have_a_recipe():
    for corpus in ("nottingham", "muse", "piano"):
        assert default_recipe(corpus) == corpus
    for corpus in ("jsb", "chorales", "my songs"):
        assert default_recipe(corpus) == "tied"


def test_overrides_reach_every_value():
    recipe = parse_recipe(
        "", ["model.hidden_size=7", "init=random", "training.learning_rate=1e-3", "model.metre=[2, 4]"]
    )
    assert recipe.model.hidden_size == 7
    assert recipe.init == "random"
    assert recipe.training.learning_rate == 1e-3
    assert recipe.model.metre == (2, 4)


def test_toml_round_trip():
    recipe = parse_recipe("[model]\nmetre = [2, 4]\ndropout = 0.25")
    assert parse_recipe(tomli_w.dumps(recipe.model_dump(mode="json"))) == recipe


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.hiden_size=7"], "unknown key 'model.hiden_size'"),
        (["epochs=7"], "unknown key 'epochs'"),
        (["model.dropout=1.5"], r"model\.dropout"),
        (["init=magic"], "init"),
        (["model.network=unrolled"], "network must be lmn"),
        (["training.learning_rate=inf"], r"training\.learning_rate"),
        (["training.epochs"], "key=value"),
        (["init.x.y=3", "init.x=2"], "init"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(overrides, message):
    with pytest.raises(UsageError, match=message):
        parse_recipe("", overrides)


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
