"""Bach's chorales from inside music21: a stand-in for JSB Chorales that is on every machine, without a network.

It is transposed, sampled and split as the benchmark is, but it is not the benchmark: of the songs that both have, few
are the same frame for frame. A likelihood on it is not comparable with the published ones.
"""

from __future__ import annotations

import csv
import importlib.util
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lmn_music.corpora.corpus import SPLITS, Corpus, Rejected, content_sha256
from lmn_music.errors import CorpusError
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll
from lmn_music.resources import resource

# With music21 10.5.1, in the order train, valid, test; `lmn-music corpora` shows them without reading the scores.
SONGS = (224, 74, 76)
FRAMES = (13432, 4523, 4704)
MUSIC21_VERSION = "10.5.1"

LICENCE = (
    "Bach's music is in the public domain; the encodings come with music21, by permission of their encoders, "
    "some of whom rule out commercial use"
)
CITATION = (
    "Cuthbert and Ariza, music21: A toolkit for computer-aided musicology and symbolic music data, ISMIR 2010; "
    "encodings by Margaret Greentree and others"
)

_REINSTALL = "install it again with `pip install --force-reinstall music21`."
_STRICTEST_FIRST = ("test", "valid", "train")
_VOICES = ("soprano", "alto", "tenor", "bass")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_TICKS = 10080  # per quarter: every division that the files use divides it, so that all times are whole numbers


@dataclass(frozen=True)
class Chorale:
    """Which file of music21 is a song of the stand-in, in which split, moved by how many semitones, repeats played?"""

    file: str
    split: str
    transposition: int
    repeats: bool


def chorale_split() -> tuple[Chorale, ...]:
    """Return the songs of the stand-in, in the benchmark's order, as data/chorales_split.csv gives them.

    A chorale that the benchmark has in several splits, itself or as another file with the same music, goes to the
    strictest of them (test before valid before train), and is taken once. Songs of the benchmark that no chorale was
    found for (status none) have nothing to stand in for them. Chorales that the table does not name are left out too:
    some of them may be the benchmark's test songs under another name, and nothing here could tell.
    """
    with resource("data", "chorales_split.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["status"] != "none"]
    rows.sort(key=lambda row: _STRICTEST_FIRST.index(row["split"]))  # stable: the benchmark's order within a split
    same_music = [{row["music21_file"], row["other_files"]} - {""} for row in rows]
    split_of: dict[str, str] = {}
    for split in _STRICTEST_FIRST:
        found = [files for files, row in zip(same_music, rows, strict=True) if row["split"] == split]
        while found:  # with each file go the files with the same music, and those with the same music as these
            names = {name for files in found for name in files if name not in split_of}
            split_of.update(dict.fromkeys(names, split))
            found = [files for files in same_music if files & names and not files <= split_of.keys()]
    chorales: dict[str, Chorale] = {}
    for row in rows:
        name = row["music21_file"]
        if name.endswith(".krn") and row["other_files"]:
            name = row["other_files"]  # only MusicXML is read here, and the twin of a Humdrum file is as good
        chorale = Chorale(name, split_of[name], int(row["transposition"]), row["variant"] == "satb+rep")
        chorales.setdefault(name, chorale)  # the strictest row comes first and decides key and repeats
    return tuple(chorales.values())


@cache
def load_chorales() -> Corpus:
    """Return the stand-in corpus, one frame per quarter; it takes about two seconds, once per process.

    Files that this version of music21 lacks, or that are not MusicXML, are listed in `rejected`. CorpusError if
    music21 is installed without its corpus.
    """
    from importlib.metadata import version  # a tenth of a second, which only this call is worth

    folder = corpus_folder()
    splits: dict[str, list[PianoRoll]] = {name: [] for name in SPLITS}
    rejected = []
    for chorale in chorale_split():
        path = folder / chorale.file
        if path.suffix == ".krn":
            rejected.append(Rejected(chorale.file, "Humdrum; only MusicXML is read here"))
            continue
        if not path.is_file():
            rejected.append(Rejected(chorale.file, "not in this version of music21"))
            continue
        splits[chorale.split].append(read_chorale(path, chorale.transposition, chorale.repeats))
    train, valid, test = (tuple(splits[name]) for name in SPLITS)
    if not (train and valid and test):
        raise CorpusError(f"music21 is installed without its chorales: {_REINSTALL}")
    return Corpus(
        name="chorales",
        train=train,
        valid=valid,
        test=test,
        frames_per_quarter=1,
        provenance=f"Bach chorales of music21 {version('music21')} (stand-in for JSB Chorales)",
        sha256=content_sha256(train, valid, test),
        comparable=False,
        licence=LICENCE,
        citation=CITATION,
        rejected=tuple(rejected),
    )


def corpus_folder() -> Path:
    """Return the folder of Bach files inside music21, without importing it; CorpusError if there is none."""
    spec = importlib.util.find_spec("music21")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "corpus" / "bach"
        if folder.is_dir():
            return folder
    raise CorpusError(f"The chorales come inside the package music21, and it or its corpus is missing: {_REINSTALL}")


def read_chorale(path: Path, transposition: int, repeats: bool) -> PianoRoll:
    """Return the voices of a chorale, one frame per quarter: frame t holds the pitches that sound at quarter t.

    path: MusicXML, zipped (.mxl) or plain (.xml), of music21's corpus; time starts with the pickup measure.
    transposition: in semitones. repeats: play the repeated sections twice.
    CorpusError if the file cannot be read.
    """
    try:
        measures = [_merged(same) for same in zip(*_read_voices(_score(path)), strict=True)]
    except (OSError, zipfile.BadZipFile, ET.ParseError, KeyError, ValueError) as error:
        raise CorpusError(f"music21's file {path.name} cannot be read ({error}): {_REINSTALL}") from error
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
    # The files are those of an installed package, and no more hostile than its code.
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
