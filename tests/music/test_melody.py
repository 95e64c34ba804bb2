"""The tune of a piece, and what of it sounds in the frames of a roll."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmn_music.errors import ScoreError
from lmn_music.music.melody import find_melody, is_line, melody_roll, top_line, without_melody
from lmn_music.music.notes import MAX_FRAMES, Note
from lmn_music.music.part import Part
from lmn_music.music.pianoroll import LOWEST_PITCH, PianoRoll
from lmn_music.music.piece import Piece
from tests.helpers import make_roll
from tests.music.helpers import pieces


def line(*notes: tuple[int, float | str, float | str]) -> tuple[Note, ...]:
    return tuple(Note(pitch, Fraction(onset), Fraction(end)) for pitch, onset, end in notes)


def test_a_part_that_joins_late_is_not_the_tune() -> None:
    """As the soprano of a choir that sings the refrain after a solo voice."""
    solo = Part(line((72, 0, 4), (74, 4, 8), (71, 8, 12)), "Solo Voice")
    late = Part(line((79, 8, 12)), "Soprano")
    assert find_melody(Piece((solo, late))) is solo


def test_singers_who_take_turns_sing_one_tune() -> None:
    """A verse of a solo voice, and a refrain of a choir; the piano is no part of it."""
    solo, choir = Part(line((67, 4, 8), (71, 8, 12)), "Solo Voice"), Part(line((72, 12, 16), (69, 16, 21)), "Soprano")
    alto, piano = Part(line((64, 12, 21)), "Alto"), Part(line((84, 0, 21)), "Piano")
    found = find_melody(Piece((piano, solo, choir, alto)))
    assert found.notes == solo.notes + choir.notes
    assert found.name == "Melody"


def heard(roll: PianoRoll) -> list[int | None]:
    """Return the pitch of each frame, or None."""
    assert (roll.frames.sum(axis=1) <= 1).all()
    return [int(frame.argmax()) + LOWEST_PITCH if frame.any() else None for frame in roll.frames]


TUNE = line((72, 0, 1), (74, 1, "3/2"), (72, 2, 4))
BASS = line((48, 0, 2), (52, 2, 4))
DRUMS = Part(line((90, 0, 4)), "Melody", drums=True)


def test_the_only_part_is_the_tune_exactly() -> None:
    """An ornament, and a note held a little into the next one, stay as they are."""
    legato = line((72, 0, "17/16"), (74, 1, "9/8"), (72, "9/8", 2), (71, 2, 2))
    tune = Part(legato, "Flute", program=73, channel=5)
    assert find_melody(Piece((tune, DRUMS))) is tune


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("Bass", "Melody"), 1),
        (("Soprano", "Alto"), 0),
        (("Piano", "Lead Guitar"), 1),
        (("Voice", "Soprano"), 1),  # the clearer name
        (("Gesang", "Klavier"), 0),
        (("Vocals", "Melodie"), 1),
        (("Voice 1", "Voice 2"), 1),  # the higher one
        (("Bairn", "Leader"), None),  # neither "air" nor "lead"
    ],
)
def test_the_part_that_is_named_so(names: tuple[str, str], expected: int | None) -> None:
    parts = (Part(BASS, names[0]), Part(TUNE, names[1]))
    found = find_melody(Piece((*parts, DRUMS)))
    if expected is None:
        assert (found.name, found.notes) == ("Melody", TUNE)  # the top line
    else:
        assert found is parts[expected]


def test_chords_have_a_top_line() -> None:
    chords = Part(tuple(sorted((*TUNE, *BASS), key=lambda note: note.onset)), "Piano", program=1)
    found = find_melody(Piece((chords,)))
    assert found.notes == TUNE
    assert found.program == 1


def test_nothing_but_drums_has_no_tune() -> None:
    with pytest.raises(ScoreError) as caught:
        find_melody(Piece((DRUMS,)))
    assert caught.value.reason == "no notes"


def test_top_line() -> None:
    notes = line((60, 0, 1), (64, 0, 2), (62, 1, 2), (70, "3/2", 3), (50, 3, 4), (65, 3, 4))
    assert top_line(notes) == line((64, 0, "3/2"), (70, "3/2", 3), (65, 3, 4))


@given(pieces())
def test_a_top_line_is_a_line_of_notes_that_are_there(music: Piece) -> None:
    notes = sorted((note for part in music.parts for note in part.notes), key=lambda note: (note.onset, note.pitch))
    found = top_line(notes)
    assert is_line(found)
    assert found[0].onset == notes[0].onset
    there = {(note.pitch, note.onset) for note in notes}
    for note in found:
        assert (note.pitch, note.onset) in there
        assert note.pitch == max(other.pitch for other in notes if other.onset == note.onset)
    assert top_line(found) == found


@pytest.mark.parametrize(
    ("notes", "frames_per_quarter", "expected"),
    [
        (line((60, 0, 1), (62, 1, 3)), 1, [60, 62, 62, None]),
        (line((60, 0, "1/2"), (62, "1/2", 1), (64, 1, 4)), 1, [60, 64, 64, 64]),  # eighths on the way
        (line((60, 0, "1/16"), (62, "1/16", 4)), 1, [62, 62, 62, 62]),  # a grace note on the beat
        (line((60, "1/16", 1), (62, "17/16", 2)), 1, [60, 62, None, None]),  # struck late
        (line((60, "1/2", 1), (62, "3/2", 4)), 1, [None, None, 62, 62]),  # syncopes
        (line((60, "1/2", 1), (62, "3/2", 4)), 2, [None, 60, None, 62, 62, 62, 62, 62]),
        (line((60, 0, "9/8"), (62, 1, 2)), 1, [60, 62, None, None]),  # legato
        (line((60, 0, 1), (5, 1, 2), (110, 2, 4)), 1, [60, None, None, None]),  # off the keyboard
        (line((60, 0, "1/3"), (62, "1/3", "2/3"), (64, "2/3", 1)), 3, [60, 62, 64] + [None] * 9),
        ((), 1, [None] * 4),
    ],
)
def test_a_melody_in_frames(notes: tuple[Note, ...], frames_per_quarter: int, expected: list[int | None]) -> None:
    roll = melody_roll(Part(notes, "Tune"), Fraction(4), frames_per_quarter)
    assert heard(roll) == expected
    assert roll.title == "Tune"


@given(st.integers(1, 12), pieces())
def test_a_frame_has_a_note_of_the_line_at_its_start(frames_per_quarter: int, music: Piece) -> None:
    tune = Part(top_line([note for part in music.parts for note in part.notes][:1]))
    roll = melody_roll(tune, music.length, frames_per_quarter)
    (note,) = tune.notes
    for frame, pitch in enumerate(heard(roll)):
        place = Fraction(8 * frame + 1, 8 * frames_per_quarter)
        assert pitch == (note.pitch if note.onset <= place < note.end else None)


def test_a_line_on_the_grid_is_its_roll() -> None:
    """Where the frames are fine enough, the melody's frames are those that a reader makes of the file."""
    piece = Piece((Part(TUNE),))
    assert melody_roll(piece.parts[0], piece.length, 2) == piece.roll(2)
    with pytest.raises(ScoreError):
        melody_roll(piece.parts[0], Fraction(MAX_FRAMES + 1), 1)


def test_the_voices_without_the_melody() -> None:
    song = make_roll(20)
    top = np.zeros_like(song.frames)
    top[np.arange(10), [np.flatnonzero(frame)[-1] for frame in song.frames[:10]]] = True
    rest = without_melody(song, PianoRoll(top[:10], 1))
    assert (rest.frames | top == song.frames).all()
    assert not (rest.frames & top).any()
    assert without_melody(song[:4], song).notes == 0
