"""From a score as music21 has it to a score as it is written: for the notations that music21 reads for us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lmn_music.formats.repeats import MOST_TIMES
from lmn_music.formats.written_score import TICKS, Extent, Voice, WrittenBar, WrittenNote, WrittenScore
from lmn_music.music.metre import is_metre

if TYPE_CHECKING:
    from music21.stream import Score

_MOST_QUARTERS = 10**9  # beyond that a length is damage


def read_stream(score: Score) -> WrittenScore:
    """Return the score: each voice of each part is a voice, and the bars are the measures, the same for all parts.

    A part without measures is one bar. Grace notes, chord symbols and drums are left out.

    Args:
        score: the score, at sounding pitch.
    """
    from music21.stream import Measure

    written = WrittenScore(TICKS)
    for number, part in enumerate(score.parts):
        programs = [instrument.midiProgram for instrument in part.getInstruments(recurse=True)]
        program = next((program for program in programs if program is not None and 0 <= program <= 127), 0)
        voices: dict[str, int] = {}
        places: dict[int, int] = {}
        measures: list[Any] = list(part.getElementsByClass(Measure)) or [part]
        for place, measure in enumerate(measures):
            bar = written.bar(place)
            places[id(measure)] = place
            for name, elements in [("", measure.notes), *((str(voice.id), voice.notes) for voice in measure.voices)]:
                if elements and name not in voices:
                    voices[name] = len(written.voices)
                    written.voices.append(Voice(number, (len(voices),), part.partName or "", program))
                bar.notes += (note for element in elements for note in _notes(element, voices[name]))
            _read_measure(measure, bar)
            if place + 1 < len(measures):  # a repeat that begins after a bar begins with the next one
                written.bar(place + 1).signs.begins |= _repeats(measure, "right", "start") > 0
            if place:
                before = written.bars[place - 1].signs
                before.times = max(before.times, _repeats(measure, "left", "end"))
        for bracket in part.recurse().getElementsByClass("RepeatBracket"):
            numbers = frozenset(number for number in bracket.numberRange if 0 < number <= MOST_TIMES)
            for measure in bracket.getSpannedElements():
                if id(measure) in places:
                    written.bars[places[id(measure)]].signs.endings |= numbers
    return _without_empty_bars(written)


def _without_empty_bars(score: WrittenScore) -> WrittenScore:
    """Return the score without the bars in which nothing stands, as between two bar lines; what they say is kept."""
    kept: list[WrittenBar] = []
    begins, metre = False, None
    for bar in score.bars:
        if bar.extents:
            bar.signs.begins |= begins
            bar.metre = bar.metre or metre
            begins, metre = False, None
            kept.append(bar)
        else:
            begins |= bar.signs.begins
            metre = bar.metre or metre
            if kept:
                kept[-1].signs.times = max(kept[-1].signs.times, bar.signs.times)
    score.bars = kept
    return score


def _ticks(quarters: float | Fraction) -> int:
    return round(min(quarters, _MOST_QUARTERS) * TICKS)


def _notes(element: Any, voice: int) -> Iterator[WrittenNote]:
    """Yield the notes of a note or chord."""
    if element.duration.isGrace or element.quarterLength == 0:
        return
    onset, end = _ticks(element.offset), _ticks(element.offset + element.quarterLength)
    for note in getattr(element, "notes", (element,)):
        pitch = getattr(note, "pitch", None)
        if pitch is not None and 0 <= pitch.midi <= 127:
            tie = note.tie.type if note.tie else ""
            tied, held = tie in ("stop", "continue"), tie in ("start", "continue")
            yield WrittenNote(onset, end, int(pitch.midi), voice, tied=tied, held=held)


def _read_measure(measure: Any, bar: WrittenBar) -> None:
    """Read what else stands in a measure."""
    notes = _longest(measure.flatten().notes)
    whole = _longest(measure.flatten().notesAndRests)
    if whole:
        bar.extents.append(Extent(notes, whole))
    for time in measure.getElementsByClass("TimeSignature"):
        if bar.metre is None and is_metre(time.numerator, time.denominator):
            bar.metre = (time.numerator, time.denominator)
    for key in measure.getElementsByClass("KeySignature"):
        mode = getattr(key, "mode", None)
        if abs(key.sharps) <= 7:
            bar.keys.setdefault(_ticks(key.offset), (key.sharps, mode if mode in ("major", "minor") else None))
    for mark in measure.getElementsByClass("MetronomeMark"):
        tempo = mark.getQuarterBPM()
        if tempo:
            bar.tempos.setdefault(_ticks(mark.offset), float(tempo))
    bar.signs.begins |= _repeats(measure, "left", "start") > 0
    bar.signs.times = max(bar.signs.times, _repeats(measure, "right", "end"))


def _longest(elements: Iterable[Any]) -> int:
    """Return where the last of the elements ends."""
    return max((_ticks(element.offset + element.quarterLength) for element in elements), default=0)


def _repeats(measure: Any, side: str, direction: str) -> int:
    """Return how often a bar line asks for a section to be played: 0 if it is no repeat in that direction."""
    line: Any = getattr(measure, f"{side}Barline", None)  # a part without measures has none
    return min(line.times or 2, MOST_TIMES) if getattr(line, "direction", None) == direction else 0
