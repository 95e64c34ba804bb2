"""`lmn-music surprise` and `lmn-music identify`."""

from pathlib import Path

import pytest

from lmn_music import compose, write_roll
from tests.cli.helpers import lmn_music


@pytest.fixture
def song():
    write_roll(compose("jsb", bars=4, seed=1).transposed(-3), "song.mid")
    return Path("song.mid")


def test_surprise_writes_what_is_asked_for(song):
    out = [word for name in ("a.png", "a.csv", "a.html") for word in ("--out", name)]
    printed = lmn_music("surprise", song, *out, "--model", "jsb")
    assert "Read by jsb, which reads it 3 semitones higher, 1 frame per quarter note" in printed
    assert printed.count("wrote a.") == 3
    assert all(Path(name).stat().st_size > 100 for name in ("a.png", "a.csv", "a.html"))


def test_surprise_chooses_unless_told(song):
    assert "Read by jsb, which reads it 3 semitones higher" in lmn_music("surprise", song, "--out", "a.csv")
    told = ("--model", "muse", "--transpose", "0", "--frames-per-quarter", "1")
    printed = lmn_music("surprise", song, "--out", "b.csv", *told)
    assert "Read by muse, in its own key, 1 frame per quarter note" in printed
    assert "test songs" not in printed


def test_identify_lists_the_shipped_models(song):
    printed = lmn_music("identify", song)
    lines = [line.split() for line in printed.splitlines()[3:7]]
    assert lines[0][0] == "jsb"
    assert {line[0] for line in lines} == {"jsb", "muse", "nottingham", "piano"}
    nats = [float(line[1]) for line in lines]
    assert nats == sorted(nats)


def test_errors_are_one_line(song):
    assert "end it with one of .png, .csv, .html" in lmn_music("surprise", song, "--out", "a.mid", code=2)
    assert "does not exist" in lmn_music("surprise", song, "--out", "nowhere/a.png", code=2)
    assert "there is no such file" in lmn_music("surprise", "nothing.mid", "--out", "a.png", code=1)
    assert "off the keyboard" in lmn_music("surprise", song, "--out", "a.png", "--transpose", "60", code=2)
    assert "there is no model" in lmn_music("surprise", song, "--out", "a.png", "--model", "none", code=1)
    assert not Path("a.png").exists()
