"""The table, the picture and the page say what the reading says."""

import csv
import json
import re
from fractions import Fraction

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.image import imread

import lmn_music
from lmn_music.evaluation.explaining.page import page
from lmn_music.evaluation.explaining.picture import draw
from lmn_music.evaluation.explaining.reading import read
from lmn_music.evaluation.explaining.scale import BOUNDS, ON_BLACK, ON_WHITE, legend, odds, steps
from lmn_music.formats.picture import Rows
from lmn_music.music.metre import Metre
from lmn_music.music.pianoroll import KEYS, PianoRoll, pitch_name
from tests.helpers import Page


def test_a_row_for_each_note(found, tmp_path):
    found.write(tmp_path / "song.csv")
    with (tmp_path / "song.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found.notes)
    for row, note in zip(rows, found.notes, strict=True):
        assert row["note"] == pitch_name(note.key)
        assert int(row["pitch"]) == note.key + 21
        assert (int(row["bar"]) - 1) * 4 + float(row["beat"]) - 1 == note.start
        assert float(row["quarters"]) == note.end - note.start
        assert float(row["nats"]) == pytest.approx(note.nats, abs=1e-4)
        assert float(row["onset_nats"]) + float(row["continuation_nats"]) == pytest.approx(note.nats, abs=2e-4)
    assert "%" in rows[0]["expected_instead"]


def test_the_page_needs_nothing_else(found):
    text = found.html()
    assert not re.search(r"https?:|\bsrc=|\bhref=|@import|url\(|fetch|XMLHttp|@[A-Z_]+@", text)
    page = Page(text)
    assert not {"link", "img", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    (policy,) = (meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert "prefers-color-scheme: dark" in text


def test_the_page_has_every_note_and_frame(found):
    page = Page(found.html())
    shown = [box for box in page.all("rect") if "data-note" in box]
    assert len({box["data-note"] for box in shown}) == len(found.notes)
    for box in shown:
        assert f"s{steps(found.notes[int(box['data-note'])].onset)}" in box["class"].split()
    data = json.loads(page.texts["script"][0])
    assert len(data["frames"]) == len(found.roll)
    for frame, nats in zip(data["frames"], found.frame_nats, strict=True):
        assert sum(frame[2:5]) == pytest.approx(nats, abs=0.02)
    for note, (start, end, name, nats) in zip(found.notes, data["notes"], strict=True):
        assert (start, end, name) == (note.start, note.end, pitch_name(note.key))
        assert sum(nats) == pytest.approx(note.nats, abs=0.01 * len(nats))


def test_the_page_is_used_by_keyboard(found):
    page = Page(found.html())
    (slider,) = (box for box in page.all("div") if box.get("role") == "slider")
    assert slider["tabindex"] == "0"
    assert slider["aria-valuemax"] == str(len(found.roll) - 1)
    frames = [int(button["data-frame"]) for button in page.all("button")]
    assert frames == [note.start for note in found.most_surprising(10)]


def test_a_title_is_text(jsb):
    song = PianoRoll(lmn_music.compose(jsb, bars=1, seed=1).frames, 1, "</script><b>@DATA@ & \udcff")
    found = lmn_music.surprise(song, jsb)
    page = Page(found.html())
    assert not page.all("b")
    assert "What surprises in </script><b>@DATA@ & ?" in page.texts["h1"]
    assert Page(found._repr_html_()).all("iframe")[0]["srcdoc"] == found.html()


def test_the_picture_has_every_note_in_its_colour(found, tmp_path):
    found.write(tmp_path / "song.png")
    height, width, _ = imread(tmp_path / "song.png").shape
    assert 1000 < width < 2000
    assert 300 < height < 1000
    curve, roll = draw(found, "A title").axes
    (notes,) = (each for each in roll.collections if isinstance(each, PolyCollection))
    assert len(notes.get_paths()) == len(found.notes)
    expected = [to_rgba(ON_WHITE[steps(note.onset)]) for note in found.notes]
    np.testing.assert_allclose(notes.get_facecolors(), expected)
    assert curve.get_ylim()[1] > found.frame_nats.max()


def test_a_long_song_has_several_rows(jsb):
    frames = np.zeros((300, KEYS), dtype=bool)
    frames[:, 40] = True
    found = lmn_music.surprise(PianoRoll(frames, 1), jsb, transpose=0)
    assert len(draw(found, "").axes) == 2 * 5
    assert len(Page(found.html()).all("svg")) == 5


def test_bars_are_those_of_the_piece(jsb):
    frames = np.zeros((200, KEYS), dtype=bool)
    frames[::2, 40] = True
    waltz = Metre(Fraction(0), 3, 4)
    roll = PianoRoll(frames, 2)
    reading = read(jsb.model, roll, metres=[waltz], pickup=Fraction(1, 2))
    places = [reading.place(frame) for frame in (0, 1, 2, 6, 7)]
    assert places == [(0, "1"), (1, "1"), (1, "1.5"), (1, "3.5"), (2, "1")]
    rows = Rows.of(roll, reading.bars)
    assert [len(bars) for bars in rows.bars] == [13, 12, 10]
    assert rows.spans == ((0, 73), (73, 145), (145, 205))
    text = page(reading, "A waltz", [])
    assert json.loads(Page(text).texts["script"][0])["frames"][7][:2] == [2, "1"]
    assert len(draw(reading, "A waltz").axes) == 2 * len(rows)


def test_a_silent_song_is_shown(jsb, tmp_path):
    found = lmn_music.surprise(PianoRoll(np.zeros((3, KEYS)), 1), jsb)
    for name in ("silence.png", "silence.csv", "silence.html"):
        found.write(tmp_path / name)
    assert found.notes == []
    assert "100% silent keys" in found.facts[2]


def test_colours_and_words():
    assert len(ON_WHITE) == len(ON_BLACK) == len(legend()) == len(BOUNDS) + 1
    assert steps([0, 0.5, 7.99, 8, 100]).tolist() == [0, 1, 6, 7, 7]
    assert [odds(nats) for nats in (0, 1, 3, 8, 50)] == [
        "1 in 1.0",
        "1 in 2.7",
        "1 in 20",
        "1 in 3,000",
        "1 in more than a million",
    ]
