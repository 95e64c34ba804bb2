"""MIDI files that readers stumble over, and the notes that are in them. Each is made up after a fault of real files."""

import struct

from tests.formats.midi_bytes import END, Note, chunk, meta, midi, played, timed

SCALE = [(60 + step, 480 * step, 480 * step + 480) for step in range(8)]
BASS = [(36 + step, 960 * step, 960 * step + 960) for step in range(4)]
TUNE, OTHER = timed(played(SCALE)), timed(played(BASS, channel=1))
ONE, BOTH = midi(chunk(TUNE)), midi(chunk(TUNE), chunk(OTHER))


# Events that change no note -> what is passed over
EVENTS = {
    "a key signature of eight sharps": (meta(0x59, b"\x08\0"), "broken meta events (1)"),
    "a key signature without content": (meta(0x59, b""), "broken meta events (1)"),
    "a key signature of a third mode": (meta(0x59, b"\0\x02"), "broken meta events (1)"),
    "a tempo without content": (meta(0x51, b""), "broken meta events (1)"),
    "a tempo of no time": (meta(0x51, b"\0\0\0"), "broken meta events (1)"),
    "a tempo of four bytes": (meta(0x51, b"\0\1\2\3"), "broken meta events (1)"),
    "a time signature of one byte": (meta(0x58, b"\x04"), "broken meta events (1)"),
    "a time signature over 2 to the 255th": (meta(0x58, b"\x04\xff\x18\x08"), "broken meta events (1)"),
    "a time signature of two bytes": (meta(0x58, b"\x04\x02"), ""),
    "a sequence number without content": (meta(0x00, b""), ""),
    "a SMPTE offset of three bytes": (meta(0x54, b"\x60\0\0"), ""),
    "a port without content": (meta(0x21, b""), ""),
    "a meta event that does not exist": (meta(0xEE, b"\xff\x2f\0"), ""),
    "the name of a chunk in a name": (meta(0x03, b"a MTrk b"), ""),
    "a volume of 255": (b"\xb0\x07\xff", "messages with data bytes over 127 (1)"),
    "controller 200": (b"\xb0\xc8\x01", "messages with data bytes over 127 (1)"),
    "program 200": (b"\xc0\xc8", "messages with data bytes over 127 (1)"),
    "key 200": (b"\x90\xc8\x40", "messages with data bytes over 127 (1)"),
    "0xFF in a system exclusive message": (b"\xf0\x08PS\0\0\xff\x04\x01\xf7", ""),
    "escaped bytes": (b"\xf7\x03\x90\x3c\x40", ""),
    "a clock": (b"\xf8", "stray system messages (1)"),
    "a place in the song": (b"\xf2\x10\x20", "stray system messages (1)"),
    "a status that does not exist": (b"\xf4", "stray system messages (1)"),
    "pressure and bending": (b"\xd0\x20\0\xa0\x3c\x10\0\xe0\0\x40", ""),
}


# Files of one track, the scale -> what is passed over
AROUND = {
    "RIFF": (b"RIFF" + struct.pack("<I", len(ONE) + 12) + b"RMIDdata" + struct.pack("<I", len(ONE)) + ONE, ""),
    "RIFF with a list": (b"RIFF\xff\0\0\0RMIDdata" + struct.pack("<I", len(ONE)) + ONE + b"LIST\4\0\0\0INFO", ""),
    "a header of another computer": (b"\0" * 128 + ONE, "bytes outside the tracks (128)"),
    "a line break at the end": (ONE + b"\r\n", "bytes outside the tracks (2)"),
    "a longer header": (midi(chunk(TUNE), more=b"\0\0"), ""),
    "a header of no length": (ONE[:4] + b"\0\0\0\0" + ONE[8:], ""),
    "tracks that are not there": (midi(chunk(TUNE), said=17), "missing tracks (16)"),
    "no end of the track": (midi(chunk(TUNE, end=b"")), ""),
    "too short a length": (midi(chunk(TUNE, length=len(TUNE))), ""),
    "no length": (midi(chunk(TUNE, length=0)), ""),
    "an endless length": (midi(chunk(TUNE, length=0xFFFFFFFF)), ""),
    "bytes after the end of the track": (midi(chunk(TUNE, end=END + b"\0\0")), "bytes outside the tracks (2)"),
    "format 3": (midi(chunk(TUNE), kind=3), ""),
}


# The first of two tracks -> what is passed over
FIRST = {
    "a length that is three bytes too long": (chunk(TUNE, length=len(TUNE + END) + 3), ""),
    "a length that is five bytes too short": (chunk(TUNE, length=len(TUNE + END) - 5), ""),
    "no length before a track": (chunk(TUNE, length=0), ""),
    "the length of both tracks": (chunk(TUNE, length=len(TUNE + END) + len(chunk(OTHER))), ""),
    "no end before a track": (chunk(TUNE, end=b""), ""),
    "bytes between the end and a track": (chunk(TUNE, end=END + b"\0\0"), "bytes outside the tracks (2)"),
    "a strange chunk before a track": (b"XFIH\0\0\0\4abcd" + chunk(TUNE), "bytes outside the tracks (12)"),
    "a strange chunk after a track": (chunk(TUNE) + b"XFIH\0\0\0\4abcd", "bytes outside the tracks (12)"),
}

TICKS = 4  # in a quarter, so that a frame is a tick at four frames per quarter
LENGTH = 20  # of the tracks below
ON, OFF = bytes([0x90, 60, 80]), bytes([0x80, 60, 0])
SILENCE = {"all notes off": b"\xb0\x7b\0", "all sound off": b"\xb0\x78\0"}


def lasting(*spans: tuple[int, int]) -> list[Note]:
    """Return notes of middle C."""
    return [(60, onset, end) for onset, end in spans]


# The messages of one key -> the notes
KEYS = {
    "two notes overlap": ([(0, ON), (2, ON), (4, OFF), (8, OFF)], lasting((0, 4), (2, 8))),
    "two notes at once": ([(0, ON), (0, ON), (4, OFF), (4, OFF)], lasting((0, 4), (0, 4))),
    "three notes overlap": (
        [(0, ON), (3, ON), (4, OFF), (7, ON), (8, OFF), (12, OFF)],
        lasting((0, 4), (3, 8), (7, 12)),
    ),
    "struck anew before the note-off in its tick": (
        [(0, ON), (4, ON), (4, OFF), (8, OFF)],
        lasting((0, 4), (4, 8)),
    ),
    "a note of no length": ([(4, ON), (4, OFF)], lasting((4, 4))),
    "a note of no length, its note-off first": ([(4, OFF), (4, ON)], lasting((4, 4))),
    "the same before another note": ([(0, OFF), (0, ON), (4, ON), (8, OFF)], lasting((0, 0), (4, 8))),
    "one note-off for two notes": ([(0, ON), (2, ON), (4, OFF)], lasting((0, 4), (2, 4))),
    "one note-off for two notes, then a note": (
        [(0, ON), (2, ON), (4, OFF), (6, ON), (8, OFF)],
        lasting((0, 4), (2, 4), (6, 8)),
    ),
    "struck anew, and never let go": ([(0, ON), (4, ON), (4, OFF)], lasting((0, 4), (4, LENGTH))),
    "a note-off too many between notes": (
        [(0, ON), (2, ON), (4, OFF), (8, OFF), (9, OFF), (10, ON), (12, OFF)],
        lasting((0, 4), (2, 4), (10, 12)),
    ),
    "note-offs too many around the notes": (
        [(0, OFF), (1, ON), (2, ON), (4, OFF), (8, OFF), (9, OFF)],
        lasting((1, 4), (2, 8)),
    ),
    "never let go": ([(0, ON), (4, OFF), (6, ON)], lasting((0, 4), (6, LENGTH))),
    "all notes off": ([(0, ON), (2, ON), (4, SILENCE["all notes off"])], lasting((0, 4), (2, 4))),
    "all sound off": ([(0, ON), (4, SILENCE["all sound off"]), (6, ON), (8, OFF)], lasting((0, 4), (6, 8))),
}


def of_one_key(events: list[tuple[int, bytes]], length: int = LENGTH) -> bytes:
    """Return a file of these events that lasts `length` ticks, or up to the last event."""
    last = max(length, *(tick for tick, _ in events))
    return midi(chunk(timed([*events, (last, meta(1, b""))])), ticks=TICKS)
