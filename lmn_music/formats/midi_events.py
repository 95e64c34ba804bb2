"""The events of a MIDI file, also of one that is damaged where no note depends on it.

A reader of our own, as no library does this: mido refuses a file for one odd byte, and symusic, which is much faster,
returns neither channels, nor the length of a track, nor notes that are never let go.
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import NamedTuple

from lmn_music.errors import ScoreError

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0
ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123  # controllers
NAME, TEMPO, METRE, KEY = 0x03, 0x51, 0x58, 0x59  # meta events
_PRESSURE, _EXCLUSIVE, _CONTINUED, _META, _END_OF_TRACK = 0xD0, 0xF0, 0xF7, 0xFF, 0x2F
_NOTES = (NOTE_OFF, NOTE_ON, PROGRAM)
_SYSTEM_DATA = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # data bytes of system messages, which belong on a cable, not into a file

Message = tuple[int, int, int, int]  # tick; status, which says what and on which channel; its two data bytes
Meta = tuple[int, int, bytes]  # tick, kind, content


class Track(NamedTuple):
    """What a track holds, in the order of the file; its ticks are counted from the start of the piece.

    Attributes:
        messages: note-on, note-off, program, all sound off and all notes off.
        metas: the meta events but for the end of the track.
        end: the tick at which it ends.
    """

    messages: list[Message]
    metas: list[Meta]
    end: int


class Events(NamedTuple):
    """What a MIDI file holds.

    Attributes:
        ticks_per_quarter: how many ticks a quarter note lasts.
        tracks: the tracks.
        passed_over: what in the file makes no sense, and how often.
    """

    ticks_per_quarter: int
    tracks: list[Track]
    passed_over: Counter[str]


def read_events(data: bytes) -> Events:
    """Return the tracks of a MIDI file: of formats 0 and 1 side by side, of format 2 one after the other.

    The header may stand anywhere, so that MIDI inside RIFF or another wrapping is read. A track ends with its
    end-of-track event; without one, where its length says if that is the end of the file or the start of a track; else
    where the next track starts. What lies between the tracks is passed over, and so is the rest of a track from where
    it cannot be told what is a message and what is a time.

    Args:
        data: the content of the file.

    Raises:
        ScoreError: there is no header, or time is not counted in parts of a quarter note.
    """
    start = data.find(b"MThd")
    if start < 0:
        raise ScoreError(
            "not a MIDI file: export it anew from a notation or sequencer program", "unreadable (not a MIDI file)"
        )
    place = start + 14
    if place > len(data):
        raise damaged()
    length, kind, announced, ticks_per_quarter = struct.unpack(">IHHh", data[start + 4 : place])
    _check_time(ticks_per_quarter)
    if data.startswith(b"MTrk", start + 8 + length):  # a header with more in it
        place = start + 8 + length
    outside = start
    passed_over: Counter[str] = Counter()
    content = memoryview(data)
    tracks: list[Track] = []
    while (chunk := data.find(b"MTrk", place)) >= 0:
        outside += max(chunk - place, 0)
        body = chunk + 8
        end = claimed = body + int.from_bytes(data[chunk + 4 : body])
        if claimed != len(data) and not data.startswith(b"MTrk", claimed):
            following = data.find(b"MTrk", body)
            end = len(data) if following < 0 else following
        start = tracks[-1].end if kind == 2 and tracks else 0
        track, read, ended = _read_track(content[body:end], start, passed_over)
        lost = not ended and (body + read < end or claimed > len(data))
        passed_over["damaged or cut-off ends of tracks"] += lost
        tracks.append(track)
        place = end if lost else body + read
    outside += max(len(data) - place, 0)
    if not data.startswith(b"RIFF"):
        passed_over["bytes outside the tracks"] = outside
    passed_over["missing tracks"] = max(announced - len(tracks), 0)
    return Events(ticks_per_quarter, tracks, passed_over)


def damaged() -> ScoreError:
    """Return the error about a file of which nothing can be read."""
    return ScoreError("the MIDI file is damaged: export it anew", "unreadable (damaged MIDI file)")


def _check_time(ticks_per_quarter: int) -> None:
    if ticks_per_quarter < 0:
        raise ScoreError(
            "the MIDI file counts in SMPTE seconds, so its quarter notes are unknown: export it in ticks per quarter",
            "unreadable (SMPTE time, no quarter notes)",
        )
    if ticks_per_quarter == 0:
        raise ScoreError(
            "the MIDI file has zero ticks per quarter: export it anew", "unreadable (zero ticks a quarter)"
        )


class _DamageError(Exception):
    """What follows in a track makes no sense."""


def _read_track(body: memoryview, start: int, passed_over: Counter[str]) -> tuple[Track, int, bool]:
    """Return the track in `body`, how many bytes of it were read, and whether it has an end-of-track event.

    A status holds on over meta events and system messages: by the standard it does not, but files rely on it.
    """
    messages: list[Message] = []
    metas: list[Meta] = []
    place = begin = status = 0
    tick = end = start
    size = len(body)
    try:
        while place < size:
            begin, end = place, tick
            delta, place = (body[place], place + 1) if body[place] < 0x80 else _number(body, place)
            tick += delta
            byte = body[place]
            if byte < 0x80:
                byte = status
            else:
                place += 1
            if byte < 0x80:
                raise _DamageError
            if byte < _EXCLUSIVE:
                status = byte
                what, first = status & 0xF0, body[place]
                if what in (PROGRAM, _PRESSURE):
                    second, place = 0, place + 1
                else:
                    second, place = body[place + 1], place + 2
                if (first | second) >= 0x80:
                    passed_over["messages with data bytes over 127"] += 1
                    if first >= 0x80:
                        continue
                    second = 0x7F
                if what in _NOTES or (what == CONTROL and first in (ALL_SOUND_OFF, ALL_NOTES_OFF)):
                    messages.append((tick, status, first, second))
            elif byte in (_EXCLUSIVE, _CONTINUED, _META):
                kind = body[place] if byte == _META else None
                length, place = _number(body, place + (byte == _META))
                if kind == _END_OF_TRACK:
                    return Track(messages, metas, tick), place, True
                if place + length > size:
                    raise _DamageError
                if kind in (NAME, TEMPO, METRE, KEY):
                    metas.append((tick, kind, bytes(body[place : place + length])))
                place += length
            else:
                passed_over["stray system messages"] += 1
                place += _SYSTEM_DATA.get(byte, 0)
        if place > size:
            raise _DamageError
    except (IndexError, _DamageError):
        return Track(messages, metas, end), begin, False
    return Track(messages, metas, tick), place, False


def _number(body: memoryview, place: int) -> tuple[int, int]:
    """Return the number of up to four bytes at `place`, of seven bits each, and the place after it."""
    value = 0
    for after in range(place + 1, place + 5):
        byte = body[after - 1]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, after
    raise _DamageError
