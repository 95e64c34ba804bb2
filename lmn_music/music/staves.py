"""Who plays on which staves: the parts of a piece become players, staves, clefs, and at most two voices on a staff."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from lmn_music.music.hands import split_notes
from lmn_music.music.notes import Note
from lmn_music.music.part import Part

CHOIR_SIZES = range(3, 9)  # so many lines of one instrument stand on two staves, as a choir does
WIDE = 24  # semitones: a part of chords that is wider than two octaves gets two staves
ONE_STAFF = {*range(40, 44), *range(56, 61), *range(64, 80)}  # programs of bowed strings, brass, reeds and flutes
VIOLA = 41  # the program
UNEVEN = 2.5  # semitones, on average, that a line more on one staff than on the other must save
_OCTAVES = (0, 1, -1)
UNUSUAL = 4.0  # semitones beyond the staff, on average, that a clef with an 8 must save


class Clef(NamedTuple):
    """A clef.

    Attributes:
        sign: "G" (treble), "C" (alto) or "F" (bass).
        octaves: how many octaves higher than written the notes sound: the 8 above or below the clef.
    """

    sign: str
    octaves: int = 0


class Chord(NamedTuple):
    """Notes of one voice that begin and end together.

    Attributes:
        onset: in quarter notes from the start of the piece.
        end: in quarter notes from the start of the piece.
        pitches: MIDI numbers, the lowest first.
        tied: those of them that the next chord of the voice continues.
    """

    onset: Fraction
    end: Fraction
    pitches: tuple[int, ...]
    tied: tuple[int, ...] = ()


class Laid(NamedTuple):
    """A staff: its clef, its voices, the upper one first, and whether each of them shows its rests."""

    clef: Clef
    voices: tuple[tuple[Chord, ...], ...]
    rests: bool


SILENT = Laid(Clef("G"), ((),), True)  # a staff of a piece without notes
_INSIDE = {"G": (60, 81), "C": (50, 71), "F": (40, 60)}  # the pitches that need at most one ledger line


def divide(parts: Sequence[Part]) -> list[tuple[str, int, list[Laid]]]:
    """Return the players of a piece: name, program and staves of each.

    Three to eight lines of one instrument are a choir on two staves: soprano and alto, tenor and bass. Two parts of
    one instrument are two hands, on a staff each. Any other part has a player of its own, with two staves if it has
    chords, is wider than two octaves, and is not for an instrument that is written on one: bowed strings, brass and
    winds. A clef has an 8 where the notes lie an octave higher, or lower, than the staff has room for; violas have an
    alto clef. Drums are left out.

    Args:
        parts: the parts of a piece, with times that can be written.
    """
    parts = [part for part in parts if part.notes and not part.drums]
    same = len({part.program for part in parts}) == 1
    if same and len(parts) in CHOIR_SIZES and all(_is_line(part.notes) for part in parts):
        upper, lower = _halves(parts)
        clefs = _pair(upper, lower)
        return [("", parts[0].program, [_staff(half, clef) for half, clef in zip((upper, lower), clefs, strict=True)])]
    if same and len(parts) == 2:
        high, low = sorted(parts, key=lambda part: -_middle(part.notes))
        return [("", parts[0].program, [_staff([part], _clef(part.notes)) for part in (high, low)])]
    return [(part.name, part.program, _player(part)) for part in parts]


def _player(part: Part) -> list[Laid]:
    pitches = [note.pitch for note in part.notes]
    wide = max(pitches) - min(pitches) > WIDE and not _is_line(part.notes)
    if wide and part.program not in ONE_STAFF:
        hands = [Part(tuple(notes)) for notes in split_notes(part.notes) if notes]
        return [_staff([hand], _clef(hand.notes)) for hand in hands]
    return [_staff([part], _clef(part.notes, alto=part.program == VIOLA))]


def _is_line(notes: Sequence[Note]) -> bool:
    """Return whether each note ends before the next one begins."""
    return all(before.end <= note.onset for before, note in pairwise(notes))


def _middle(notes: Sequence[Note]) -> float:
    return float(np.mean([note.pitch for note in notes]))


def _halves(parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Return the lines of the upper and of the lower staff, the highest first.

    They are as many on each staff as can be without many ledger lines: two and two in a choir of four.
    """
    ordered = sorted(parts, key=lambda part: -_middle(part.notes))

    def cost(size: int) -> float:
        upper, lower = ordered[:size], ordered[size:]
        return min(_ledger(upper, lower, octaves) for octaves in _OCTAVES) + UNEVEN * abs(len(upper) - len(lower))

    size = min(range(1, len(ordered)), key=cost)
    return ordered[:size], ordered[size:]


def _beyond(notes: Iterable[Note], clef: Clef) -> float:
    """Return by how many semitones, on average over time, the notes lie beyond what the staff has room for."""
    low, high = (pitch + 12 * clef.octaves for pitch in _INSIDE[clef.sign])
    beyond, lengths = zip(
        *((max(low - note.pitch, note.pitch - high, 0), float(note.end - note.onset)) for note in notes), strict=True
    )
    return float(np.average(beyond, weights=lengths))


def _clef(notes: Sequence[Note], *, alto: bool = False) -> Clef:
    """Return the clef that needs the fewest ledger lines; one with an 8 must save many. `alto`: of alto and treble."""
    choices = [Clef("C"), Clef("G")] if alto else [Clef("G"), Clef("F"), Clef("G", 1), Clef("F", -1)]
    return min(choices, key=lambda clef: _beyond(notes, clef) + UNUSUAL * (clef.octaves != 0))


def _pair(upper: Sequence[Part], lower: Sequence[Part]) -> tuple[Clef, Clef]:
    """Return the clefs of a choir: treble and bass, both with an 8 if it sings an octave higher or lower."""
    octaves = min(_OCTAVES, key=lambda octaves: _ledger(upper, lower, octaves))
    return Clef("G", octaves), Clef("F", octaves)


def _ledger(upper: Sequence[Part], lower: Sequence[Part], octaves: int) -> float:
    """Return what the clefs of a choir cost, in semitones beyond the staves. `octaves`: of the 8 at both clefs."""
    high, low = ([note for part in half for note in part.notes] for half in (upper, lower))
    return _beyond(high, Clef("G", octaves)) + _beyond(low, Clef("F", octaves)) + UNUSUAL * abs(octaves)


def _staff(parts: Sequence[Part], clef: Clef) -> Laid:
    """Return a staff: two lines as its two voices, anything else in as many voices as it needs."""
    if len(parts) <= 2 and all(_is_line(part.notes) for part in parts):
        return Laid(clef, tuple(tuple(_chords(part.notes)) for part in parts), True)
    return Laid(clef, _voices([note for part in parts for note in part.notes]), False)


def _chords(notes: Iterable[Note]) -> list[Chord]:
    """Return the notes that begin and end together as chords, in the order of time, the highest first."""
    together: dict[tuple[Fraction, Fraction], set[int]] = defaultdict(set)
    for note in notes:
        together[note.onset, note.end].add(note.pitch)
    chords = [Chord(onset, end, tuple(sorted(pitches))) for (onset, end), pitches in together.items()]
    return sorted(chords, key=lambda chord: (chord.onset, -chord.pitches[-1], chord.end))


def _voices(notes: Iterable[Note]) -> tuple[tuple[Chord, ...], ...]:
    """Return the notes in one voice, or in two, the higher ones in the first.

    Where two voices do not hold them as they are, the first has the chords that no other one lies above, and in the
    second the others are cut where any of them begins or ends, and tied.
    """
    voices: tuple[list[Chord], list[Chord]] = ([], [])
    for cluster in _clusters(_chords(notes)):
        for voice, chords in zip(voices, _two(cluster) or _top_and_rest(cluster), strict=True):
            voice += chords
    return tuple(tuple(voice) for voice in voices if voice)


def _clusters(chords: Sequence[Chord]) -> Iterator[list[Chord]]:
    """Yield the chords in groups that do not sound together with each other, in the order of time."""
    cluster: list[Chord] = []
    end = Fraction(0)
    for chord in chords:
        if cluster and chord.onset >= end:
            yield cluster
            cluster = []
        cluster.append(chord)
        end = max(end, chord.end)
    if cluster:
        yield cluster


def _two(chords: Sequence[Chord]) -> tuple[list[Chord], list[Chord]] | None:
    """Return the chords of a cluster in two voices of which the first is higher; None if two are not enough."""
    voices: tuple[list[Chord], list[Chord]] = ([], [])
    for chord in chords:
        free = next((voice for voice in voices if not voice or voice[-1].end <= chord.onset), None)
        if free is None:
            return None
        free.append(chord)
    first, second = voices
    if second and np.mean([chord.pitches[-1] for chord in first]) < np.mean([chord.pitches[-1] for chord in second]):
        return second, first
    return first, second


def _top_and_rest(chords: Sequence[Chord]) -> tuple[list[Chord], list[Chord]]:
    """Return the chords that no other one lies above as one voice, and all others as a second one, cut and tied."""
    highest: list[int] = []  # of the others that sound together with each chord
    for place, chord in enumerate(chords):
        highest.append(0)
        for other in range(place):
            if chords[other].end > chord.onset:
                highest[place] = max(highest[place], chords[other].pitches[-1])
                highest[other] = max(highest[other], chord.pitches[-1])
    above = [chord.pitches[-1] > other for chord, other in zip(chords, highest, strict=True)]
    top = [chord for chord, first in zip(chords, above, strict=True) if first]
    rest = [chord for chord, first in zip(chords, above, strict=True) if not first]
    times = sorted({time for chord in rest for time in (chord.onset, chord.end)})
    cut: list[Chord] = []
    for start, end in pairwise(times):
        sounding = [chord for chord in rest if chord.onset <= start < chord.end]
        pitches = {pitch for chord in sounding for pitch in chord.pitches}
        lasting = {pitch for chord in sounding if chord.end > end for pitch in chord.pitches}
        if pitches:
            cut.append(Chord(start, end, tuple(sorted(pitches)), tuple(sorted(lasting))))
    return top, cut
