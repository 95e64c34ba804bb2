"""A piece as it is written in a score: staves, voices, bars, and in each bar notes that exist, tied where need be."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, TypeVar

from lmn_music.music.metre import Bar, Metre
from lmn_music.music.piece import KeySignature, Piece, Tempo
from lmn_music.music.quantising import quantised
from lmn_music.music.rhythm import Rhythm, Span
from lmn_music.music.spelling import Spelled, spell
from lmn_music.music.staves import SILENT, Chord, Clef, divide
from lmn_music.music.tonality import KEY_FRAMES_PER_QUARTER, fifths, find_key

_Change = TypeVar("_Change", Metre, KeySignature)


class Written(NamedTuple):
    """What one note sign says: a note, a chord or a rest.

    Attributes:
        onset: where it begins, in quarter notes from the start of the piece.
        length: in quarter notes: a value of notes, dotted or not, in a triplet or not.
        pitches: its notes, the lowest first; none is a rest.
        tied: for each note, whether it is tied to the next sign of the voice.
    """

    onset: Fraction
    length: Fraction
    pitches: tuple[Spelled, ...]
    tied: tuple[bool, ...]


@dataclass(frozen=True)
class Voice:
    """A voice of a staff.

    Attributes:
        bars: what each bar of the piece holds of it; nothing where the voice has no notes and another one has.
        rests: whether its rests are shown. Those of a voice that comes and goes are not.
    """

    bars: tuple[tuple[Written, ...], ...]
    rests: bool


@dataclass(frozen=True)
class Staff:
    """A staff: its clef, and its voices, the upper one first."""

    clef: Clef
    voices: tuple[Voice, ...]


@dataclass(frozen=True)
class Player:
    """What one player or one choir reads: its staves, the highest first.

    Attributes:
        name: its name; may be empty.
        program: its instrument, as MIDI numbers them from 0.
        staves: one staff, or two.
    """

    name: str
    program: int
    staves: tuple[Staff, ...]


@dataclass(frozen=True)
class Sheet:
    """A written piece.

    Attributes:
        title: its title.
        players: who plays; the first stands at the top.
        bars: the bars. The last one may be short.
        metres: the time signature of each bar.
        keys: the key signature of each bar.
        tempos: the tempos.
    """

    title: str
    players: tuple[Player, ...]
    bars: tuple[Bar, ...]
    metres: tuple[Metre, ...]
    keys: tuple[KeySignature, ...]
    tempos: tuple[Tempo, ...]


def write_out(piece: Piece) -> Sheet:
    """Return a piece as it is written in a score; drums are left out.

    Args:
        piece: the piece.

    Raises:
        ScoreError: there are more than 100,000 bars.
    """
    played = quantised(piece)
    bars = _bars(played)
    metres = _in_force(bars, played.metres, Metre(Fraction(0), 4, 4))
    keys = _in_force(bars, played.key_signatures, _key(played))
    writer = _Writer(bars, metres, keys)
    players = tuple(
        Player(name, program, tuple(Staff(clef, writer.voices(voices, rests=rests)) for clef, voices, rests in staves))
        for name, program, staves in divide(played.parts) or [("", 0, [SILENT])]
    )
    return Sheet(piece.title, players, tuple(bars), metres, keys, piece.tempos)


def _bars(piece: Piece) -> list[Bar]:
    """Return the bars: at least one; after a pickup, the last one may be as much shorter as the pickup is long."""
    bars = piece.bars()
    if not bars:
        quarters = piece.metres[0].quarters if piece.metres else Fraction(4)
        return [Bar(1, Fraction(0), quarters)]
    last = bars[-1]
    if piece.pickup and piece.length == last.end - piece.pickup and last.start < piece.length:
        bars[-1] = last._replace(end=piece.length)
    return bars


def _in_force(bars: Sequence[Bar], changes: Sequence[_Change], default: _Change) -> tuple[_Change, ...]:
    """Return which of the changes holds in each bar. A change within a bar is written at the next one."""
    onsets = [change.onset for change in changes]
    places = [bisect_right(onsets, bar.start) - 1 for bar in bars]
    if bars and places[0] < 0 and changes and changes[0].onset < bars[0].end:
        return tuple(changes[max(place, 0)] for place in places)  # said a little late
    return tuple(changes[place] if place >= 0 else default for place in places)


def _key(piece: Piece) -> KeySignature:
    """Return the key signature of a piece that has none."""
    if not any(0 <= note.pitch - 21 < 88 for part in piece.parts if not part.drums for note in part.notes):
        return KeySignature(Fraction(0), 0, None)
    tonic, mode = find_key(piece.roll(KEY_FRAMES_PER_QUARTER))
    return KeySignature(Fraction(0), fifths(tonic, mode), mode)


class _Writer:
    """Writes voices, given the bars, metres and keys of a piece."""

    def __init__(self, bars: Sequence[Bar], metres: Sequence[Metre], keys: Sequence[KeySignature]) -> None:
        self.bars, self.metres, self.keys = bars, metres, keys
        self.starts = [bar.start for bar in bars]

    def voices(self, voices: Iterable[Sequence[Chord]], *, rests: bool) -> tuple[Voice, ...]:
        """Return the voices of a staff. `rests`: whether all of them show their rests."""
        written = []
        for number, chords in enumerate(voices):
            inside: list[list[Chord]] = [[] for _ in self.bars]
            for chord in chords:
                first = bisect_right(self.starts, chord.onset) - 1
                for place in range(first, len(self.bars)):
                    bar = self.bars[place]
                    if bar.start >= chord.end:
                        break
                    start, end = max(chord.onset, bar.start), min(chord.end, bar.end)
                    tied = chord.pitches if chord.end > bar.end else chord.tied
                    inside[place].append(Chord(start, end, chord.pitches, tied))
            bars = tuple(
                () if number and not rests and not found else self._bar(place, found)
                for place, found in enumerate(inside)
            )
            written.append(Voice(bars, rests or not number))
        return tuple(written)

    def _bar(self, place: int, chords: Sequence[Chord]) -> tuple[Written, ...]:
        bar, metre, key = self.bars[place], self.metres[place], self.keys[place]
        filled: list[Chord] = []
        now = bar.start
        for chord in chords:
            if chord.onset > now:
                filled.append(Chord(now, chord.onset, (), ()))
            filled.append(chord)
            now = chord.end
        if now < bar.end:
            filled.append(Chord(now, bar.end, (), ()))
        if not chords and bar.end - bar.start == metre.quarters:
            return (Written(bar.start, bar.end - bar.start, (), ()),)
        spans: list[Span] = [(chord.onset, chord.end) for chord in filled]
        rhythm = Rhythm(bar, metre, spans)
        return tuple(
            Written(
                start,
                end - start,
                tuple(spell(pitch, key.fifths, key.mode) for pitch in chord.pitches),
                tuple(end < chord.end or pitch in chord.tied for pitch in chord.pitches),
            )
            for chord in filled
            for start, end in rhythm.split(chord.onset, chord.end, rest=not chord.pitches)
        )
