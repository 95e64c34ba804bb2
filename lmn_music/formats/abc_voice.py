"""A voice of an ABC tune: what is written of it goes into bars, one sound after the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from lmn_music.formats.repeats import MOST_TIMES
from lmn_music.formats.written_score import TICKS, Extent, Voice, WrittenBar, WrittenNote, WrittenScore

_WHOLE = 4 * TICKS
_MOST = 4000 * TICKS  # a bar that is longer is damage
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

Place = tuple[str, int]  # the letter of a note in capitals, and its octave


class Tone(NamedTuple):
    """A note of a sound.

    Attributes:
        place: its letter and octave.
        pitch: its MIDI number, as it sounds.
        length: in ticks.
        tied: whether it continues the note before it.
    """

    place: Place
    pitch: int
    length: Fraction
    tied: bool


@dataclass
class Sound:
    """A note, a chord, or a rest. It waits, as a sign behind it may change its length or lead a tie on from it."""

    length: Fraction
    tones: list[Tone] = field(default_factory=list)
    ties: set[Place] = field(default_factory=set)
    factor: Fraction = Fraction(1)  # what it lasts by what is written


@dataclass
class AbcVoice:
    """A voice, and where in it the music is.

    Attributes:
        score: where its bars are.
        part: its number.
        name: what it is called.
        program: its instrument.
        semitones: how far from what is written it sounds.
        unit: the unit of length in whole notes; None if it follows from the metre.
        metre: the time signature, if there is one.
        altered: what the key signature alters, by letter.
        propagation: how far an accidental holds: "pitch", "octave" or "not".
        ending: the passes in which the bar is played.
        tuplet: what each of the next notes lasts by what is written, and how many notes.
        dotted: what the next sound lasts by what is written.
    """

    score: WrittenScore
    part: int
    name: str = ""
    program: int = 0
    semitones: int = 0
    unit: Fraction | None = None
    metre: tuple[int, int] | None = None
    altered: dict[str, int] = field(default_factory=dict)
    propagation: str = "pitch"
    ending: frozenset[int] = frozenset()
    tuplet: tuple[Fraction, int] = (Fraction(1), 0)
    dotted: Fraction = Fraction(1)
    _place: int = 0
    _now: int = 0  # in ticks from the start of the bar
    _filled: int = 0
    _notes: int = 0  # how far the bar is filled with notes
    _layer: int = 0  # how many overlays lie above, in this bar
    _accidentals: dict[Place | str, int] = field(default_factory=dict)
    _held: dict[Place, int] = field(default_factory=dict)  # notes from which a tie leads on -> their pitches
    _sound: Sound | None = None
    _layers: dict[int, int] = field(default_factory=dict)  # layer -> the place of its voice in the score

    def another(self, part: int, name: str, semitones: int) -> AbcVoice:
        """Return a new voice that begins as this one does, but sounds `semitones` higher."""
        return AbcVoice(
            self.score,
            part,
            name,
            self.program,
            self.semitones + semitones,
            self.unit,
            self.metre,
            dict(self.altered),
            self.propagation,
        )

    @property
    def bar(self) -> WrittenBar:
        """The bar in which the music is."""
        return self.score.bar(self._place)

    @property
    def now(self) -> int:
        """Where in the bar the music is, in ticks."""
        return self._now

    @property
    def full(self) -> Fraction:
        """The length of a full bar in whole notes."""
        return Fraction(*self.metre) if self.metre else Fraction(1)

    def set_metre(self, metre: tuple[int, int] | None) -> None:
        """Let a time signature hold from the next bar on, or from this one if nothing is in it yet."""
        self.metre = metre
        if metre is not None:
            self.score.bar(self._place + bool(self._filled)).metre = metre

    def read_midi(self, words: Sequence[str]) -> None:
        """Read what a directive for players says: an instrument, or how many semitones higher the music sounds."""
        number = int(words[-1]) if words and re.fullmatch(r"[+-]?[0-9]{1,3}", words[-1]) else None
        if words[:1] == ["program"] and number is not None and 0 <= number <= 127:
            self.program = number
        elif words[:1] == ["transpose"] and number is not None:
            self.semitones = number

    def begin_tuplet(self, notes: int, time: int, sounds: int) -> None:
        """Let the next sounds be shorter or longer: so many notes in the time of so many, where 0 is what is usual."""
        compound = self.metre is not None and self.metre[0] % 3 == 0 and self.metre[0] > 3
        usual = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(notes, 3 if compound else 2)
        self.flush()
        self.tuplet = Fraction(time or usual, notes), sounds or notes

    def whole(self) -> Fraction:
        """Return the unit of length in whole notes."""
        return self.unit or Fraction(1, 8 if self.full >= Fraction(3, 4) else 16)

    def length(self, top: str, slashes: str, bottom: str) -> Fraction:
        """Return the length that is written as in 3, 3/2, / or //, in units."""
        divided = int(bottom) if slashes and bottom else 2 ** len(slashes)
        return Fraction(int(top or 1), divided or 1)

    def pitch(self, letter: str, octave: int, accidental: int | None) -> tuple[int, bool]:
        """Return the MIDI number of a note, and whether a tie leads to it.

        Args:
            letter: a capital.
            octave: as MIDI counts it, 5 from middle C.
            accidental: what is written, in semitones; None if nothing is.
        """
        place = letter, octave
        known: Place | str = letter if self.propagation == "pitch" else place
        if accidental is not None and self.propagation != "not":
            self._accidentals[known] = accidental
        if accidental is None and place in self._held:
            return self._held[place], True
        if accidental is None:
            accidental = self._accidentals.get(known, self.altered.get(letter, 0))
        pitch = 12 * octave + _LETTERS[letter] + accidental + self.semitones
        return pitch, self._held.get(place) == pitch

    def put(self, sound: Sound) -> None:
        """Put a sound behind the one before."""
        self.flush()
        factor, left = self.tuplet
        sound.factor = self.dotted * (factor if left else 1)
        self.tuplet, self.dotted = (factor, max(left - 1, 0)), Fraction(1)
        self._sound = sound

    def lengthen(self, signs: str) -> None:
        """Make the last sound longer or shorter, and the next one the other way, as in a>b."""
        less = Fraction(1, 2 ** len(signs))
        if self._sound is not None and self.dotted == 1:
            self._sound.factor *= 2 - less if signs[0] == ">" else less
            self.dotted = less if signs[0] == ">" else 2 - less

    def tie(self) -> None:
        """Let ties lead on from the last sound."""
        if self._sound is not None:
            self._sound.ties.update(tone.place for tone in self._sound.tones)

    def flush(self) -> None:
        """Put the last sound into its bar."""
        sound, self._sound = self._sound, None
        if sound is None:
            return
        unit = self.whole() * _WHOLE * sound.factor
        onset = self._now
        self._now = min(onset + round(sound.length * unit), _MOST)
        for tone in sound.tones:
            end = min(onset + round(tone.length * unit), _MOST)
            self._notes = max(self._notes, end)
            if 0 <= tone.pitch <= 127:
                held = tone.place in sound.ties
                self.bar.notes.append(WrittenNote(onset, end, tone.pitch, self._voice(), tied=tone.tied, held=held))
            else:
                self.score.passed_over["notes beyond the range of MIDI"] += 1
        self._held = {tone.place: tone.pitch for tone in sound.tones if tone.place in sound.ties}
        self._filled = max(self._filled, self._now)

    def _voice(self) -> int:
        if self._layer not in self._layers:
            self._layers[self._layer] = len(self.score.voices)
            self.score.voices.append(Voice(self.part, (self._layer,), self.name, self.program))
        return self._layers[self._layer]

    def overlay(self) -> None:
        """Begin the bar anew, in another layer."""
        self.flush()
        self._now = 0
        self._layer += 1

    def end_bar(self) -> None:
        """End the bar, unless nothing is in it yet."""
        self.flush()
        if self._filled:
            bar = self.bar
            bar.extents.append(Extent(self._notes, self._filled))
            bar.signs.endings |= self.ending
            self._place += 1
        self._now = self._filled = self._notes = self._layer = 0
        self._accidentals.clear()
        self.tuplet = Fraction(1), 0

    def repeat(self, times: int) -> None:
        """Let the section that ends with the last bar be played several times."""
        if self._place:
            signs = self.score.bars[self._place - 1].signs
            signs.times = max(signs.times, min(times, MOST_TIMES))

    def rest(self, bars: int) -> None:
        """Rest for some bars; the bar line after the last one is still to come."""
        for number in range(bars):
            if number:
                self.end_bar()
            self.put(Sound(self.full / self.whole()))
        self.flush()
