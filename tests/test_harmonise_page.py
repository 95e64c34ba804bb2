"""docs/music.md shows what benchmarks/harmonise.py has stored, and parallels are counted as the page says."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lmn_music.music.pianoroll import KEYS
from studies.tables import fill

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("harmonise_benchmark", ROOT / "benchmarks" / "harmonise.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def chords(*keys):
    frames = np.zeros((len(keys), KEYS), dtype=bool)
    for frame, sounding in zip(frames, keys, strict=True):
        frame[list(sounding)] = True
    return frames


def test_the_page_has_the_stored_table(script, tmp_path):
    text = script.PAGE.read_text()
    (tmp_path / "page.md").write_text(text)
    fill(tmp_path / "page.md", {"harmonise": script.table()}, alone=False)
    assert (tmp_path / "page.md").read_text() == text


def test_every_test_chorale_is_stored_once_in_each_way(script):
    names = [f"{way}, song {number:02d}" for way in (script.BACH, *script.WAYS) for number in range(77)]
    assert sorted(script.stored()) == sorted(names)


def test_the_melody_is_kept_in_all_of_them(script):
    assert all(counts["kept"] == counts["melody"] for counts in script.stored().values())


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ([(30, 37), (32, 39)], 1),  # fifths
        ([(30, 42), (32, 44)], 1),  # octaves
        ([(30, 49), (32, 51)], 1),  # twelfths
        ([(30, 37), (32, 51)], 1),  # a fifth, then a twelfth
        ([(30, 37), (25, 32), (27, 34)], 2),
        ([(30, 37), (30, 37)], 0),  # nothing moves
        ([(30, 37), (30, 39)], 0),  # one moves
        ([(30, 37), (32, 41)], 0),  # a fifth, then a sixth
        ([(30, 42), (32, 39)], 0),  # an octave, then a fifth
        ([(30, 37), (32, 39, 44)], 0),  # another number of voices
        ([(30, 37, 42), (32, 39, 44)], 2),  # a fifth and an octave; the fourth between them does not count
        ([(), ()], 0),
    ],
)
def test_parallels_are_pairs_of_voices_that_move_a_fifth_or_an_octave_apart(script, keys, found):
    assert script.parallels(chords(*keys)) == found
