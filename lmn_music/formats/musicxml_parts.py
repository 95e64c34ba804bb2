"""The parts of a MusicXML score: what stands in its measures."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple
from xml.etree.ElementTree import Element

from lmn_music.errors import ScoreError
from lmn_music.formats.midi_writer import DRUMS
from lmn_music.formats.musicxml_signs import BarLines, read_direction, read_key, read_number, read_time, read_whole
from lmn_music.formats.written_score import TICKS, Extent, Voice, WrittenBar, WrittenNote, WrittenScore
from lmn_music.music.notes import VELOCITY

MAX_TICKS = 10**15  # where a score divides its quarter notes in other ways; beyond that, times are rounded
MAX_PARTS = 1000
LONGEST = 10**9  # quarter notes: beyond that a number is damage
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MOST_ALTERED = 3  # sharps or flats
_FULL = 90  # the velocity that MusicXML calls 100 per cent


def read_parts(root: Element) -> WrittenScore:
    """Return the score in a MusicXML file.

    Args:
        root: a <score-partwise> or <score-timewise>.

    Raises:
        ScoreError: the divisions of a quarter note make no sense, or there are more than 100,000 bars.
    """
    score = WrittenScore(_ticks(root))
    heads = {head.get("id"): head for head in root.iterfind("part-list/score-part")}
    parts = _measures(root)
    if len(parts) > MAX_PARTS:
        raise ScoreError(f"the score has more than {MAX_PARTS} parts: split it", "too long (parts)")
    for number, (name, measures) in enumerate(parts):
        part = _Part(score, number, heads.get(name))
        for place, measure, implicit in measures:
            bar = score.bar(place)
            bar.joins |= implicit
            part.read(measure, bar, score.bars[place - 1] if place else None)
        part.bar_lines.close(1)
    return score


def _measures(root: Element) -> list[tuple[str | None, list[tuple[int, Element, bool]]]]:
    """Return the name of each part and its measures: their places, what stands there, whether they are implicit."""
    if root.tag == "score-partwise":
        return [
            (
                part.get("id"),
                [(place, measure, _implicit(measure)) for place, measure in enumerate(part.iterfind("measure"))],
            )
            for part in root.iterfind("part")
        ]
    parts: dict[str | None, list[tuple[int, Element, bool]]] = {}
    for place, measure in enumerate(root.iterfind("measure")):
        for part in measure.iterfind("part"):
            parts.setdefault(part.get("id"), []).append((place, part, _implicit(measure)))
    return list(parts.items())


def _implicit(measure: Element) -> bool:
    return measure.get("implicit") == "yes"


def _ticks(root: Element) -> int:
    """Return how many ticks a quarter note gets, so that the divisions of all measures are whole numbers of them."""
    ticks = TICKS
    for divisions in sorted({read_whole(element.text) or 1 for element in root.iter("divisions")}):
        common = math.lcm(ticks, divisions)
        ticks = common if common <= MAX_TICKS else ticks
    return ticks


class _Instrument(NamedTuple):
    """An instrument of a part: whether it plays drums, its program, and the drum that it is, each as MIDI has it."""

    drums: bool = False
    program: int = 0
    drum: int | None = None


def _instruments(head: Element | None) -> dict[str | None, _Instrument]:
    """Return the instruments in the head of a part by their names; that of the name None is the first."""
    found: dict[str | None, _Instrument] = {}
    for element in head.iterfind("midi-instrument") if head is not None else ():
        program = read_whole(element.findtext("midi-program")) or 1
        drum = read_whole(element.findtext("midi-unpitched"))
        instrument = _Instrument(
            read_whole(element.findtext("midi-channel")) == DRUMS + 1,
            program - 1 if 1 <= program <= 128 else 0,
            drum - 1 if drum and 1 <= drum <= 128 else None,
        )
        found[element.get("id")] = instrument
        found.setdefault(None, instrument)
    found.setdefault(None, _Instrument())
    return found


class _Part:
    """Reads the measures of a part, one after the other."""

    def __init__(self, score: WrittenScore, number: int, head: Element | None) -> None:
        self.bar_lines = BarLines()
        self._score = score
        self._number = number
        self._name = " ".join(((head.findtext("part-name") if head is not None else None) or "").split())
        self._instruments = _instruments(head)
        self._divisions = Fraction(1)
        self._lengths: dict[
            str, int | None
        ] = {}  # what durations and pitches say, as the same ones come again and again
        self._pitches: dict[tuple[tuple[str, str | None], ...], int | None] = {}
        self._sounding: dict[str | None, tuple[int, ...]] = {None: (0,)}  # staff -> semitones from what is written
        self._voices: dict[tuple[str | None, str | None, bool], int] = {}

    def read(self, measure: Element, bar: WrittenBar, before: WrittenBar | None) -> None:
        """Read a measure.

        Args:
            measure: the measure.
            bar: the bar that it is.
            before: the bar before it, if there is one.
        """
        now = onset = notes = whole = 0
        for element in measure:
            tag = element.tag
            if tag == "note":
                fields = {child.tag: child for child in element}
                if "grace" in fields:
                    continue
                length = self._length(fields.get("duration"))
                if "chord" not in fields:  # a further note of a chord begins with the first, and may end elsewhere
                    onset, now = now, now + (length or 0)
                if "rest" not in fields and length is not None:
                    notes = max(notes, onset + length)
                    if "cue" not in fields:
                        self._note(element, fields, onset, onset + length, bar)
            elif tag == "backup":
                now = max(0, now - (self._length(element.find("duration")) or 0))
            elif tag == "forward":
                now += self._length(element.find("duration")) or 0
            elif tag == "attributes":
                self._attributes(element, bar, now)
            elif tag in ("direction", "sound"):
                read_direction(element, bar, now)
            whole = max(whole, now)
        if whole:
            bar.extents.append(Extent(notes, whole))
        self.bar_lines.read(measure, bar, before)

    def _length(self, duration: Element | None) -> int | None:
        """Return a duration in ticks; None, and a remark, if it makes no sense."""
        text = (duration.text if duration is not None else None) or ""
        if text not in self._lengths:
            number = read_number(text)
            exact = None if number is None else Fraction(number) / self._divisions
            self._lengths[text] = None if exact is None or exact > LONGEST else round(exact * self._score.ticks)
        if self._lengths[text] is None:
            self._score.passed_over["durations that make no sense"] += 1
        return self._lengths[text]

    def _note(self, element: Element, fields: dict[str, Element], onset: int, end: int, bar: WrittenBar) -> None:
        """Read a note that sounds from `onset` to `end`."""
        named = fields["instrument"].get("id") if "instrument" in fields else None
        instrument = self._instruments.get(named, self._instruments[None])
        drums = instrument.drums or "unpitched" in fields
        pitch = instrument.drum if "unpitched" in fields else None
        if pitch is None:
            place = fields.get("pitch", fields.get("unpitched"))
            texts = () if place is None else tuple((child.tag, child.text) for child in place)
            if texts not in self._pitches:
                self._pitches[texts] = _pitch(dict(texts))
            pitch = self._pitches[texts]
        if pitch is None:
            self._score.passed_over["notes without a pitch"] += 1
            return
        staff, number = (fields[tag].text if tag in fields else "1" for tag in ("staff", "voice"))
        voice = self._voices.get((staff, number, drums))
        if voice is None:
            order = (read_whole(staff) or 0, read_whole(number) or 0)
            voice = self._voices[staff, number, drums] = len(self._score.voices)
            self._score.voices.append(Voice(self._number, order, self._name, self._instruments[None].program, drums))
        volume = read_number(element.get("dynamics")) if "dynamics" in element.attrib else None
        velocity = VELOCITY if volume is None else min(max(round(volume * _FULL / 100), 1), 127)
        tied, held = (False, False) if drums else _ties(element, fields)
        for semitones in (0,) if drums else self._sounding.get(staff, self._sounding[None]):
            if 0 <= pitch + semitones <= 127:
                bar.notes.append(WrittenNote(onset, end, pitch + semitones, voice, velocity, tied, held))
            else:
                self._score.passed_over["notes beyond the range of MIDI"] += 1

    def _attributes(self, element: Element, bar: WrittenBar, now: int) -> None:
        """Read <attributes>: divisions, transposition, time and key signatures."""
        if (divisions := element.findtext("divisions")) is not None:
            number = read_number(divisions)
            if not number or number > LONGEST:
                raise ScoreError(
                    f"a quarter note has {divisions[:20]!r} divisions: export the score anew", "unreadable (divisions)"
                )
            self._divisions = Fraction(number)
            self._lengths.clear()
        for transpose in element.iterfind("transpose"):
            if transpose.get("number") is None:
                self._sounding.clear()
            self._sounding[transpose.get("number")] = _transposition(transpose)
        time, key = element.find("time"), element.find("key")
        if time is not None and bar.metre is None:
            bar.metre = read_time(time)
        if key is not None and (signature := read_key(key, self._sounding[None][0])) is not None:
            bar.keys.setdefault(now, signature)


def _pitch(texts: dict[str, str | None]) -> int | None:
    """Return the MIDI number of a <pitch>, or that of the place of an <unpitched> on the staff; None if it has none."""
    step, octave = (texts.get(tag, texts.get(f"display-{tag}")) for tag in ("step", "octave"))
    alter = (texts.get("alter") or "0").strip()
    size = read_number(alter.lstrip("-"))
    degree, register = _STEPS.get((step or "").strip()), read_whole(octave)
    if degree is None or register is None or size is None or size > _MOST_ALTERED:
        return None
    return 12 * (register + 1) + degree + math.floor((-size if alter.startswith("-") else size) + 0.5)  # 1/4 tones up


def _transposition(element: Element) -> tuple[int, ...]:
    """Return how far from what is written an instrument sounds, in semitones; twice if it is doubled at the octave."""
    semitones = (read_whole(element.findtext("chromatic")) or 0) + 12 * (
        read_whole(element.findtext("octave-change")) or 0
    )
    double = element.find("double")
    if double is None:
        return (semitones,)
    return semitones, semitones + (12 if double.get("above") == "yes" else -12)


def _ties(element: Element, fields: dict[str, Element]) -> tuple[bool, bool]:
    """Return whether a tie leads to the note, and whether one leads on from it."""
    if "tie" in fields:
        types = {tie.get("type") for tie in element.iterfind("tie")}
    elif "notations" in fields:
        types = {tied.get("type") for tied in fields["notations"].iterfind("tied")}
    else:
        return False, False
    return "stop" in types, "start" in types
