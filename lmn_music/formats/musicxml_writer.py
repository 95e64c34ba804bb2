"""Writing MusicXML: a written-out piece becomes a music21 score, which music21 beams and exports."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from lmn_music.errors import RenderingError
from lmn_music.files import as_utf8, replacing
from lmn_music.formats.midi_writer import check_tempo
from lmn_music.music.metre import QUARTERS_PER_BAR, Metre
from lmn_music.music.piece import Piece
from lmn_music.music.sheet import Player, Sheet, Staff, Voice, Written, write_out
from lmn_music.music.spelling import Spelled, altered

if TYPE_CHECKING:
    from music21.stream import Measure, PartStaff, Score

_DOCTYPE = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
    ' "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
_INSTRUMENT = ("score-instrument", "midi-instrument")
MAX_BARS = 4000  # more take minutes to write, and are not read again
TOO_LONG = f"the score would have more than {MAX_BARS} bars: write less of the piece"
_UP, _DOWN = "up", "down"


def check_musicxml(frames: int, frames_per_quarter: int, *, tempo: float) -> None:
    """Raise UsageError if the tempo is out of range, RenderingError if so many frames have more than 4000 bars."""
    check_tempo(tempo)
    if frames > MAX_BARS * QUARTERS_PER_BAR * frames_per_quarter:
        raise RenderingError(TOO_LONG)


def write_musicxml(piece: Piece, path: Path) -> None:
    """Write the piece as MusicXML: see `write_out` for how its notes are written.

    Args:
        piece: the piece.
        path: the file to write.

    Raises:
        RenderingError: there are more than 4000 bars.
        LmnMusicError: the file cannot be written.
    """
    content = to_musicxml(write_out(piece))
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def to_musicxml(sheet: Sheet) -> bytes:
    """Return the content of a MusicXML file. The same piece gives the same file.

    Args:
        sheet: the written piece.

    Raises:
        RenderingError: there are more than 4000 bars.
    """
    from music21.musicxml.m21ToXml import ScoreExporter

    if len(sheet.bars) > MAX_BARS:
        raise RenderingError(TOO_LONG)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on the notation, which have no bearing on what is written
        root = ScoreExporter(_score(sheet), makeNotation=False).parse()
    for unwanted in ("identification", *(() if sheet.title else ("movement-title",))):
        for element in root.findall(unwanted):
            root.remove(element)  # music21 writes its own name as the composer's, today's date, a title of its own
    for measure in root.iterfind("part/measure[@number='0']"):
        measure.set("implicit", "yes")
    _number(root)
    return _DOCTYPE.encode() + ElementTree.tostring(root, encoding="utf-8")


def _number(root: ElementTree.Element) -> None:
    """Give names to parts and instruments that are the same each time; those of music21 are drawn at random."""
    names: dict[str, str] = {}
    for element in root.iter():
        if (name := element.get("id")) and element.tag in ("score-part", "part", *_INSTRUMENT):
            parts = sum(known.startswith("P") for known in names.values())
            fresh = f"I{parts}" if element.tag in _INSTRUMENT else f"P{parts + 1}"  # an instrument follows its part
            element.set("id", names.setdefault(name, fresh))


def _score(sheet: Sheet) -> Score:
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


def _part(sheet: Sheet, player: Player, staff: Staff, *, tempos: bool) -> PartStaff:
    """Return a staff. `tempos`: whether the tempos stand above it."""
    from music21.clef import BassClef, TrebleClef
    from music21.instrument import instrumentFromMidiProgram
    from music21.stream import PartStaff

    part: Any = PartStaff()
    instrument = instrumentFromMidiProgram(player.program)
    instrument.transposition = None  # all players read what sounds
    instrument.partName = part.partName = _text(player.name)
    instrument.partAbbreviation = part.partAbbreviation = ""
    part.insert(0, instrument)
    clef: Any = TrebleClef() if staff.clef.sign == "G" else BassClef()
    clef.octaveChange = staff.clef.octaves
    shown = _accidentals(sheet, staff)
    ties = [_ties(voice) for voice in staff.voices]
    for place in range(len(sheet.bars)):
        measure: Any = _measure(sheet, place, first=clef if place == 0 else None)
        if tempos:
            _add_tempos(measure, sheet, place)
        sounding = [number for number, voice in enumerate(staff.voices) if voice.bars[place]]
        several = len(sounding) > 1
        for number in sounding:
            stem = (_UP, _DOWN)[number] if several else None
            _fill(measure, sheet, place, staff.voices[number], ties[number], shown, stem=stem)
        part.append(measure)
    return part


def _measure(sheet: Sheet, place: int, *, first: Any) -> Measure:
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
    ties: dict[tuple[Fraction, Spelled], str],
    shown: set[tuple[Fraction, Spelled]],
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
        element = _element(sign, ties, shown, stem)
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


def _element(
    sign: Written, ties: dict[tuple[Fraction, Spelled], str], shown: set[tuple[Fraction, Spelled]], stem: str | None
) -> Any:
    from music21.chord import Chord
    from music21.note import Note, Rest
    from music21.pitch import Accidental, Pitch
    from music21.tie import Tie

    if not sign.pitches:
        return Rest(quarterLength=sign.length)
    notes = []
    for spelled in sign.pitches:
        pitch: Any = Pitch(step=spelled.letter, octave=spelled.octave)
        if spelled.alter or (sign.onset, spelled) in shown:
            pitch.accidental = Accidental(spelled.alter)
            pitch.accidental.displayStatus = (sign.onset, spelled) in shown
        note: Any = Note(pitch, quarterLength=sign.length)
        if kind := ties.get((sign.onset, spelled)):
            note.tie = Tie(kind)
        notes.append(note)
    element: Any = notes[0] if len(notes) == 1 else Chord(notes, quarterLength=sign.length)
    if stem:
        element.stemDirection = stem
    return element


def _ties(voice: Voice) -> dict[tuple[Fraction, Spelled], str]:
    """Return what kind of tie each tied note of a voice has: it starts, stops or continues one."""
    kinds: dict[tuple[Fraction, Spelled], str] = {}
    before: set[Spelled] = set()
    for sign in (sign for bar in voice.bars for sign in bar):
        after = {spelled for spelled, tied in zip(sign.pitches, sign.tied, strict=True) if tied}
        for spelled in sign.pitches:
            if spelled in before or spelled in after:
                both = spelled in before and spelled in after
                kinds[sign.onset, spelled] = "continue" if both else "stop" if spelled in before else "start"
        before = after
    return kinds


def _accidentals(sheet: Sheet, staff: Staff) -> set[tuple[Fraction, Spelled]]:
    """Return the notes of a staff that need an accidental: neither the key nor an earlier one in the bar has said it.

    A note that a tie continues from the bar before needs none.
    """
    needed: set[tuple[Fraction, Spelled]] = set()
    continued: set[tuple[Fraction, Spelled]] = set()
    for place, _ in enumerate(sheet.bars):
        said: dict[tuple[str, int], int] = {}
        for sign in _in_time([voice.bars[place] for voice in staff.voices]):
            for spelled, tied in zip(sign.pitches, sign.tied, strict=True):
                letter, alter, octave = spelled
                if (sign.onset, spelled) not in continued:
                    if said.get((letter, octave), altered(letter, sheet.keys[place].fifths)) != alter:
                        needed.add((sign.onset, spelled))
                    said[letter, octave] = alter
                if tied:
                    continued.add((sign.onset + sign.length, spelled))
    return needed


def _in_time(voices: Sequence[Sequence[Written]]) -> Iterator[Written]:
    yield from sorted((sign for voice in voices for sign in voice), key=lambda sign: sign.onset)
