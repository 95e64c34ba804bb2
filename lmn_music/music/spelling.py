"""Which letter and which accidental a pitch is written with, in a key."""

from __future__ import annotations

from typing import NamedTuple

LETTERS = "FCGDAEB"  # along the line of fifths
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
# The least sharp of the twelve names that a key uses, from its key signature, along the line of fifths. Major has the
# lowered third and seventh, and the raised first, fourth and fifth; minor the raised third, fourth, sixth and seventh
# and the lowered second.
_FLATTEST = {"major": -3, "minor": -2}


class Spelled(NamedTuple):
    """A pitch as it is written.

    Attributes:
        letter: from A to G.
        alter: by how many semitones its accidental raises it; negative for flats.
        octave: 4 from middle C to the B above; the accidental does not count.
    """

    letter: str
    alter: int
    octave: int


def spell(pitch: int, fifths: int = 0, mode: str | None = None) -> Spelled:
    """Return how a pitch is written in a key.

    Each of the twelve pitch classes has one name in a key: the names of the scale, and of the five others those that
    music in this mode uses most.

    Args:
        pitch: the MIDI number; 60 is middle C.
        fifths: the key signature, as its number of sharps, or of flats if negative.
        mode: "major" or "minor"; of neither, as in major.

    Example:
        >>> spell(61), spell(61, fifths=-4).letter, spell(68, mode="minor").letter, spell(59, fifths=7)
        (Spelled(letter='C', alter=1, octave=4), 'D', 'G', Spelled(letter='B', alter=0, octave=3))
    """
    flattest = fifths + _FLATTEST.get(mode or "major", -3)
    place = flattest + (7 * pitch - flattest) % 12  # on the line of fifths: F is -1, C is 0, G is 1
    letter, alter = LETTERS[(place + 1) % 7], (place + 1) // 7
    return Spelled(letter, alter, (pitch - alter - _SEMITONES[letter]) // 12 - 1)


def altered(letter: str, fifths: int) -> int:
    """Return what a key signature does to a letter: 1 for a sharp, -1 for a flat, 0 for neither.

    Args:
        letter: from A to G.
        fifths: the key signature, as its number of sharps, or of flats if negative.

    Example:
        >>> altered("F", 1), altered("B", -2), altered("C", 1)
        (1, -1, 0)
    """
    return (fifths - LETTERS.index(letter) + 6) // 7
