"""The public face: what a notebook does, in one or two lines each."""

import doctest
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
import torch

import lmn_music
from lmn_music import api
from tests.helpers import make_roll

TINY = ["model.hidden_size=6", "model.memory_size=8", "model.window=3", "model.output_hidden_size=8"]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def python(program):
    return subprocess.run([sys.executable, *program], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_is_light():
    program = (
        "import sys, lmn_music, lmn_music.api; print({'torch', 'numpy', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    assert python(["-c", program]) == "set()"
    program = "import sys, lmn_music.training.reporter; print('torch' in sys.modules)"
    assert python(["-c", program]) == "False"


def test_the_package_is_a_command():
    assert python(["-m", "lmn_music", "--version"]) == f"lmn-music {lmn_music.__version__}"


def described(value):
    """Return whether an object has a docstring of its own: not of a base class, nor made out of its fields."""
    text = vars(value).get("__doc__") if isinstance(value, type) else value.__doc__
    return "" if text is None or text.startswith(f"{value.__name__}(") else text


@pytest.mark.parametrize("name", lmn_music.__all__)
def test_every_public_name_is_there_and_is_described(name):
    assert name in dir(lmn_music)
    value = getattr(lmn_music, name)
    assert isinstance(value, str) or value is api or described(value)


def test_other_names_are_not():
    assert not hasattr(lmn_music, "nonsense")


def test_what_is_not_described_is_seen():
    assert not described(dataclass(type("Bare", (), {"__annotations__": {"size": int}})))
    assert not described(type("Child", (lmn_music.PianoRoll,), {}))


@pytest.mark.parametrize("name", api.__all__)
def test_everything_in_the_api_says_what_it_takes_or_holds(name):
    value = getattr(api, name)
    text = described(value)
    if isinstance(value, type):
        assert "Attributes:" in text
        return
    code = value.__code__
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for argument in arguments:
        assert re.search(rf"^ +(\w+, )*{argument}(, \w+)*: ", text.partition("Args:")[2], re.MULTILINE), argument
    if signature(value).return_annotation not in (None, "None"):
        assert re.search(r"Returns:|Yields:|^Return ", text, re.MULTILINE)


@pytest.mark.parametrize("name", [*lmn_music.__all__, *api.__all__])
def test_every_name_exists_at_run_time(name):
    assert hasattr(api if name in api.__all__ else lmn_music, name)


def test_the_api_is_there_without_an_import_of_its_own():
    assert python(["-c", "import lmn_music; print(lmn_music.api.compose is lmn_music.compose)"]) == "True"
    assert not hasattr(api, "nonsense")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "arguments",
        "arranging",
        "composing",
        "corpora",
        "evaluating",
        "explaining",
        "loading",
        "ranking",
        "recipes",
        "reporting",
    ],
)
def test_the_examples_are_true(name):
    result = doctest.testmod(import_module(f"lmn_music.api.{name}"))
    assert result.failed == 0


def test_a_shipped_model_composes_into_every_format():
    model = lmn_music.load_model("jsb", device="cpu")
    song = lmn_music.compose(model, bars=2, seed=1)
    assert song == lmn_music.compose("jsb", frames=8, seed=1, device="cpu")
    assert song != lmn_music.compose(model, bars=2, seed=2)
    lmn_music.write_roll(song, "song.mid")
    assert len(lmn_music.read_score("song.mid", frames_per_quarter=1)) == 8


def test_a_song_is_harmonised_continued_and_rewritten():
    model = lmn_music.load_model("jsb", device="cpu")
    song = lmn_music.compose(model, bars=2, seed=1)
    lmn_music.write_roll(song, "song.mid")
    voices = lmn_music.harmonise("song.mid", model, seed=2, particles=4)
    assert isinstance(voices, lmn_music.Piece)
    assert voices.parts[0].name == "Soprano"
    assert voices == lmn_music.harmonise("song.mid", model, seed=2, particles=4)
    api.arrange_files("voices.mid", lambda: voices)
    assert lmn_music.read_piece("voices.mid").parts[0].notes == voices.parts[0].notes
    longer = lmn_music.continue_piece(song, model, bars=1, seed=2)
    assert longer.roll(1)[:8] == song
    assert longer.new == (8, 12)
    assert lmn_music.continue_piece(song, model, bars=1, seed=2, only_new=True).roll(1) == longer.roll(1)[8:]
    again = lmn_music.rewrite(longer, (3, 3), model, seed=longer.seed + 1, below="C5")
    assert again.roll(1)[:8] == song
    with pytest.raises(lmn_music.LmnMusicError, match="there are no bars 3 to 4"):
        lmn_music.rewrite(longer, (3, 4), model)


def test_songs_are_numbered_by_their_seeds():
    songs = list(lmn_music.compose_songs("jsb", count=2, frames=4, seed=7))
    assert [song.title for song in songs] == ["seed 7", "seed 8"]
    assert songs[1] == lmn_music.compose("jsb", frames=4, seed=8)


def test_a_song_begins_with_another():
    begin = make_roll(5)
    assert lmn_music.compose("jsb", frames=4, prime=begin)[:5] == begin
    lmn_music.write_roll(begin, "begin.npz")
    assert lmn_music.compose("jsb", frames=4, prime="begin.npz")[:5] == begin
    with pytest.raises(lmn_music.LmnMusicError, match="has 3 frames per quarter note; give it 1"):
        lmn_music.compose("jsb", prime=make_roll(5, frames_per_quarter=3))


def test_a_corpus_is_trained_on_evaluated_and_resumed(small_corpus):
    epochs = []
    settings = {"recipe": "lmn-nade", "epochs": 2, "changes": [*TINY, "pretraining.epochs=1"], "device": "cpu"}
    checkpoint = lmn_music.train(small_corpus, out="run", on_epoch=epochs.append, **settings)
    assert [epoch["stage"] for epoch in epochs] == ["unrolled", "lmn", "lmn"]
    assert checkpoint.header.figures["epochs"] <= 2
    figures = lmn_music.evaluate(checkpoint, small_corpus)
    assert figures.nll == lmn_music.evaluate("run", small_corpus, device="cpu").nll
    assert lmn_music.resume("run", small_corpus, device="cpu").header == checkpoint.header
    with pytest.raises(lmn_music.LmnMusicError, match="songs that are in no file"):
        lmn_music.evaluate("run")


def test_a_training_is_stopped_and_continued(small_corpus):
    settings = {"recipe": "lmn", "start": "random", "epochs": 2, "changes": TINY[:2], "device": "cpu"}
    whole = lmn_music.train(small_corpus, out="whole", **settings)
    epochs = []
    first = lmn_music.train(small_corpus, out="run", on_epoch=epochs.append, stop=lambda: bool(epochs), **settings)
    assert len(epochs) == 1
    assert first.name == "run"
    lmn_music.resume("run", small_corpus, on_epoch=epochs.append, device="cpu")
    assert len(epochs) == 2
    assert lmn_music.load_model("run").header.figures["valid_nll"] == whole.header.figures["valid_nll"]


def test_a_training_stopped_before_its_first_epoch_says_so(small_corpus):
    with pytest.raises(lmn_music.LmnMusicError, match="resume it"):
        lmn_music.train(small_corpus, recipe="lmn", changes=TINY, out="run", stop=lambda: True)


def test_a_folder_is_trained_on_and_found_again():
    Path("tunes").mkdir()
    for seed in range(4):
        lmn_music.write_roll(make_roll(20 + seed, seed, frames_per_quarter=4), f"tunes/{seed}.mid")
    corpus = lmn_music.load_corpus("tunes", frames_per_quarter=4)
    lmn_music.train(corpus, recipe="lmn", start="random", epochs=1, changes=TINY[:2], device="cpu")
    assert lmn_music.evaluate("runs/tunes", split="train").frames_per_quarter == 4


@pytest.mark.usefixtures("nothing_here")
def test_nothing_stands_in_for_the_benchmark_unless_asked_for():
    with pytest.raises(lmn_music.LmnMusicError, match=r"^JSB Chorales could not be downloaded") as caught:
        lmn_music.train("jsb", recipe="lmn", epochs=1)
    assert caught.value.__cause__ is caught.value.__context__ is None
    reasons = []
    assert lmn_music.load_corpus("jsb", stand_in=reasons.append).name == "chorales"
    assert "NOT the benchmark" in reasons[0]
    with pytest.raises(lmn_music.LmnMusicError, match="could not be downloaded"):
        lmn_music.load_corpus("nottingham", stand_in=reasons.append)


def test_the_layers_are_there(small_corpus):
    autoencoder = lmn_music.LinearAutoencoder(n_components=10).fit(small_corpus.train)
    states = autoencoder.transform(small_corpus.test)
    assert [state.shape for state in states] == [(len(song), 10) for song in small_corpus.test]
    layer = lmn_music.LMN(88, 16, 24)
    frames = torch.tensor(np.stack([make_roll(7).frames]), dtype=torch.float32).transpose(0, 1)
    outputs = layer(frames)[0]
    assert outputs.shape == (7, 1, 24)
