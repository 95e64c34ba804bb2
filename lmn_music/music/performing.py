"""A piano-roll as musicians would play and write it: parts, tempo, bars, key, and how hard each note is struck."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from lmn_music.music.accents import accented
from lmn_music.music.hands import split_hands
from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.music.piece import KeySignature, Piece, Tempo
from lmn_music.music.tonality import fifths, find_key
from lmn_music.music.voices import split_voices

CHOIR = ("Soprano", "Alto", "Tenor", "Bass")
MOSTLY = 0.9  # of the frames that sound
APART = 9  # semitones between the lowest and the third of four keys: a triad played by one hand is closer


def perform(roll: PianoRoll, *, tempo: float, repeat_notes: bool = False) -> Piece:
    """Return a roll as a piece: exactly as long, and with the same roll.

    Its parts are the four voices of a choir if the song is written like one (see `is_choir`), one melody if no two
    keys ever sound together, else the two hands of a pianist. Its metre is 4/4, its key the one that `find_key` finds,
    and its velocities are those of `accented`.

    Args:
        roll: the song.
        tempo: quarter notes per minute.
        repeat_notes: whether a key that sounds in consecutive frames is struck anew in each of them. Otherwise it is
            one held note; where it passes from one voice to another, the other voice strikes it anew.
    """
    start = Fraction(0)
    parts = _parts(roll)
    if repeat_notes:
        parts = tuple(_repeated(part, Fraction(1, roll.frames_per_quarter)) for part in parts)
    piece = Piece(
        parts,
        Fraction(len(roll), roll.frames_per_quarter),
        (Tempo(start, tempo),),
        (Metre(start, 4, 4),),
        (_signature(roll),) if parts else (),
        title=roll.title,
    )
    return accented(piece)


def is_choir(frames: npt.NDArray[np.bool_]) -> bool:
    """Return whether a song is written for four voices.

    Three or four keys sound in nine of ten frames that are not silent, and where there are four, the three lower ones
    lie further apart than the chords that one hand plays.

    Args:
        frames: bool (time, 88).
    """
    sizes = frames.sum(axis=1)
    sounding = sizes[sizes > 0]
    if not len(sounding) or np.isin(sounding, (3, 4)).mean() < MOSTLY or not (sizes == 4).any():
        return False
    keys = np.nonzero(frames[sizes == 4])[1].reshape(-1, 4)
    return bool((keys[:, 2] - keys[:, 0]).mean() > APART)


def _parts(roll: PianoRoll) -> tuple[Part, ...]:
    if roll.frames.sum(axis=1).max(initial=0) <= 1:
        return tuple(replace(part, name="Melody") for part in Piece.from_roll(roll).parts)
    return split_voices(roll, CHOIR) if is_choir(roll.frames) else split_hands(roll)


def _repeated(part: Part, frame: Fraction) -> Part:
    """Return the part with each note struck anew in every frame."""
    notes = [
        Note(note.pitch, note.onset + number * frame, note.onset + (number + 1) * frame)
        for note in part.notes
        for number in range(int((note.end - note.onset) / frame))
    ]
    return replace(part, notes=tuple(sorted(notes, key=lambda note: (note.onset, note.pitch))))


def _signature(roll: PianoRoll) -> KeySignature:
    tonic, mode = find_key(roll)
    return KeySignature(Fraction(0), fifths(tonic, mode), mode)
