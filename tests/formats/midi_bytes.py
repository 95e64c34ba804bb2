"""MIDI files put together byte by byte, as no program writes them that checks what it writes."""

import struct

END = b"\0\xff\x2f\0"
Note = tuple[int, int, int]  # pitch, onset and end in ticks


def number(value: int) -> bytes:
    """Return a number as MIDI files write it: seven bits in a byte, and a mark in all bytes but the last."""
    if value < 0x80:
        return bytes([value])
    *before, last = number(value >> 7)
    return bytes([*before, last | 0x80, value & 0x7F])


def chunk(body: bytes, *, end: bytes = END, length: int | None = None) -> bytes:
    """Return a track; `length` is what the track says of its length, where that is wrong."""
    body += end
    return b"MTrk" + struct.pack(">I", len(body) if length is None else length) + body


def midi(*chunks: bytes, kind: int = 1, said: int | None = None, ticks: int = 480, more: bytes = b"") -> bytes:
    """Return a file; `said` is how many tracks the header says there are, `more` what else is in the header."""
    header = struct.pack(">IHHH", 6 + len(more), kind, len(chunks) if said is None else said, ticks & 0xFFFF)
    return b"MThd" + header + more + b"".join(chunks)


def meta(kind: int, content: bytes) -> bytes:
    """Return a meta event without its time."""
    return bytes([0xFF, kind]) + number(len(content)) + content


def timed(events: list[tuple[int, bytes]]) -> bytes:
    """Return events as the body of a track; each is (tick, message), in the order of time."""
    body, now = b"", 0
    for tick, message in events:
        body += number(tick - now) + message
        now = tick
    return body


def played(notes: list[Note], *, channel: int = 0) -> list[tuple[int, bytes]]:
    """Return the messages of notes; in one tick the note-offs come first."""
    ends = [(end, 0, bytes([0x80 | channel, pitch, 0])) for pitch, _, end in notes]
    starts = [(onset, 1, bytes([0x90 | channel, pitch, 80])) for pitch, onset, _ in notes]
    return [(tick, message) for tick, _, message in sorted(ends + starts)]
