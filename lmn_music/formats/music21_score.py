"""A written-out piece as a music21 score, with beams and the brackets of triplets, which music21 sets."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from lmn_music.files import as_utf8
from lmn_music.music.metre import Metre
from lmn_music.music.sheet import Player, Sheet, Staff, Voice, Written
from lmn_music.music.signs import Place, accidentals, ties

if TYPE_CHECKING:
    from music21.stream import Score

_UP, _DOWN = "up", "down"


def to_music21(sheet: Sheet) -> Score:
    """Return a written piece as a music21 score, ready for export.

    Args:
        sheet: the written piece.
    """
    from music21.layout import StaffGroup
    from music21.metadata import Metadata
    from music21.stream import Score

    score = Score()
    if sheet.title:
        score.metadata = Metadata(movementName=_text(sheet.title))
    first = True
    for player in sheet.players:
        staves = []
        for staff in player.staves:
            staves.append(_part(sheet, player, staff, tempos=first))
            first = False
        for part in staves:
            score.insert(0, part)
        if len(staves) > 1:
            score.insert(0, StaffGroup(staves, name=_text(player.name), symbol="brace"))
    return score


def _text(text: str) -> str:
    """Return the text without what XML cannot hold."""
    return "".join(letter if letter.isprintable() else " " for letter in as_utf8(text))


def _part(sheet: Sheet, player: Player, staff: Staff, *, tempos: bool) -> Any:
    """Return a staff. `tempos`: whether the tempos stand above it."""
    from music21.clef import AltoClef, BassClef, TrebleClef
    from music21.instrument import instrumentFromMidiProgram
    from music21.stream import PartStaff

    part: Any = PartStaff()
    instrument = instrumentFromMidiProgram(player.program)
    instrument.transposition = None  # all players read what sounds
    instrument.partName = part.partName = _text(player.name)
    instrument.partAbbreviation = part.partAbbreviation = ""
    part.insert(0, instrument)
    clef: Any = {"G": TrebleClef, "C": AltoClef, "F": BassClef}[staff.clef.sign]()
    clef.octaveChange = staff.clef.octaves
    shown = accidentals(sheet, staff.voices)
    tied = [ties(voice) for voice in staff.voices]
    for place in range(len(sheet.bars)):
        measure: Any = _measure(sheet, place, first=clef if place == 0 else None)
        if tempos:
            _add_tempos(measure, sheet, place)
        sounding = [number for number, voice in enumerate(staff.voices) if voice.bars[place]]
        several = len(sounding) > 1
        for number in sounding:
            stem = (_UP, _DOWN)[number] if several else None
            _fill(measure, sheet, place, staff.voices[number], tied[number], shown, stem=stem)
        part.append(measure)
    return part


def _measure(sheet: Sheet, place: int, *, first: Any) -> Any:
    """Return an empty bar. `first`: the clef, if it is the first one."""
    from music21.bar import Barline
    from music21.key import Key, KeySignature
    from music21.meter import TimeSignature
    from music21.stream import Measure

    bar, metre, key = sheet.bars[place], sheet.metres[place], sheet.keys[place]
    measure: Any = Measure(number=bar.number)
    if first:
        measure.insert(0, first)
    before = place - 1
    if first or _signature(sheet.keys[before]) != _signature(key):
        signature: Any = KeySignature(key.fifths)
        if key.mode:
            signature = signature.asKey(key.mode)
            assert isinstance(signature, Key)
        measure.insert(0, signature)
    if first or sheet.metres[before][1:] != metre[1:]:
        measure.insert(0, TimeSignature(f"{metre.beats}/{metre.beat_type}"))
    missing = metre.quarters - (bar.end - bar.start)
    if missing > 0:
        if bar.number == 0:
            measure.paddingLeft = missing
        else:
            measure.paddingRight = missing
    if place == len(sheet.bars) - 1:
        measure.rightBarline = Barline("final")
    return measure


def _signature(key: Any) -> tuple[int, str | None]:
    return key.fifths, key.mode


def _add_tempos(measure: Any, sheet: Sheet, place: int) -> None:
    from music21.duration import Duration
    from music21.tempo import MetronomeMark

    bar, metre = sheet.bars[place], sheet.metres[place]
    beat = metre.beat if metre.is_compound else Fraction(1)
    for tempo in sheet.tempos:
        if bar.start <= tempo.onset < bar.end:
            number = round(tempo.quarters_per_minute / float(beat), 3)
            mark = MetronomeMark(number=int(number) if number == int(number) else number, referent=Duration(beat))
            measure.insert(tempo.onset - bar.start, mark)


def _fill(
    measure: Any,
    sheet: Sheet,
    place: int,
    voice: Voice,
    tied: dict[Place, str],
    shown: set[Place],
    *,
    stem: str | None,
) -> None:
    """Put what a voice has in a bar into it. `stem`: where the stems point, if another voice has notes too."""
    from music21.stream import Voice as Stream
    from music21.stream import makeNotation

    bar, whole = sheet.bars[place], sheet.metres[place].quarters
    target: Any = Stream(id="1" if stem != _DOWN else "2") if stem else measure
    elements = []
    for sign in voice.bars[place]:
        element = _element(sign, tied, shown, stem)
        if not sign.pitches:
            if sign.length == whole:
                element.fullMeasure = True
            element.style.hideObjectOnPrint = not voice.rests
        elements.append(element)
        target.insert(sign.onset - bar.start, element)
    # Asked bar by bar: music21 would look for the time signature of each bar in all the bars before.
    for element, beams in zip(
        elements, _beat(sheet.metres[place]).getBeams(elements, _before(sheet, place)), strict=True
    ):
        if beams is not None:
            element.beams = beams
    makeNotation.makeTupletBrackets(target, inPlace=True)
    if stem:
        measure.insert(0, target)


@cache
def _beat(metre: Metre) -> Any:
    """Return music21's time signature."""
    from music21.meter import TimeSignature

    return TimeSignature(f"{metre.beats}/{metre.beat_type}")


def _before(sheet: Sheet, place: int) -> Fraction:
    """Return how much of a full bar lies before a pickup; 0 for any other bar."""
    bar = sheet.bars[place]
    return Fraction(0) if bar.number else sheet.metres[place].quarters - (bar.end - bar.start)


def _element(sign: Written, tied: dict[Place, str], shown: set[Place], stem: str | None) -> Any:
    from music21 import pitch as pitches
    from music21.chord import Chord
    from music21.note import Note, Rest
    from music21.tie import Tie

    if not sign.pitches:
        return Rest(quarterLength=sign.length)
    notes = []
    for spelled in sign.pitches:
        pitch: Any = cast(Any, pitches).Pitch(step=spelled.letter, octave=spelled.octave)
        if spelled.alter or (sign.onset, spelled) in shown:
            pitch.accidental = pitches.Accidental(spelled.alter)
            pitch.accidental.displayStatus = (sign.onset, spelled) in shown
        note: Any = Note(pitch, quarterLength=sign.length)
        if kind := tied.get((sign.onset, spelled)):
            note.tie = Tie(kind)
        notes.append(note)
    element: Any = notes[0] if len(notes) == 1 else Chord(notes, quarterLength=sign.length)
    if stem:
        element.stemDirection = stem
    return element
