"""A hundred hostile files and fifty clients at once: the studio still answers."""

import io
import tempfile
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lmn_music.resources import resource
from tests.studio.helpers import Client, piece_of, tune

GOOD = resource("data", "samples/frere-jacques.musicxml").read_bytes()
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "'
    + b"b" * 1000
    + b'">'
    + b"".join(b'<!ENTITY c%d "%s">' % (n, b"&c%d;" % (n - 1) * 9 if n else b"&b;" * 9) for n in range(9))
    + b"]><score-partwise>&c8;</score-partwise>"
)


def archive(name, data):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, data)
    return buffer.getvalue()


def rolls(frames):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, frames=frames, frames_per_quarter=1, title="x")
    return buffer.getvalue()


def hostile():
    """Yield the names and the contents of a hundred files."""
    generator = np.random.default_rng(0)
    yield "bomb.musicxml", BOMB
    yield "outside.xml", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><score-partwise>&x;</score-partwise>'
    yield "zeros.npz", archive("frames.npy", bytes(50_000_000))
    yield "zeros.mxl", archive("score.xml", bytes(50_000_000))
    yield "long.npz", rolls(np.zeros((200_000, 88), dtype=bool))
    yield "odd.npz", rolls(np.full((4, 3), 7))
    yield "objects.npz", archive("frames.npy", b"\x93NUMPY\x01\x00")
    yield "fast.mid", b"MThd\0\0\0\6\0\0\0\1\0\1MTrk\xff\xff\xff\xff"
    yield "../../../etc/passwd.mid", b"root"
    yield "a\0b.mid", b"MThd"
    yield "." * 300 + "mid", b""
    yield "x" * 5000 + ".mid", b"MThd"
    yield "deep.musicxml", b"<score-partwise>" + b"<part>" * 100_000
    yield "empty.mid", b" "
    yield "page.html", b"<script>alert(1)</script>"
    kinds = ["mid", "musicxml", "mxl", "npz", "xml", "midi", "smf"]
    for number in range(85):
        data = bytearray(GOOD if number % 2 else generator.bytes(2000))
        for _ in range(30):
            data[generator.integers(len(data))] = generator.integers(256)
        yield f"{number}.{kinds[number % len(kinds)]}", bytes(data)


@pytest.mark.slow
def test_hostile_files_are_refused_in_words(client):
    files = list(hostile())
    assert len(files) == 100

    def upload(file):
        name, data = file
        other = Client(client.host, client.headers["X-Studio-Token"])
        answer = other.session.post(
            f"{client.host}/api/read", params={"name": name}, data=data, headers=other.headers, timeout=60
        )
        if answer.status_code == 200:  # a file that was only bent is still music
            piece_of(answer.json())
        else:
            words = answer.json()["error"]
            assert answer.status_code == 400
            assert "\n" not in words
            assert tempfile.gettempdir() not in words
            assert "root:" not in words
            assert "something went wrong" not in words

    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(upload, files))
        assert client.ask("/api/about").json()["version"]
    assert time.monotonic() - started < 60


@pytest.mark.slow
def test_fifty_clients_at_once(client):
    token, piece = client.headers["X-Studio-Token"], tune("frere-jacques")
    waits, together = [], threading.Barrier(50, timeout=60)

    def visit(number):
        other = Client(client.host, token)
        together.wait()
        if number % 5 == 4:  # they leave in the middle
            lines = other.lines("/api/compose", {"bars": 100, "seed": number})
            next(lines)
            lines.close()
            other.session.close()
            return
        found = list(other.lines("/api/compose", {"bars": 1, "seed": number}))
        assert found[-1] == {"done": 1}
        other.ask("/api/file", {"piece": piece, "suffix": ".mid"})
        began = time.monotonic()
        other.ask("/")
        waits.append(time.monotonic() - began)

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(visit, range(50)))
    assert sorted(waits)[len(waits) // 2] < 5
    assert client.ask("/api/about").status_code == 200


def test_one_client_has_one_turn(client):
    """A second piece of work of the same client waits for the first; a fifth one has no place in line."""
    lines = client.lines("/api/compose", {"bars": 200, "seed": 1, "density": 3})
    assert next(line for line in lines if "frame" in line)
    waiting = []
    for number in range(4):
        more = Client(client.host, client.headers["X-Studio-Token"])
        more.headers = client.headers
        waiting.append(more.lines("/api/compose", {"bars": 1, "seed": number}))
        assert next(waiting[-1])["ahead"] >= 1
    fifth = Client(client.host, client.headers["X-Studio-Token"])
    fifth.headers = client.headers
    (refused,) = fifth.lines("/api/compose", {"bars": 1, "seed": 9})
    assert "4 more are waiting already" in refused["error"]
    lines.close()
    client.session.close()
    assert list(waiting[0])[-1] == {"done": 1}
    for other in waiting[1:]:
        other.close()


@pytest.mark.parametrize(
    "piece",
    [
        {"parts": [{"notes": [[60, "0", "1e9", 80]]}]},
        {"parts": [{"notes": [[60, "0", "1/0", 80]]}]},
        {"parts": [{"notes": [[60, "1", "0", 80]]}]},
        {"parts": [{"notes": [[999, "0", "1", 80]]}]},
        {"parts": [{"notes": [[60, "0", "999999", 80]]}]},
        {"parts": [{"notes": [[60, "0", "1", 80]] * 30_000}]},
        {"parts": [], "metres": [["0", 3, 5]]},
        {"parts": [], "tempos": [["4", 90], ["0", 90]]},
        {"parts": []},
        [],
    ],
)
def test_pieces_that_are_none_are_refused(client, piece):
    words = client.error("/api/surprise", {"piece": piece, "model": "jsb"})
    assert "\n" not in words
    assert "something went wrong" not in words
