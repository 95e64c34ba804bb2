"""What music shows of itself in a notebook, decoded: picture, sound and score have its notes."""

import io
import re
import sys
from base64 import b64decode
from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from scipy.io import wavfile

import lmn_music
from lmn_music.formats.notebook import shown, sound_and_score
from lmn_music.formats.picture import MARK
from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.piece import Piece, Tempo
from tests.helpers import Page

TUNE = Part(tuple(Note(pitch, Fraction(place), Fraction(place + 1)) for place, pitch in enumerate((69, 72, 76, 69))))
PIECE = Piece((TUNE,), Fraction(4), (Tempo(Fraction(0), 60),), (Metre(Fraction(0), 4, 4),))


@pytest.fixture(scope="module")
def model():
    return lmn_music.load_model("jsb", device="cpu")


def picture(html):
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return np.asarray(Image.open(io.BytesIO(b64decode(data))).convert("RGB")) / 255


def sound(html):
    (data,) = re.findall(r'src="data:audio/wav;base64,([^"]+)"', html)
    rate, samples = wavfile.read(io.BytesIO(b64decode(data)))
    return rate, samples / 32768


def share_of_mark(html):
    """Return how much of the picture has the hue of the mark."""
    image, mark = picture(html), np.array(to_rgb(MARK))
    white = np.ones(3)
    tint = white - 0.13 * (white - mark)
    return (np.abs(image - tint).max(axis=2) < 0.03).mean()


def test_the_sound_is_of_the_notes():
    """Four quarters at 60 a minute: four seconds; in the first one A4 is the strongest tone, 440 times a second."""
    rate, samples = sound(sound_and_score(PIECE))
    assert rate == 22050
    assert 4 <= len(samples) / rate < 8
    assert 0.5 < np.abs(samples).max() < 1
    strength = np.abs(np.fft.rfft(samples[:rate]))  # one second: the index is the frequency
    assert strength[430:1000].argmax() + 430 in range(437, 444)


def test_the_score_is_a_drawing_of_the_notes():
    """Verovio draws a head for each note."""
    pytest.importorskip("verovio")
    (data,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', sound_and_score(PIECE))
    drawing = ElementTree.fromstring(b64decode(data))  # noqa: S314 -- made here
    kinds = [element.get("class", "") for element in drawing.iter()]
    assert kinds.count("notehead") == 4
    assert kinds.count("measure") == 1


def test_without_verovio_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "verovio", None)
    html = sound_and_score(PIECE)
    assert html.count("<img") == 0
    assert "pip install" in Page(html).texts["p"][0]


def test_the_picture_marks_what_is_new():
    assert share_of_mark(shown(PIECE, ["tune"])) == 0
    assert 0.2 < share_of_mark(shown(PIECE, ["tune"], marked=(Fraction(2), Fraction(4)))) < 0.6


def test_text_is_no_markup():
    page = Page(shown(PIECE, ["<b>& the tune", "second line"]))
    assert page.texts["b"] == ["<b>& the tune"]
    assert "second line" in page.texts["p"]


def test_what_cannot_be_made_is_said():
    """A piece of drums has no picture, and is heard all the same."""
    drums = Piece((Part(TUNE.notes, drums=True),), tempos=PIECE.tempos)
    html = shown(drums, ["drums"])
    assert "drums only" in html or "no note" in html
    assert np.abs(sound(html)[1]).max() > 0.5


def test_what_is_long_is_not_heard_to_the_end():
    slow = Piece((Part((Note(60, Fraction(0), Fraction(20)),)),), Fraction(20), (Tempo(Fraction(0), 5.0),))
    rate, samples = sound(sound_and_score(slow))
    assert len(samples) == 180 * rate


def test_every_result_shows_itself(model):
    song = lmn_music.compose(model, bars=2, seed=1)
    assert isinstance(song, lmn_music.PianoRoll)
    assert (song.model, song.seed) == ("jsb", 1)
    assert song[2:].seed == song.transposed(1).seed == 1
    results = {
        "composed by jsb; seed 1": song,
        "seed 2; notes: ": lmn_music.continue_piece(song, model, bars=1, seed=2),
        "seed 3; notes: Melody": lmn_music.harmonise(song, model, seed=3, particles=4),
        "seed 4; notes: ": lmn_music.rewrite(song, (2, 2), model, seed=4),
    }
    for text, result in results.items():
        html = result._repr_html_()
        assert text in html
        assert picture(html).std() > 0.05
        assert np.abs(sound(html)[1]).max() > 0.5
    assert [share_of_mark(result._repr_html_()) > 0.1 for result in results.values()] == [False, True, False, True]
    surprise = lmn_music.surprise(song, model)._repr_html_()
    assert Page(surprise).all("iframe")
    assert np.abs(sound(surprise)[1]).max() > 0.5
