"""One of Bach's chorales as a piano-roll: a small reader for the MusicXML files inside music21.

It takes a hundredth of the time of music21's own, and reads the same (the tests compare the two).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lmn_music.errors import CorpusError
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll

REINSTALL = "install it again with `pip install --force-reinstall music21`"
_VOICES = ("soprano", "alto", "tenor", "bass")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_TICKS = 10080  # per quarter: every division that the files use divides it, so that all times are whole numbers


def read_chorale(path: Path, transposition: int, repeats: bool) -> PianoRoll:
    """Return the voices of a chorale, one frame per quarter: frame t holds the pitches that sound at quarter t.

    Args:
        path: MusicXML, zipped (.mxl) or plain (.xml), of music21's corpus. Time starts with the pickup measure.
        transposition: how far up, in semitones; down if negative.
        repeats: whether the repeated sections are played twice.

    Raises:
        CorpusError: the file cannot be read.
    """
    try:
        measures = [_merged(same) for same in zip(*_read_voices(_score(path)), strict=True)]
    except (OSError, zipfile.BadZipFile, ET.ParseError, KeyError, ValueError) as error:
        raise CorpusError(f"music21's file {path.name} cannot be read ({error}): {REINSTALL}") from error
    sounding: list[tuple[int, int, int]] = []
    start = 0
    for measure in _playing_order(measures) if repeats else measures:
        sounding += [(start + begin, start + end, pitch) for begin, end, pitch in measure.notes]
        start += measure.length
    frames = np.zeros((-(-start // _TICKS), KEYS), dtype=bool)  # a last quarter that is not full counts
    for begin, end, pitch in sounding:
        frames[-(-begin // _TICKS) : -(-end // _TICKS), pitch - LOWEST_PITCH] = True
    return PianoRoll(frames, 1, title=path.stem).transposed(transposition)


@dataclass(frozen=True)
class _Measure:
    """One measure. length, and begin and end of its notes, in ticks; notes: (begin, end, MIDI pitch)."""

    length: int
    notes: tuple[tuple[int, int, int], ...]
    repeat_starts: bool = False
    repeat_ends: bool = False
    ending: str = ""


def _score(path: Path) -> ET.Element:
    # The files belong to an installed package: whoever runs its code may trust them.
    if path.suffix == ".xml":
        return ET.parse(path).getroot()  # noqa: S314
    with zipfile.ZipFile(path) as archive:
        container = ET.fromstring(archive.read("META-INF/container.xml"))  # noqa: S314
        rootfile = container.find(".//{*}rootfile")
        if rootfile is None:
            raise ValueError("no score in the archive")
        return ET.fromstring(archive.read(rootfile.attrib["full-path"]))  # noqa: S314


def _read_voices(score: ET.Element) -> list[list[_Measure]]:
    """Return the measures of each sung part; the instruments that some cantatas add are not in the benchmark."""
    names = {part.attrib["id"]: part.findtext("part-name") or "" for part in score.iter("score-part")}
    parts = score.findall("part")
    sung = [part for part in parts if names[part.attrib["id"]].lower().startswith(_VOICES)]
    if len(sung) < len(_VOICES):
        raise ValueError("no soprano, alto, tenor and bass")
    return [_read_part(part) for part in sung]


def _read_part(part: ET.Element) -> list[_Measure]:
    measures = []
    divisions = 1
    for measure in part.iterfind("measure"):
        now = onset = length = 0
        notes: list[tuple[int, int, int]] = []
        starts = ends = False
        ending = ""
        for element in measure:
            if element.tag == "attributes":
                divisions = int(element.findtext("divisions") or divisions)
            elif element.tag in ("note", "backup", "forward"):
                fields = {child.tag: child for child in element}
                if "grace" in fields:
                    continue  # takes no time
                duration = int(fields["duration"].text or 0) * _TICKS // divisions
                if element.tag != "note":
                    now += duration if element.tag == "forward" else -duration
                    continue
                if "chord" not in fields:  # a chord's further notes begin with its first
                    onset, now = now, now + duration
                if "pitch" in fields:  # otherwise a rest; a tie needs no care, as a roll joins what it joins
                    notes.append((onset, onset + duration, _midi_pitch(fields["pitch"])))
                length = max(length, now)  # by notes and rests alone: a `forward` at the end of a song is no music
            elif element.tag == "barline":
                repeat, bracket = element.find("repeat"), element.find("ending")
                if repeat is not None:
                    starts |= repeat.attrib["direction"] == "forward"
                    ends |= repeat.attrib["direction"] == "backward"
                if bracket is not None:
                    ending = bracket.attrib["number"]
        measures.append(_Measure(length, tuple(notes), starts, ends, ending))
    return measures


def _midi_pitch(pitch: ET.Element) -> int:
    octave, step = int(pitch.findtext("octave") or 0), pitch.findtext("step") or ""
    return 12 * (octave + 1) + _SEMITONES[step] + int(float(pitch.findtext("alter") or 0))


def _merged(voices: tuple[_Measure, ...]) -> _Measure:
    """Return one measure of all voices; it lasts as long as its longest voice (a pickup is short in all of them)."""
    return _Measure(
        length=max(voice.length for voice in voices),
        notes=tuple(note for voice in voices for note in voice.notes),
        repeat_starts=any(voice.repeat_starts for voice in voices),
        repeat_ends=any(voice.repeat_ends for voice in voices),
        ending=max(voice.ending for voice in voices),
    )


def _playing_order(measures: list[_Measure]) -> list[_Measure]:
    """Return the measures as they are played: each repeated section twice, each numbered ending in its turn."""
    order = []
    section = index = 0
    turn = 1
    while index < len(measures):
        measure = measures[index]
        if measure.repeat_starts and index != section:
            section, turn = index, 1
        if measure.ending and str(turn) not in measure.ending.replace(" ", "").split(","):
            index += 1
            continue
        order.append(measure)
        if measure.repeat_ends and turn == 1:
            index, turn = section, 2
            continue
        if measure.repeat_ends:
            section, turn = index + 1, 1
        index += 1
    return order
