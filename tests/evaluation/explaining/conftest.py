"""A shipped model and what it reads in a song that it composed."""

import pytest

import lmn_music
from lmn_music.evaluation.explaining.surprise import Surprise


@pytest.fixture(scope="session")
def jsb():
    return lmn_music.load_model("jsb", device="cpu")


@pytest.fixture(scope="session")
def song(jsb):
    return lmn_music.compose(jsb, bars=6, seed=5)  # likelier in its own key than in any other, by half a nat


@pytest.fixture(scope="session")
def found(song, jsb) -> Surprise:
    return lmn_music.surprise(song, jsb)
