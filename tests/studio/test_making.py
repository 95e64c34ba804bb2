"""Music from the studio is the music of the commands; it comes frame by frame, and can be stopped."""

import json
import shlex
import time
from dataclasses import replace
from fractions import Fraction

import pytest

from lmn_music import api
from lmn_music.formats import read_piece
from lmn_music.studio.documents import data_of
from tests.cli.helpers import lmn_music
from tests.studio.helpers import piece_of


def song_of(lines):
    """Return the only song of an answer, and its frames."""
    found = list(lines)
    assert found[-1] == {"done": 1}
    (song,) = [line["song"] for line in found if "song" in line]
    return song, [line["frame"] for line in found if "frame" in line]


def run(song, tmp_path, monkeypatch, client, base=None):
    """Run the command that a song names, and return the piece that it writes beside what the studio writes."""
    monkeypatch.chdir(tmp_path)
    if base is not None:
        (tmp_path / "tune.mid").write_bytes(client.ask("/api/file", {"piece": base, "suffix": ".mid"}).content)
    words = ["tune.mid" if word == "INPUT" else word for word in song["command"]]
    lmn_music(*words, "--out", "song.mid")
    (tmp_path / "studio.mid").write_bytes(client.ask("/api/file", {"piece": song["piece"], "suffix": ".mid"}).content)
    return read_piece(tmp_path / "song.mid"), read_piece(tmp_path / "studio.mid")


def test_a_composed_song_comes_frame_by_frame(client):
    song, frames = song_of(client.lines("/api/compose", {"bars": 2, "seed": 5, "tempo": 100}))
    expected = api.compose("jsb", bars=2, seed=5)
    assert [frame[:2] for frame in frames] == [[t, t + 1] for t in range(8)]
    assert [frame[2] for frame in frames] == [(f.nonzero()[0] + 21).tolist() for f in expected.frames]
    assert piece_of(song).roll(1) == expected
    assert song["bars"] == [[1, "0", "4"], [2, "4", "8"]]


@pytest.mark.parametrize(
    "options", [{}, {"density": 2.5, "temperature": 0.9, "tempo": 72, "lowest": "C3", "model": "nottingham"}]
)
def test_the_command_makes_the_same_file(client, tmp_path, monkeypatch, options):
    song, _ = song_of(client.lines("/api/compose", {"bars": 2, "seed": 5, **options}))
    run(song, tmp_path, monkeypatch, client)
    assert (tmp_path / "song.mid").read_bytes() == (tmp_path / "studio.mid").read_bytes()


@pytest.mark.parametrize(
    ("what", "options"),
    [("continue", {"bars": 1}), ("harmonise", {"voices": 3}), ("rewrite", {"first": 2, "last": 2})],
)
def test_the_command_arranges_the_same(client, tmp_path, monkeypatch, what, options):
    base = data_of(api.sample_tune("old-hundredth").after(Fraction(25)))["piece"]  # its last seven quarter notes
    song, frames = song_of(client.lines("/api/arrange", {"what": what, "piece": base, "seed": 3, **options}))
    assert frames
    assert shlex.join(song["command"]).startswith(f"{what} INPUT --model jsb")
    ours, theirs = run(song, tmp_path, monkeypatch, client, base)
    assert replace(ours, title="") == replace(theirs, title="")
    assert ours.metres == api.sample_tune("old-hundredth").metres


def test_several_candidates_have_seeds_one_after_the_other(client):
    found = list(client.lines("/api/compose", {"bars": 1, "seed": 8, "candidates": 3}))
    songs = [line["song"] for line in found if "song" in line]
    assert [song["seed"] for song in songs] == [8, 9, 10]
    assert len({str(song["piece"]) for song in songs}) == 3


def test_a_song_that_nobody_waits_for_is_stopped(client):
    started = time.monotonic()
    lines = client.lines("/api/compose", {"bars": 200, "seed": 1, "density": 3, "candidates": 4})  # minutes of work
    assert next(line for line in lines if "frame" in line)
    lines.close()
    client.session.close()
    song, _ = song_of(client.lines("/api/compose", {"bars": 1, "seed": 1}))  # the client's next turn
    assert piece_of(song).length == Fraction(4)
    assert time.monotonic() - started < 60


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"bars": 0}, "bars: input should be greater than or equal to 1"),
        ({"bars": 10**9}, "bars: input should be less than or equal to 200"),
        ({"model": "/etc/passwd"}, "there is no model"),
        ({"model": "run ../../etc"}, "there is no run folder"),
        ({"density": 99}, "`density` is a number of keys above 0 and up to 20"),
        ({"lowest": "H9"}, "no key of the piano"),
        ({"path": "/etc"}, "path: extra inputs are not permitted"),
        ({"seed": -1}, "seed: input should be greater"),
        ({"temperature": 1e400}, "temperature: input should be a finite number"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(client, asked, words):
    body = json.dumps({"bars": 1, "seed": 1} | asked).encode()
    answer = client.session.post(client.host + "/api/compose", data=body, headers=client.headers, timeout=60)
    assert words in json.loads(answer.text.strip().splitlines()[-1])["error"]
