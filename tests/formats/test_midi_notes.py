"""Which note-off ends which note of a MIDI file."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmn_music.formats.midi import read_midi
from tests.formats.midi_bytes import Note, chunk, midi, number, played, timed
from tests.formats.midi_cases import KEYS, LENGTH, OFF, ON, SILENCE, TICKS, lasting, of_one_key


def notes(events: list[tuple[int, bytes]], *, length: int = 0) -> list[Note]:
    """Read the notes of one channel."""
    (part,) = read_midi(of_one_key(events, length), "song").parts
    return [(note.pitch, int(note.onset * TICKS), int(note.end * TICKS)) for note in part.notes]


@pytest.mark.parametrize(("events", "expected"), KEYS.values(), ids=KEYS)
def test_which_note_a_note_off_ends(events: list[tuple[int, bytes]], expected: list[Note]) -> None:
    silent = [(tick, ON[:2] + b"\0" if message == OFF else message) for tick, message in events]
    assert notes(events, length=LENGTH) == expected
    assert notes(silent, length=LENGTH) == expected  # a note-on of velocity 0 is a note-off


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
