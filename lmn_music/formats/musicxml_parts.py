"""From a MusicXML score, as music21 reads it, to a piece: parts, tempo, metre, key, bars."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree

from lmn_music.formats.midi_writer import DRUMS
from lmn_music.music.metre import Metre, is_metre
from lmn_music.music.notes import VELOCITY, Note
from lmn_music.music.part import Part
from lmn_music.music.piece import KeySignature, Piece, Tempo

if TYPE_CHECKING:
    from music21.stream import Part as Stream
    from music21.stream import Score

FINEST = 65535  # of a quarter note: music21 rounds to that, where a time is no short binary number


class MarkedTempo(NamedTuple):
    """A tempo of a score: quarter notes per minute, the place of its measure, and where in the measure, in quarters."""

    measure: int
    offset: Fraction
    quarters_per_minute: float


def read_tempos(root: ElementTree.Element) -> Iterator[MarkedTempo]:
    """Yield the tempos of a partwise score, part by part: those meant for players (<sound tempo="...">)."""
    for part in root.iter("part"):
        if not any(sound.get("tempo") for sound in part.iter("sound")):
            continue
        divisions = 1.0
        for place, measure in enumerate(part.findall("measure")):
            now = 0.0
            for child in measure:
                divisions = _number(child.findtext("divisions")) or divisions
                for sound in [child] if child.tag == "sound" else child.findall("sound"):
                    if tempo := _number(sound.get("tempo")):
                        yield MarkedTempo(place, _exact(now), tempo)
                quarters = _number(child.findtext("duration")) / divisions
                if child.tag == "backup":
                    now = max(0.0, now - quarters)
                elif child.tag == "forward" or (child.tag == "note" and child.find("chord") is None):
                    now = min(now + quarters, 1e9)


def _number(text: str | None) -> float:
    """Return the number that `text` says, if it is a positive one; else 0."""
    try:
        number = float(text or 0)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) and number > 0 else 0.0


def _exact(time: float | Fraction) -> Fraction:
    return Fraction(time).limit_denominator(FINEST)


def read_stream(score: Score, tempos: Sequence[MarkedTempo], implicit: Sequence[bool], title: str) -> Piece:
    """Return the piece.

    Args:
        score: the score, at sounding pitch.
        tempos: the tempos, as `read_tempos` gives them.
        implicit: for each measure of the first part, whether it belongs to the bar before it.
        title: the title of the piece.
    """
    from music21.key import KeySignature as Signature
    from music21.meter import TimeSignature
    from music21.stream import Measure

    parts: list[Part] = []
    metres: dict[Fraction, Metre] = {}
    signatures: dict[Fraction, KeySignature] = {}
    for stream in score.parts:
        flat = stream.flatten()
        parts += _read_part(stream, flat)
        element: Any
        for element in flat.getElementsByClass(TimeSignature):
            if is_metre(element.numerator, element.denominator):
                onset = _exact(element.offset)
                metres.setdefault(onset, Metre(onset, element.numerator, element.denominator))
        for element in flat.getElementsByClass(Signature):
            if abs(element.sharps) <= 7:
                onset = _exact(element.offset)
                mode = getattr(element, "mode", None)
                mode = mode if mode in ("major", "minor") else None
                signatures.setdefault(onset, KeySignature(onset, element.sharps, mode))
    first: Any = next(iter(score.parts), ())
    measures = [_exact(measure.offset) for measure in first.getElementsByClass(Measure)] if first else []
    length = _exact(score.highestTime)
    marked = {
        measures[t.measure] + t.offset: t.quarters_per_minute for t in reversed(tempos) if t.measure < len(measures)
    }
    kept = [onset for onset, inner in zip(measures, implicit, strict=False) if not inner or onset == 0]
    bars, pickup = _bars(metres, kept)
    return Piece(
        tuple(parts),
        length,
        tuple(Tempo(onset, marked[onset]) for onset in sorted(marked)),
        bars,
        tuple(signatures[onset] for onset in sorted(signatures)),
        pickup,
        title,
    )


def _bars(printed: dict[Fraction, Metre], starts: list[Fraction]) -> tuple[tuple[Metre, ...], Fraction]:
    """Return the metres, with more of them where bars are too short or too long, and the pickup.

    Args:
        printed: the time signatures as printed, by their onsets.
        starts: where the bars begin, a pickup included.
    """
    pickup = Fraction(0)
    current = printed.get(pickup, Metre(pickup, 4, 4))
    if len(starts) > 1 and starts[1] < current.quarters:
        pickup, starts = starts[1], [Fraction(0), *starts[2:]]
    changes: dict[Fraction, Metre] = {}
    expected = Fraction(0)
    for start, end in zip_longest(starts, starts[1:]):
        if start in printed:
            current = changes[start] = printed[start]
        elif start != expected:
            changes[start] = current._replace(onset=start)
        expected = max(start, pickup) + current.quarters
        if end is not None and end > expected:
            beats = (end - start) * current.beat_type / 4
            if beats.denominator == 1 and is_metre(beats.numerator, current.beat_type):
                changes[start] = Metre(start, beats.numerator, current.beat_type)
    return tuple(changes.values()), pickup


def _read_part(stream: Stream, flat: Any) -> Iterator[Part]:
    """Yield the voices of a part.

    Args:
        stream: the part.
        flat: all that it holds, with offsets from the start of the piece.
    """
    from music21.note import NotRest, Unpitched
    from music21.percussion import PercussionChord

    instruments = stream.getInstruments(recurse=True)
    on_drum_channel = any(instrument.midiChannel == DRUMS for instrument in instruments)
    programs = [instrument.midiProgram for instrument in instruments if instrument.midiProgram is not None]
    program = programs[0] if programs and 0 <= programs[0] <= 127 else 0
    voice_of = _voices(stream)
    only = min(voice_of.values(), default="")
    voices: dict[tuple[bool, str], list[Note]] = {}  # (whether drums, the voice) -> its notes
    tied: dict[int, tuple[list[Note], int]] = {}  # pitch -> where the note is that the tie continues
    for element in flat.getElementsByClass(NotRest):
        if element.duration.isGrace or getattr(element.style, "noteSize", None) == "cue":
            continue
        onset = _exact(element.offset)
        end = onset + _exact(element.duration.quarterLength)
        drums = on_drum_channel or isinstance(element, (Unpitched, PercussionChord))
        notes = voices.setdefault((drums, voice_of.get(id(element), only)), [])
        single: Any
        for single in getattr(element, "notes", (element,)):  # the notes of a chord, each with a tie of its own
            pitch = _drum(single) if isinstance(single, Unpitched) else int(single.pitch.midi)
            if not 0 <= pitch <= 127:
                continue
            tie = single.tie.type if single.tie and not drums else None
            before = tied.pop(pitch, None) if tie in ("stop", "continue") else None
            if before is not None and before[0][before[1]].end == onset:
                before[0][before[1]] = before[0][before[1]]._replace(end=end)
            else:
                before = notes, len(notes)
                notes.append(Note(pitch, onset, end, min(max(single.volume.velocity or VELOCITY, 1), 127)))
            if tie in ("start", "continue"):
                tied[pitch] = before
    name = stream.partName or ""
    several = len(voices) > 1
    for number, ((drums, _), notes) in enumerate(sorted(voices.items()), start=1):
        if notes:
            notes.sort(key=lambda note: (note.onset, note.pitch))
            label = f"{name} {number}".strip() if several else name
            yield Part(tuple(notes), label, program, DRUMS if drums else None, drums)


def _voices(stream: Stream) -> dict[int, str]:
    """Return the voice of each note that stands in a measure of several voices, by the identity of the note."""
    from music21.stream import Measure

    return {
        id(element): str(voice.id)
        for measure in stream.getElementsByClass(Measure)
        for voice in measure.voices
        for element in voice
    }


def _drum(hit: Any) -> int:
    """Return the MIDI number of a drum: what the score says it is, else the line of the staff that it stands on."""
    number = getattr(hit.storedInstrument, "percMapPitch", None)
    return int(hit.displayPitch().midi) if number is None else int(number)
