"""Pictures: that they open, have a sensible size, and show the notes where they are."""

from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.image import imread

from lmn_music.formats import write_roll
from lmn_music.formats.picture import draw, write_picture
from lmn_music.music.metre import Metre, count_bars
from lmn_music.music.pianoroll import KEYS, PianoRoll


def random_roll(length: int, frames_per_quarter: int = 2) -> PianoRoll:
    frames = np.zeros((length, KEYS), dtype=bool)
    frames[:, 30:60] = np.random.default_rng(0).random((length, 30)) < 0.1
    return PianoRoll(frames, frames_per_quarter, "A song")


@pytest.mark.parametrize(
    ("length", "rows"), [(1, 1), (64, 1), (128, 1), (400, 4), pytest.param(20_000, 12, marks=pytest.mark.slow)]
)
def test_size_and_rows(tmp_path: Path, length: int, rows: int) -> None:
    roll = random_roll(length)
    assert len(draw(roll).axes) == rows
    write_picture(roll, tmp_path / "song.png")
    height, width, _ = imread(tmp_path / "song.png").shape
    assert 1000 < width < 2000
    assert 200 < height < 5000


@pytest.mark.parametrize("frames_per_quarter", [1, 2, 4, 1000])
def test_every_sounding_cell_is_drawn_once_at_its_place(frames_per_quarter: int) -> None:
    roll = random_roll(300, frames_per_quarter)
    shown = np.zeros(roll.frames.shape, dtype=int)
    for axes in draw(roll).axes:
        (notes,) = (c for c in axes.collections if isinstance(c, PolyCollection))
        for path in notes.get_paths():
            left, right = path.vertices[:, 0].min(), path.vertices[:, 0].max()
            pitch = path.vertices[:-1, 1].mean().round()
            low, high = axes.get_ylim()
            assert low < pitch < high
            shown[round(left) : round(right), int(pitch) - 21] += 1
    np.testing.assert_array_equal(shown, roll.frames)


def test_axes_name_the_cs_and_the_bars() -> None:
    (axes,) = draw(random_roll(64)).axes  # keys 30 to 59 are MIDI 51 to 80
    assert [label.get_text() for label in axes.get_yticklabels()] == ["C4", "C5"]
    assert [label.get_text() for label in axes.get_xticklabels()] == [str(bar) for bar in range(1, 9)]


def test_the_title_and_the_key_are_written() -> None:
    assert draw(random_roll(8)).get_suptitle() == "A song"
    assert draw(random_roll(8)).get_supxlabel() == "bar (of four quarters)"
    assert draw(random_roll(8), key="C major").get_supxlabel() == "bar (of four quarters); C major"


def test_a_vector_picture_has_the_notes_and_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.svg", "b.SVG"):
        write_roll(random_roll(64), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.SVG").read_bytes()
    root = ElementTree.parse(tmp_path / "a.svg").getroot()  # noqa: S314 -- our own file
    (notes,) = root.iterfind(".//{*}g[@id='PolyCollection_1']")
    drawn = notes.findall(".//{*}path")
    assert len(drawn) == random_roll(64).notes


def test_the_outermost_keys_are_shown() -> None:
    frames = np.zeros((8, KEYS), dtype=bool)
    frames[:, [0, 87]] = True
    (axes,) = draw(PianoRoll(frames, 1)).axes
    low, high = axes.get_ylim()
    assert low < 21 - 0.5
    assert high > 108 + 0.5


def test_a_stretch_is_marked_where_it_is() -> None:
    roll = random_roll(400)
    plain, marked = (draw(roll, marked=mark) for mark in (None, (Fraction(100), Fraction(130))))
    changes = [len(new.patches) - len(old.patches) for old, new in zip(plain.axes, marked.axes, strict=True)]
    lines = [float(line.get_xdata()[0]) for axes in marked.axes for line in axes.lines]  # in frames
    assert lines == [200, 260]
    assert changes == [0, 1, 1, 0]
    assert "composed" in str(marked.get_supxlabel())
    assert "composed" not in str(plain.get_supxlabel())


def test_bars_are_the_bars_of_the_piece() -> None:
    bars = count_bars((Metre(Fraction(0), 3, 4),), Fraction(1), Fraction(10))
    (axes,) = draw(random_roll(20), bars=bars).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2", "3"]
    assert axes.get_xticks().tolist() == [0, 2, 8, 14]
