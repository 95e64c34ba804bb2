"""What objects show of themselves in a notebook: one short line."""

from dataclasses import replace

import pytest

import lmn_music
from tests.helpers import make_roll


@pytest.fixture(scope="module")
def model():
    return lmn_music.load_model("jsb", device="cpu")


def test_every_object_shows_itself_in_one_line(model, small_corpus):
    song = make_roll(8)
    report = lmn_music.report(song, small_corpus)
    shown = {
        repr(song): "<PianoRoll 'song 0': 8 frames, 1 per quarter note>",
        repr(small_corpus): "<Corpus 'small': 8 songs to train on, 2 to validate, 2 to test>",
        repr(model): "<Checkpoint 'jsb': lmn trained on jsb>",
        repr(report): "<Report: 1 song beside the 2 test songs of small>",
        repr(lmn_music.LinearAutoencoder(n_components=100)): "LinearAutoencoder(n_components=100)",
        repr(lmn_music.LinearAutoencoder(3, centre=False)): "LinearAutoencoder(n_components=3, centre=False)",
    }
    assert list(shown) == list(shown.values())
    found = lmn_music.evaluate(model, small_corpus)
    assert repr(found) == f"<Evaluation of jsb on small, test split: {found.nll:.3f} nats per frame>"
    surprise = lmn_music.surprise(song, model)
    assert repr(surprise) == f"<Surprise in 'song 0' for jsb: {surprise.nats_per_frame:.2f} nats per frame>"
    known = repr(lmn_music.identify(song, frames_per_quarter=1))
    assert known.startswith("<Identification of 'song 0': ")
    assert known.count(",") == 3


def test_one_of_a_thing_is_singular(small_corpus):
    text = str(lmn_music.report(make_roll(8), small_corpus))
    assert "95 of 100 random test songs lie so far" in text
    assert "1 songs" not in text
    assert "1 chords" not in text


def test_a_report_without_a_spread_says_so(small_corpus):
    alone = lmn_music.report(make_roll(8), replace(small_corpus, test=small_corpus.test[:1]))
    assert "There is no spread: the corpus has one test song only" in str(alone)
    assert "nan" not in str(alone)
    assert "of 100" not in str(alone)


def test_a_title_in_any_script_is_drawn(small_corpus, tmp_path):
    song = replace(make_roll(8), title="歌")
    lmn_music.report(song, replace(small_corpus, name="曲"), out=tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 1000
