"""What the functions of the api take, and what they say of what they do not take."""

from pathlib import Path

import numpy as np
import pytest

import lmn_music
from lmn_music import LmnMusicError, api
from tests.cli.helpers import lmn_music as command
from tests.helpers import make_roll

SMALL = {"recipe": "lmn", "start": "random", "changes": ["model.hidden_size=6", "model.memory_size=8"]}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def tunes():
    Path("tunes").mkdir()
    for seed in range(5):
        lmn_music.write_roll(make_roll(20 + seed, seed, frames_per_quarter=2), f"tunes/{seed}.mid")
    return "tunes"


def test_a_run_folder_may_be_called_like_a_shipped_model(small_corpus):
    own = lmn_music.train(small_corpus, out="jsb", epochs=1, **SMALL)
    assert own.header.corpus.name == "small"
    assert lmn_music.load_model(Path("jsb")).header == lmn_music.load_model("./jsb").header == own.header
    assert lmn_music.load_model("jsb").header.corpus.name == "jsb"


def test_the_advice_after_a_training_means_the_new_model(tunes):
    changes = ["--set", "model.hidden_size=6", "--set", "model.memory_size=8"]
    output = command("train", tunes, "--out", "piano", "--recipe", "lmn", "--start", "random", "--epochs", 1, *changes)
    assert "lmn-music evaluate ./piano\n" in output
    assert "lmn-music generate --model ./piano --out song.mid" in output


def test_a_report_reads_as_the_model_reads(tunes):
    lmn_music.train(tunes, out="run", epochs=1, frames_per_quarter=4, **SMALL)
    assert lmn_music.report("tunes/0.mid", model="run").corpus == "tunes"  # what it was trained on
    Path("tunes").rename("others")
    assert lmn_music.report("others/0.mid", "others", "run").length == 40
    with pytest.raises(LmnMusicError, match="reads 4 frames per quarter note, and chorales has 1: leave out `corpus`"):
        lmn_music.report("others/0.mid", "chorales", "run")


def test_device_and_seed_are_checked_before_anything_is_read():
    with pytest.raises(LmnMusicError, match="`device` tpu is not available"):
        lmn_music.train("nonsense", device="tpu")
    with pytest.raises(LmnMusicError, match="`seed` is a whole number"):
        lmn_music.train("nonsense", seed=-1)
    with pytest.raises(LmnMusicError, match="`device` tpu is not available"):
        lmn_music.resume("nonsense", device="tpu")


def test_the_corpus_is_read_before_the_first_song_is_drawn(tunes):
    lmn_music.train(tunes, out="run", epochs=1, **SMALL)
    for file in sorted(Path(tunes).iterdir())[:3]:
        file.unlink()
    with pytest.raises(LmnMusicError, match="2 usable songs"):
        lmn_music.compose_songs("run", count=2, best=1)


def test_a_command_and_python_write_the_same_file():
    command("generate", "--model", "nottingham", "--bars", 2, "--seed", 6, "--out", "command.mid")
    song = lmn_music.compose("nottingham", bars=2, seed=6)
    lmn_music.write_roll(song, "python.mid")
    assert Path("python.mid").read_bytes() == Path("command.mid").read_bytes()
    (_, (path,)) = next(api.compose_files("api.mid", "nottingham", bars=2, seed=6))
    assert path.read_bytes() == Path("command.mid").read_bytes()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lmn_music.train("chorales", epochs=0), "`epochs` is a whole number, 1 or more, not 0"),
        (lambda: lmn_music.train("chorales", epochs=2.5), "`epochs` is a whole number, 1 or more, not 2.5"),
        (lambda: lmn_music.train("chorales", baseline="ms-lmn", epochs=2), "`epochs`: training.epochs must be"),
        (lambda: lmn_music.train("chorales", baseline="transformer"), "no `baseline` transformer"),
        (lambda: lmn_music.train("chorales", changes="start=nonsense"), "`changes`: start"),
        (lambda: api.compose_files("a.mid", count=0), "`count` is a whole number, 1 or more, not 0"),
        (lambda: lmn_music.compose_songs(count=3, best=4), "`best` is 4, but only 3 songs would be drawn"),
        (lambda: lmn_music.compose(seed=1.0), "`seed` is a whole number from 0 to 9223372036854775807, not 1.0"),
        (lambda: lmn_music.compose(frames=1), "`frames` is a whole number, 2 or more, not 1"),
        (lambda: lmn_music.compose(bars=0.5), "`bars` is a whole number, 1 or more, not 0.5"),
        (lambda: lmn_music.compose(bars=1, frames=4), "as `bars` or as `frames`, not both"),
        (lambda: api.corpus_song("chorales", -1), "`number` is a whole number, 0 or more, not -1"),
        (lambda: api.published_figures("chorales"), "no published figures of 'chorales': choose jsb"),
        (lambda: lmn_music.load_corpus("chorales", to_c=True), "`to_c`"),
    ],
)
def test_errors_name_the_argument_that_is_wrong(call, message):
    with pytest.raises(LmnMusicError) as caught:
        call()
    assert message in str(caught.value)
    assert "--" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_whole_numbers_of_other_libraries_are_numbers():
    song = lmn_music.compose("jsb", frames=np.int64(4), seed=np.int32(3))
    assert song == lmn_music.compose("jsb", frames=4, seed=3)
    assert song.title == "seed 3"


def test_one_text_is_a_list_of_one(small_corpus):
    recipe = api.choose_recipe("chorales", "lmn", changes="model.hidden_size=6")
    assert recipe == api.choose_recipe("chorales", "lmn", changes=["model.hidden_size=6"])
    own = lmn_music.train(small_corpus, out="run", epochs=1, **SMALL)
    alone = lmn_music.evaluate(own, small_corpus, others="run")
    assert alone == lmn_music.evaluate(own, small_corpus, others=["run"])
    assert len(alone.ensemble.members) == 2
    api.surprise_files("a.csv", make_roll(8), "jsb").write("b.csv")
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()


def test_a_recipe_that_is_loaded_is_a_recipe():
    recipe = api.choose_recipe("jsb", baseline="gru", epochs=3)
    assert api.choose_recipe("nottingham", recipe) == recipe
    assert api.choose_recipe("nottingham", recipe, changes="training.clip=2.0").training.clip == 2.0


def test_what_cannot_be_resumed_by_a_command_says_how(small_corpus):
    lmn_music.train(small_corpus, out="run", epochs=1, **SMALL)
    with pytest.raises(LmnMusicError, match=r"only Python can resume it: lmn_music.resume\('run', CORPUS\)"):
        lmn_music.resume("run")


def test_a_folder_without_a_model_is_described(small_corpus):
    Path("empty").mkdir()
    with pytest.raises(LmnMusicError, match="it is not a run folder"):
        lmn_music.load_model("empty")
    with pytest.raises(LmnMusicError, match="its last stage has finished no epoch"):
        lmn_music.train(small_corpus, recipe="lmn", out="run", stop=lambda: True, changes=SMALL["changes"])


def test_a_loaded_model_moves_to_the_device_that_is_asked_for():
    model = lmn_music.load_model("jsb", device="cpu")
    assert lmn_music.load_model(model, device="cpu") is lmn_music.load_model(model) is model
    with pytest.raises(LmnMusicError, match="`device` tpu"):
        lmn_music.load_model(model, device="tpu")
