"""Which note-off ends which note of a MIDI file."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmn_music.formats.midi import read_midi
from tests.formats.midi_bytes import Note, chunk, meta, midi, number, played, timed

TICKS = 4  # in a quarter, so that a frame is a tick at four frames per quarter

ON, OFF = bytes([0x90, 60, 80]), bytes([0x80, 60, 0])
SILENCE = {"all notes off": b"\xb0\x7b\0", "all sound off": b"\xb0\x78\0"}


def notes(events: list[tuple[int, bytes]], *, length: int = 0) -> list[Note]:
    """Read the notes of a track of one channel that lasts `length` ticks, or up to its last event."""
    last = max(length, *(tick for tick, _ in events))
    body = timed([*events, (last, meta(1, b""))])
    (part,) = read_midi(midi(chunk(body), ticks=TICKS), "song").parts
    return [(note.pitch, int(note.onset * TICKS), int(note.end * TICKS)) for note in part.notes]


def lasting(*spans: tuple[int, int]) -> list[Note]:
    return [(60, onset, end) for onset, end in spans]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # two notes on one key that overlap: the first note-off ends the first one
        ([(0, ON), (2, ON), (4, OFF), (8, OFF)], lasting((0, 4), (2, 8))),
        ([(0, ON), (0, ON), (4, OFF), (4, OFF)], lasting((0, 4), (0, 4))),
        ([(0, ON), (3, ON), (4, OFF), (7, ON), (8, OFF), (12, OFF)], lasting((0, 4), (3, 8), (7, 12))),
        # struck anew in the tick of the note-off, which comes too late in the file
        ([(0, ON), (4, ON), (4, OFF), (8, OFF)], lasting((0, 4), (4, 8))),
        # no length, in either order
        ([(4, ON), (4, OFF)], lasting((4, 4))),
        ([(4, OFF), (4, ON), (9, b"\xb0\x07\x40")], lasting((4, 4))),
        ([(0, OFF), (0, ON), (4, ON), (8, OFF)], lasting((0, 0), (4, 8))),
        # fewer note-offs than notes: each ends all
        ([(0, ON), (2, ON), (4, OFF)], lasting((0, 4), (2, 4))),
        ([(0, ON), (2, ON), (4, OFF), (6, ON), (8, OFF)], lasting((0, 4), (2, 4), (6, 8))),
        ([(0, ON), (4, ON), (4, OFF)], lasting((0, 4), (4, 20))),
        # a note-off of nothing between the notes: they do not match one by one, or a long drone could follow
        ([(0, ON), (2, ON), (4, OFF), (8, OFF), (9, OFF), (10, ON), (12, OFF)], lasting((0, 4), (2, 4), (10, 12))),
        # but not before the first and after the last
        ([(0, OFF), (1, ON), (2, ON), (4, OFF), (8, OFF), (9, OFF)], lasting((1, 4), (2, 8))),
        # never let go
        ([(0, ON), (4, OFF), (6, ON)], lasting((0, 4), (6, 20))),
    ],
)
def test_which_note_a_note_off_ends(events: list[tuple[int, bytes]], expected: list[Note]) -> None:
    silent = [(tick, ON[:2] + b"\0" if message == OFF else message) for tick, message in events]
    assert notes(events, length=20) == expected
    assert notes(silent, length=20) == expected  # a note-on of velocity 0 is a note-off


@pytest.mark.parametrize("silence", SILENCE.values(), ids=SILENCE)
def test_silence_ends_what_sounds_on_its_channel(silence: bytes) -> None:
    other = played([(72, 0, 12)], channel=1)
    body = timed(sorted([(0, ON), (2, ON), (4, silence), (6, OFF), (8, ON), (10, OFF), *other], key=lambda e: e[0]))
    piece = read_midi(midi(chunk(body), chunk(timed(played([(60, 0, 9)]))), ticks=1), "song")
    assert [[(note.pitch, note.onset, note.end) for note in part.notes] for part in piece.parts] == [
        lasting((0, 4), (2, 4), (8, 10)),
        [(72, 0, 12)],
        lasting((0, 9)),  # the same channel on another track
    ]


@st.composite
def overlapping(draw: st.DrawFn) -> list[Note]:
    """Draw notes of a few keys, which overlap as they like."""
    notes = st.tuples(st.integers(58, 61), st.integers(0, 40), st.integers(1, 12))
    return [(pitch, onset, onset + length) for pitch, onset, length in draw(st.lists(notes, min_size=1, max_size=30))]


@given(overlapping())
@settings(max_examples=300)
def test_the_roll_sounds_where_any_note_sounds(struck: list[Note]) -> None:
    expected = np.zeros((max(end for _, _, end in struck), 88), dtype=bool)
    for pitch, onset, end in struck:
        expected[onset:end, pitch - 21] = True
    roll = read_midi(midi(chunk(timed(played(struck))), ticks=TICKS), "song").roll(TICKS)
    assert np.array_equal(roll.frames, expected)


@given(overlapping())
@settings(max_examples=200)
def test_notes_that_end_in_the_order_in_which_they_begin_are_read_as_they_are(struck: list[Note]) -> None:
    queued = []
    for pitch in {pitch for pitch, _, _ in struck}:
        onsets = sorted(onset for key, onset, _ in struck if key == pitch)
        ends = sorted(end for key, _, end in struck if key == pitch)
        queued += [(pitch, onset, end) for onset, end in zip(onsets, ends, strict=True)]
    assert sorted(notes(played(struck))) == sorted(queued)


@given(overlapping(), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_a_lost_note_off_makes_no_other_key_sound_elsewhere(struck: list[Note], chance: Random) -> None:
    events = played(struck)
    lost = chance.choice([place for place, (_, message) in enumerate(events) if message[0] == 0x80])
    pitch = events[lost][1][1]
    whole, without = (notes(each, length=60) for each in (events, [*events[:lost], *events[lost + 1 :]]))
    assert [note for note in whole if note[0] != pitch] == [note for note in without if note[0] != pitch]
    assert [note[:2] for note in whole] == [note[:2] for note in without]  # every note is still there


def test_a_lost_note_off_does_not_lengthen_the_notes_after_it() -> None:
    """Were the note-offs still given to the notes one by one, each note would sound up to the end of the next."""
    struck = [(60, 8 * place, 8 * place + 2) for place in range(10)]
    events = played(struck)
    del events[3]  # the note-off of the second note
    assert notes(events) == [(60, 0, 2), (60, 8, 18), *struck[2:]]


def test_the_number_of_a_long_pause() -> None:
    """Times of one to four bytes."""
    for pause in (0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 2**28 - 1):
        body = number(pause) + ON + number(1) + OFF
        (part,) = read_midi(midi(chunk(body), ticks=1), "song").parts
        assert part.notes[0].onset == pause
