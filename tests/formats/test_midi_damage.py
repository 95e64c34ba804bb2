"""MIDI files that say what they should not: their notes are read, and what was passed over is told."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmn_music.errors import ScoreError
from lmn_music.formats import read_piece
from lmn_music.formats.midi import read_midi
from lmn_music.formats.registry import MIDI_BYTES
from lmn_music.music.piece import Piece
from tests.formats.midi_bytes import chunk, meta, midi, number, played, timed
from tests.formats.midi_cases import AROUND, BASS, BOTH, EVENTS, FIRST, ONE, OTHER, SCALE, TUNE


def notes(piece: Piece) -> list[list[tuple[int, int, int]]]:
    """List the notes of each part, in ticks of 480 a quarter."""
    return [[(note.pitch, int(note.onset * 480), int(note.end * 480)) for note in part.notes] for part in piece.parts]


def test_nothing_is_passed_over_in_a_whole_file() -> None:
    piece = read_midi(BOTH, "song")
    assert notes(piece) == [SCALE, BASS]
    assert piece.passed_over == ""


# --- One odd event between the notes


@pytest.mark.parametrize(("event", "told"), EVENTS.values(), ids=EVENTS)
def test_an_odd_event_anywhere_changes_no_note(event: bytes, told: str) -> None:
    events = played(SCALE)
    for place in range(len(events) + 1):
        tick = events[min(place, len(events) - 1)][0]
        piece = read_midi(midi(chunk(timed([*events[:place], (tick, event), *events[place:]]))), "song")
        assert notes(piece) == [SCALE]
        assert piece.passed_over == told


@given(st.lists(st.tuples(st.integers(0, 16), st.sampled_from(sorted(EVENTS))), max_size=12))
def test_many_odd_events_are_counted(insertions: list[tuple[int, str]]) -> None:
    events = played(SCALE)
    for place, name in sorted(insertions, reverse=True):
        events.insert(place, (events[place][0] if place < len(events) else 480 * 8, EVENTS[name][0]))
    piece = read_midi(midi(chunk(timed(events))), "song")
    assert notes(piece) == [SCALE]
    told = [EVENTS[name][1] for _, name in insertions]
    counts = {what.partition(" (")[0]: told.count(what) for what in told if what}
    assert sorted(piece.passed_over.split(", ")) == sorted(f"{what} ({n})" for what, n in counts.items()) or [""]


def test_a_velocity_over_127_is_the_loudest() -> None:
    piece = read_midi(midi(chunk(b"\0\x90\x3c\xf0" + number(480) + b"\x80\x3c\0")), "song")
    assert notes(piece) == [[(60, 0, 480)]]
    assert piece.parts[0].notes[0].velocity == 127


def test_a_status_holds_on_over_meta_events() -> None:
    body = b"\0\x90"
    for pitch, _, _ in SCALE:
        body += bytes([pitch, 80]) + number(480) + bytes([pitch, 0]) + b"\0" + meta(1, b"x") + b"\0"
    assert notes(read_midi(midi(chunk(body[:-1])), "song")) == [SCALE]


# --- What stands around the notes


@pytest.mark.parametrize(("data", "told"), AROUND.values(), ids=AROUND)
def test_what_stands_around_a_track(data: bytes, told: str) -> None:
    piece = read_midi(data, "song")
    assert notes(piece) == [SCALE]
    assert piece.passed_over == told


@pytest.mark.parametrize(("first", "told"), FIRST.values(), ids=FIRST)
def test_the_next_track_is_found(first: bytes, told: str) -> None:
    data = midi(first, chunk(OTHER))
    piece = read_midi(data, "song")
    assert notes(piece) == [SCALE, BASS]
    assert piece.passed_over == told
    in_turn = read_midi(data[:9] + b"\2" + data[10:], "song")
    assert notes(in_turn) == [SCALE, [(pitch, onset + 480 * 8, end + 480 * 8) for pitch, onset, end in BASS]]


@pytest.mark.parametrize("name", ["song.kar", "song.rmi", "song.MID"])
def test_suffixes_of_midi_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(AROUND["RIFF"][0] if name.endswith("rmi") else ONE)
    assert notes(read_piece(tmp_path / name)) == [SCALE]


# --- A track that breaks off


@pytest.mark.parametrize("size", range(14 + 8 + 4, len(ONE)))
def test_a_file_that_is_cut_off_is_read_to_there(size: int) -> None:
    piece = read_midi(ONE[:size], "song")
    assert piece.passed_over == "damaged or cut-off ends of tracks (1)"
    (found,) = notes(piece)
    assert len(found) >= (size - 26) // 9
    assert found[:-1] == SCALE[: len(found) - 1]
    assert found[-1][:2] == SCALE[len(found) - 1][:2]  # it may sound at the cut


@pytest.mark.parametrize(
    "fault",
    [
        b"\x81\x80\x80\x80\0\x90\x3c\x40",  # a time of five bytes
        b"\0\xff\x01\x7fabc",  # a text that is longer than the track
        b"\0\xf0\x7fabc",  # a system exclusive message that is
    ],
)
def test_what_follows_damage_in_a_track_is_passed_over(fault: bytes) -> None:
    piece = read_midi(midi(chunk(TUNE + fault), chunk(OTHER)), "song")
    assert notes(piece) == [SCALE, BASS]
    assert piece.length == 8
    assert piece.passed_over == "damaged or cut-off ends of tracks (1)"


def test_notes_without_a_status_are_damage() -> None:
    with pytest.raises(ScoreError, match="damaged"):
        read_midi(midi(chunk(b"\0\x3c\x40" + TUNE)), "song")
    assert notes(read_midi(midi(chunk(b"\0\x3c\x40" + TUNE), chunk(OTHER)), "song")) == [BASS]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"SMF2CLIP" + b"\0" * 40, "unreadable (not a MIDI file)"),
        (b"<!DOCTYPE html><html>404</html>", "unreadable (not a MIDI file)"),
        (gzip.compress(ONE, mtime=0), "unreadable (not a MIDI file)"),
        (ONE[:13], "unreadable (damaged MIDI file)"),
        (midi(chunk(TUNE), ticks=0), "unreadable (zero ticks a quarter)"),
        (midi(chunk(TUNE), ticks=0xE728), "unreadable (SMPTE time, no quarter notes)"),
        (midi(said=0), "no notes"),
        (midi(chunk(b"")), "no notes"),
        (midi(chunk(timed(played(SCALE, channel=9)))), "drums only"),
    ],
)
def test_what_has_no_notes_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ScoreError) as caught:
        read_midi(data, "song").roll(2)
    assert caught.value.reason == reason


# --- Bytes of all kinds


@given(st.data())
@settings(max_examples=300)
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    song = bytearray(BOTH)
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(song)))
        song[start : start + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
    try:
        piece = read_midi(bytes(song), "song")
    except ScoreError:
        return
    for part in piece.parts:
        assert part.notes
        assert list(part.notes) == sorted(part.notes, key=lambda note: note.onset)
        assert all(0 <= note.onset <= note.end <= piece.length for note in part.notes)
        assert all(0 <= note.pitch <= 127 and 1 <= note.velocity <= 127 for note in part.notes)


@given(st.binary(max_size=400), st.integers(1, 0x7FFF))
@settings(max_examples=300)
def test_any_bytes_in_a_track_are_read_or_refused(body: bytes, ticks: int) -> None:
    try:
        piece = read_midi(midi(chunk(body), chunk(OTHER), ticks=ticks), "song")
    except ScoreError:
        return
    assert len(piece.parts[-1].notes) == len(BASS) or b"MTrk" in body


def full(*messages: bytes) -> bytes:
    """Return a file of the largest size that is read, full of these messages in turn."""
    body = b"\0\x90\x3c\x50" + b"".join(messages) * ((MIDI_BYTES - 40) // len(b"".join(messages)))
    return midi(chunk(body))


HOSTILE = {
    "notes that never end": full(b"\1\x3c\x40"),
    "every key at every tick": full(*(bytes([1, key, hard]) for key in range(21, 109) for hard in (64, 0))),
    "silence after each note": full(*(bytes([0, 0x90, key, 64, 1, 0xB0, 123, 0]) for key in range(128))),
    "tempos": full(b"\1" + meta(0x51, b"\1\2\3")),
    "broken meta events": full(b"\1" + meta(0x59, b"")),
    "tracks without end": midi(b"MTrk\0\0\0\0" * ((MIDI_BYTES - 14) // 8)),
    "tracks that claim the rest": midi(
        b"".join(chunk(b"", length=MIDI_BYTES - 14 - 12 * i - 8) for i in range((MIDI_BYTES - 14) // 12))
    ),
    "headers": b"MThd" * (MIDI_BYTES // 4),
    "one number": midi(chunk(b"\0\x90\x3c\x50" + b"\xff" * (MIDI_BYTES - 40))),
}
READ = """
import sys, time
from pathlib import Path
from lmn_music.formats import read_score
from lmn_music.errors import LmnMusicError
def kilobytes(name):  # of this program alone; getrusage begins at the peak of the parent
    return int(Path("/proc/self/status").read_text().partition(name)[2].split()[0])
for path in sys.argv[1:]:
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, start = kilobytes("VmRSS:"), time.process_time()
    try:
        read_score(path)
    except LmnMusicError:
        pass
    print(time.process_time() - start, kilobytes("VmHWM:") - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads memory from /proc")
def test_time_and_memory_are_bounded(tmp_path: Path) -> None:
    """Two seconds and 250 MB at worst; twice the time is granted, as other work may share the processor."""
    paths = [tmp_path / f"{name}.mid" for name in HOSTILE]
    for path, data in zip(paths, HOSTILE.values(), strict=True):
        assert MIDI_BYTES - 2000 < len(data) <= MIDI_BYTES
        path.write_bytes(data)
    run = subprocess.run([sys.executable, "-c", READ, *paths], capture_output=True, text=True, check=True)
    for name, line in zip(HOSTILE, run.stdout.splitlines(), strict=True):
        seconds, kilobytes = map(float, line.split())
        assert seconds < 4, name
        assert kilobytes < 300_000, name
