"""A roll in voices: nothing lost, nothing twice, and lines as a composer drew them."""

import warnings
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmn_music.formats import read_piece
from lmn_music.music.melody import is_line, melody_roll
from lmn_music.music.notes import Note
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll
from lmn_music.music.piece import Piece
from lmn_music.music.voices import split_voices
from tests.helpers import make_roll


@st.composite
def rolls(draw: st.DrawFn) -> PianoRoll:
    frames = draw(arrays(bool, (draw(st.integers(0, 20)), KEYS), elements=st.booleans(), fill=st.just(False)))
    return PianoRoll(frames, draw(st.integers(1, 4)))


def chords(*names: tuple[int, ...]) -> PianoRoll:
    """Return a roll of the chords, a quarter each."""
    frames = np.zeros((len(names), KEYS), dtype=bool)
    for frame, pitches in enumerate(names):
        frames[frame, [pitch - LOWEST_PITCH for pitch in pitches]] = True
    return PianoRoll(frames, 1)


def lines(roll: PianoRoll, *names: str) -> list[list[tuple[int, int, int]]]:
    return [[(n.pitch, int(n.onset), int(n.end)) for n in part.notes] for part in split_voices(roll, names)]


@given(rolls(), st.integers(0, 6))
def test_no_note_is_lost_or_doubled(roll: PianoRoll, count: int) -> None:
    parts = split_voices(roll, tuple("ABCDEF"[:count]))
    total = np.zeros(roll.frames.shape, dtype=int)
    for part in parts:
        assert part.notes
        assert is_line(part.notes)
        total += Piece((part,), Fraction(len(roll), roll.frames_per_quarter)).roll(roll.frames_per_quarter).frames
    assert (total == roll.frames).all()


@given(rolls())
def test_a_voice_holds_the_key_that_it_keeps(roll: PianoRoll) -> None:
    for part in split_voices(roll):
        assert all(a.end < b.onset or a.pitch != b.pitch for a, b in pairwise(part.notes))


@given(rolls(), st.integers(1, 5))
def test_the_usual_voices_never_cross(roll: PianoRoll, count: int) -> None:
    names = tuple("ABCDE"[:count])
    length = Fraction(len(roll), roll.frames_per_quarter)
    parts = [part for part in split_voices(roll, names) if part.name in names]
    lines = [Piece((part,), length).roll(roll.frames_per_quarter).frames for part in parts]
    for frame in range(len(roll)):
        keys = [int(line[frame].argmax()) for line in lines if line[frame].any()]
        assert keys == sorted(keys, reverse=True)


def test_the_voice_that_is_nearest_sings() -> None:
    roll = chords((72, 64, 55), (71, 62, 55), (65,), (57,), (70, 54), (72, 64, 55))
    assert lines(roll) == [
        [(72, 0, 1), (71, 1, 2), (70, 4, 5), (72, 5, 6)],
        [(64, 0, 1), (62, 1, 2), (65, 2, 3), (64, 5, 6)],
        [(55, 0, 2), (57, 3, 4), (54, 4, 5), (55, 5, 6)],
    ]


def test_a_key_that_passes_to_another_voice_is_struck_anew() -> None:
    """The upper voice takes the key of the lower one, which moves on: parallel thirds."""
    assert lines(chords((67, 64), (64, 60), (67, 64))) == [
        [(67, 0, 1), (64, 1, 2), (67, 2, 3)],
        [(64, 0, 1), (60, 1, 2), (64, 2, 3)],
    ]


def test_names_and_extra_voices() -> None:
    roll = chords((72, 64, 55, 48), (72, 64, 60, 55, 48), (71, 62, 55, 43))
    parts = split_voices(roll, ("Soprano", "Alto", "Tenor", "Bass"))
    assert [part.name for part in parts] == ["Soprano", "Alto", "Tenor", "Bass", "Voice 5"]
    assert parts[3].notes == (Note(48, Fraction(0), Fraction(2)), Note(43, Fraction(2), Fraction(3)))
    assert len(parts[4].notes) == 1
    assert [part.name for part in split_voices(roll[:1])] == ["Voice 1", "Voice 2", "Voice 3", "Voice 4"]
    assert len(split_voices(make_roll(64))) == 4
    assert split_voices(PianoRoll(np.zeros((4, KEYS)), 1), ("A",)) == ()


@pytest.mark.slow
def test_bachs_voices_are_found_again() -> None:
    """Of the keys of his chorales, quarter by quarter, 98 % are given to the voice that he gave them to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import corpus

        paths = sorted(Path(path) for path in corpus.getComposer("bach", fileExtensions=("mxl",)))
    right = total = 0
    for path in paths[::40]:
        piece = read_piece(path)
        if len(piece.parts) != 4:
            continue
        sung = [melody_roll(part, piece.length, 1) for part in piece.parts]
        song = PianoRoll(np.logical_or.reduce([line.frames for line in sung]), 1)
        found = split_voices(song)
        for part, line in zip(found, sung, strict=False):
            frames = Piece((part,), Fraction(len(song))).roll(1).frames
            right += int((frames & line.frames).sum())
            total += int(frames.sum())
    assert total > 1500
    assert right > 0.97 * total
