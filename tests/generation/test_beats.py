"""Frames fall on the beats: 6/8, and pickups that are no whole number of frames."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmn_music.generation.beats import Clock
from lmn_music.generation.continuing import continue_piece
from lmn_music.generation.harmonising import harmonise
from lmn_music.generation.rewriting import rewrite
from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.piece import Piece, Tempo
from tests.generation.helpers import checkpoint
from tests.music.helpers import pieces

EIGHTH = Fraction(1, 2)


def jig(pickup=EIGHTH):
    """A jig of four bars: running eighths after a pickup."""
    notes = [Note(67, Fraction(0), pickup)] if pickup else []
    notes += [Note(67 + step % 5, pickup + step * EIGHTH, pickup + (step + 1) * EIGHTH) for step in range(24)]
    return Piece(
        (Part(tuple(notes), "Fiddle"),),
        tempos=(Tempo(Fraction(0), 120.0),),
        metres=(Metre(Fraction(0), 6, 8),),
        pickup=pickup,
    )


@pytest.mark.parametrize(
    ("metres", "pickup", "frames_per_quarter", "unit", "silence"),
    [
        ([(6, 8)], 0, 1, Fraction(2, 3), 0),  # a beat of a quarter and a half is one frame
        ([(6, 8)], 0, 2, 1, 0),  # is three frames as it is
        ([(6, 8)], EIGHTH, 1, Fraction(2, 3), Fraction(2, 3)),  # a third of a frame, filled up to one
        ([(12, 8), (9, 8)], 0, 1, Fraction(2, 3), 0),
        ([(6, 8), (2, 4)], 0, 1, 1, 0),  # beats of both kinds: as they are
        ([(3, 4)], 0, 1, 1, 0),
        ([(6, 4)], 0, 1, 1, 0),
        ([(4, 4)], EIGHTH, 1, 1, EIGHTH),
        ([(4, 4)], EIGHTH, 2, 1, 0),
        ([(4, 4)], 1, 1, 1, 0),
        ([], 0, 1, 1, 0),
    ],
)
def test_the_clock(metres, pickup, frames_per_quarter, unit, silence):
    changes = tuple(Metre(Fraction(6 * place), *metre) for place, metre in enumerate(metres))
    piece = Piece(jig(0).parts, metres=changes, pickup=Fraction(pickup))
    assert Clock.of(piece, frames_per_quarter) == Clock(Fraction(unit), Fraction(silence))


@given(pieces(), st.sampled_from([1, 2]))
def test_full_bars_begin_with_frames_and_there_are_as_many(piece, frames_per_quarter):
    read = Clock.of(piece, frames_per_quarter).read(piece)
    assert [bar.number for bar in read.bars()] == [bar.number for bar in piece.bars()]
    if len(piece.metres) == 1:
        first = next((bar for bar in read.bars() if bar.number == 1), None)
        assert first is None or (first.start * frames_per_quarter).denominator == 1


@pytest.mark.parametrize("pickup", [Fraction(0), EIGHTH, Fraction(1)])
def test_other_voices_change_on_the_beats_of_a_jig(pickup):
    tune = jig(pickup)
    song = harmonise(checkpoint(frames_per_quarter=1), tune, seed=1, particles=4)
    assert song.parts[0].notes == tune.parts[0].notes
    assert (song.metres, song.pickup, song.tempos) == (tune.metres, tune.pickup, tune.tempos)
    beats = {pickup + beat * 3 * EIGHTH for beat in range(-1, 9)}
    onsets = {note.onset for part in song.parts[1:] for note in part.notes}
    assert onsets <= beats | {Fraction(0)}
    assert len(onsets) > 2


def test_a_jig_is_continued_and_rewritten_to_the_tick():
    tune = jig()
    more = continue_piece(checkpoint(frames_per_quarter=1), tune, seed=1, bars=2)
    assert more.parts[0].notes[: len(tune.parts[0].notes)] == tune.parts[0].notes
    assert more.new[1] == EIGHTH + 6 * 3
    assert [float(bar.start) for bar in more.bars()][-2:] == [12.5, 15.5]
    other = rewrite(checkpoint(frames_per_quarter=1), tune, 2, 3, seed=1)
    assert other.new == (Fraction(7, 2), Fraction(19, 2))
    kept = [note for note in tune.parts[0].notes if not other.new[0] <= note.onset < other.new[1]]
    assert set(kept) <= set(other.parts[0].notes)


def test_what_is_watched_is_in_the_time_of_the_tune():
    seen = []
    harmonise(checkpoint(frames_per_quarter=1), jig(), seed=1, particles=4, watch=lambda *frame: seen.append(frame[:2]))
    assert seen[0] == (0, EIGHTH)
    assert seen[1] == (EIGHTH, EIGHTH + 3 * EIGHTH)
    assert np.all(np.diff([float(start) for start, _ in seen]) > 0)
