"""`lmn-music stream`: endless, as lines of JSON or on a MIDI port."""

import json
import subprocess

import mido
import pytest
from mido.ports import EchoPort

from lmn_music import api
from tests.cli.helpers import command, lmn_music


def lines(*options):
    return [json.loads(line) for line in lmn_music("stream", *options).splitlines()]


def test_each_frame_is_a_line():
    found = lines("--frames", "6", "--seed", "1")
    assert [line["frame"] for line in found] == list(range(6))
    assert all(21 <= pitch <= 108 for line in found for pitch in line["pitches"])
    assert found == lines("--frames", "6", "--seed", "1")
    assert found != lines("--frames", "6", "--seed", "2")


def test_music_is_that_of_a_song():
    song = api.compose("jsb", frames=6, seed=1)
    assert [line["pitches"] for line in lines("--frames", "6", "--seed", "1")] == [
        (frame.nonzero()[0] + 21).tolist() for frame in song.frames
    ]


@pytest.mark.slow
def test_endless_music_ends_when_nobody_reads_it():
    with subprocess.Popen([command(), "stream", "--seed", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        first = json.loads(run.stdout.readline())
        run.stdout.close()
        assert run.wait(60) in (0, 1)
        assert b"Traceback" not in run.stderr.read()
    assert first["frame"] == 0


def test_music_is_played_on_a_port(monkeypatch):
    port = EchoPort()
    monkeypatch.setattr(mido, "get_output_names", lambda: ["Synth"])
    monkeypatch.setattr(mido, "open_output", lambda name: port if name == "Synth" else None)
    lmn_music("stream", "--port", "first", "--frames", "2", "--seed", "1", "--tempo", "400")
    messages = []
    assert port.closed  # and what was sent is still there
    while message := port._messages.popleft() if port._messages else None:
        messages.append(message)
    on = [message.note for message in messages if message.type == "note_on"]
    off = [message.note for message in messages if message.type == "note_off"]
    assert on
    assert sorted(on) == sorted(off)


def test_a_port_that_does_not_exist_is_named(monkeypatch):
    monkeypatch.setattr(mido, "get_output_names", lambda: ["Synth"])
    assert "there is no MIDI port 'Piano': choose Synth" in lmn_music("stream", "--port", "Piano", code=2)
    monkeypatch.setattr(mido, "get_output_names", lambda: [])
    assert "there is no MIDI port: there is none" in lmn_music("stream", "--port", "first", code=2)
