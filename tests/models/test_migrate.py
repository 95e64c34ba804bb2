"""Files that older versions wrote stay readable."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from lmn_music.errors import CheckpointError
from lmn_music.evaluation.evaluate import evaluate
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.models.checkpoint import Header, load_checkpoint, shipped_names
from lmn_music.models.migrate import FORMAT, migrate
from lmn_music.training.config import Recipe
from tests.helpers import make_roll

# Written by the last version that wrote format 1: a tied model after two epochs on the tests' small corpus.
FORMAT_1 = Path(__file__).parent / "data" / "format1.safetensors"
# What that version said of each frame of a song, in double precision but for the last step.
LOG_PROBS = [-13.23488712, -10.29751873, -11.00039577, -10.48095608, -10.97228718, -7.69643116]
LOG_PROBS += [-8.14896584, -10.44803333, -9.81826210, -10.11780071, -11.70178699, -13.08400249]


def test_a_checkpoint_of_format_1_says_what_it_always_said(small_corpus):
    checkpoint = load_checkpoint(FORMAT_1)
    log_probs = frame_log_probs(checkpoint.model.double(), [make_roll(12, 3)])[0]
    np.testing.assert_allclose(log_probs, LOG_PROBS, rtol=0, atol=5e-6)
    assert evaluate(load_checkpoint(FORMAT_1), small_corpus).nll == pytest.approx(10.70677, abs=1e-4)


def test_a_header_of_format_1_has_todays_names():
    header = load_checkpoint(FORMAT_1).header
    assert header.format_version == FORMAT
    recipe = Recipe.model_validate(header.recipe)
    assert recipe.start == "laes"
    assert (recipe.pretraining.ema_decay, recipe.training.ema_decay) == (0.3, 0.3)
    assert recipe.model == header.model


@pytest.mark.parametrize("name", shipped_names())
def test_the_recipe_of_a_shipped_checkpoint_can_be_trained_again(name):
    header = load_checkpoint(name).header
    assert Recipe.model_validate(header.recipe).model == header.model


def test_what_is_up_to_date_stays_as_it_is():
    header = load_checkpoint(FORMAT_1).header.model_dump(mode="json")
    before = deepcopy(header)
    assert migrate(header) == before
    assert header == before
    assert Header.model_validate(header) == load_checkpoint(FORMAT_1).header


def test_migrating_changes_nothing_in_place():
    header = {"recipe": {"init": "laes", "training": {"average": 0.5}}}
    before = deepcopy(header)
    assert migrate(header)["recipe"] == {"start": "laes", "training": {"ema_decay": 0.5}}
    assert header == before


def test_a_newer_format_is_refused_in_one_line():
    with pytest.raises(
        CheckpointError, match=f"has format {FORMAT + 1}; .* reads formats 1 to {FORMAT}: install a newer"
    ):
        migrate({"format_version": FORMAT + 1})


@pytest.mark.parametrize("version", [0, -1, 1.5, True, "new", None])
def test_a_format_that_is_no_format_is_refused_as_damage(version):
    with pytest.raises(CheckpointError, match=f"its format_version is {version!r}, which is no whole number from 1 on"):
        migrate({"format_version": version})


@pytest.mark.parametrize(
    "recipe",
    [{"init": "laes", "start": "random"}, {"training": {"average": 0.5, "ema_decay": 0.1}}],
)
def test_an_old_name_beside_the_new_one_is_left_to_be_refused(recipe):
    migrated = migrate({"recipe": recipe})["recipe"]
    assert migrated == recipe
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Recipe.model_validate(migrated)
