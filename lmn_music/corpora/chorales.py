"""Bach's chorales from inside music21: a stand-in for JSB Chorales that is on every machine, without a network.

It is transposed, sampled and split as the benchmark is, but it is not the benchmark: of the songs that both have, few
are the same frame for frame. A likelihood on it is not comparable with the published ones.
"""

from __future__ import annotations

import csv
import importlib.util
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lmn_music.corpora.corpus import SPLITS, Corpus, Rejected, content_sha256
from lmn_music.errors import CorpusError, ScoreError
from lmn_music.formats import read_piece
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll
from lmn_music.resources import resource

# With music21 10.5.1, in the order train, valid, test; `lmn-music corpora` shows them without reading the scores.
SONGS = (224, 74, 77)
FRAMES = (13426, 4494, 4748)
MUSIC21_VERSION = "10.5.1"

LICENCE = (
    "Bach's music is in the public domain; the encodings come with music21, by permission of their encoders, "
    "some of whom rule out commercial use"
)
CITATION = (
    "Cuthbert and Ariza, music21: A toolkit for computer-aided musicology and symbolic music data, ISMIR 2010; "
    "encodings by Margaret Greentree and others"
)

REINSTALL = "install it again with `pip install --force-reinstall music21`"
_VOICES = ("soprano", "alto", "tenor", "bass")
_STRICTEST_FIRST = ("test", "valid", "train")


@dataclass(frozen=True)
class Chorale:
    """A song of the stand-in.

    Attributes:
        file: the name of its file in music21's folder of Bach.
        split: "train", "valid" or "test".
        transposition: how far it is transposed up, in semitones; down if negative.
        repeats: whether the repeated sections are played twice.
    """

    file: str
    split: str
    transposition: int
    repeats: bool


def chorale_split() -> tuple[Chorale, ...]:
    """Return the songs of the stand-in as data/chorales_split.csv lists them, in the order of the benchmark.

    A chorale that the benchmark has in several splits, itself or as another file with the same music, belongs to the
    strictest of them (test before valid before train), and is taken once. Songs of the benchmark for which no chorale
    was found (status none) have no stand-in. Chorales that the table does not name are left out too: some of them may
    be test songs of the benchmark under another name, and nothing here could find that out.
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
            name = row["other_files"]  # a Humdrum file takes longer to read, and its twin in MusicXML is as good
        chorale = Chorale(name, split_of[name], int(row["transposition"]), row["variant"] == "satb+rep")
        chorales.setdefault(name, chorale)  # the strictest row comes first and decides key and repeats
    return tuple(chorales.values())


@cache
def load_chorales() -> Corpus:
    """Return the stand-in corpus, one frame per quarter. Reading it takes about three seconds, once per process.

    Files that this version of music21 lacks are listed in `rejected`.

    Raises:
        CorpusError: music21 is installed without its corpus, or a file of it is damaged.
    """
    from importlib.metadata import version  # a tenth of a second, which only this call is worth

    folder = corpus_folder()
    splits: dict[str, list[PianoRoll]] = {name: [] for name in SPLITS}
    rejected = []
    for chorale in chorale_split():
        path = folder / chorale.file
        if not path.is_file():
            rejected.append(Rejected(chorale.file, "not in this version of music21"))
            continue
        splits[chorale.split].append(read_chorale(path, chorale.transposition, chorale.repeats))
    train, valid, test = (tuple(splits[name]) for name in SPLITS)
    if not (train and valid and test):
        raise CorpusError(f"music21 is installed without its chorales: {REINSTALL}")
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
        source="chorales",
    )


def read_chorale(path: Path, transposition: int, repeats: bool) -> PianoRoll:
    """Return the voices of a chorale, one frame per quarter: frame t holds the pitches that sound at quarter t.

    The instruments that some cantatas add are not in the benchmark, and are left out. The song ends with its last note.

    Args:
        path: a file of music21's corpus. Time starts with the pickup.
        transposition: how far up, in semitones; down if negative.
        repeats: whether the repeated sections are played twice.

    Raises:
        CorpusError: the file cannot be read.
    """
    try:
        piece = read_piece(path, as_written=not repeats, quiet=True)
    except ScoreError as error:
        raise CorpusError(f"music21's file {path.name} cannot be read ({error.reason}): {REINSTALL}") from error
    named = any(part.name for part in piece.parts)  # in Humdrum no part is
    sung = [part for part in piece.parts if not named or part.name.lower().startswith(_VOICES)]
    if len(sung) < len(_VOICES):
        raise CorpusError(f"music21's file {path.name} cannot be read (no four voices): {REINSTALL}")
    notes = [(math.ceil(n.onset), math.ceil(n.end), n.pitch - LOWEST_PITCH) for part in sung for n in part.notes]
    frames = np.zeros((max(end for _, end, _ in notes), KEYS), dtype=bool)
    for onset, end, key in notes:
        frames[onset:end, key] = True
    return PianoRoll(frames, 1, title=path.stem).transposed(transposition)


def corpus_folder() -> Path:
    """Return the folder of Bach files inside music21, without importing music21.

    Raises:
        CorpusError: there is no such folder.
    """
    spec = importlib.util.find_spec("music21")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "corpus" / "bach"
        if folder.is_dir():
            return folder
    raise CorpusError(f"the chorales come inside the package music21, and it or its corpus is missing: {REINSTALL}")
