"""Every file of music that music21 and partitura bring along, read by us and another reader: tables of docs/files.md.

    python benchmarks/scores.py    # about an hour; when it is stopped, it resumes

MIDI is compared with symusic, file by file: pitch, onset, end and velocity of each note. MusicXML is compared with
music21 bar by bar: the notes of each bar, and whether the parts begin it together. Humdrum, which music21 reads for us,
is compared with partitura, file by file, and ABC with music21, tune by tune: what sounds, and when; of the two largest
folders, each tenth file is taken. Times are those of the processor.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lmn_music.files import append
from lmn_music.words import counted
from studies.stored import read_json, write_json
from studies.tables import fill, markdown

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))

from benchmarks.beside import Found, abc, humdrum, midi, musicxml  # noqa: E402

PAGE = ROOT / "docs" / "files.md"
STORED = ROOT / "docs" / "results" / "scores.json"
LINES = ROOT / "runs" / "scores.jsonl"  # of each file what was found
THINNED = 10  # of the files in large folders, each tenth
LARGE = ("palestrina", "ryansMammoth")  # folders of more than a thousand files

UNITS = {
    "MIDI": ("files", "symusic"),
    "MusicXML": ("bars", "music21"),
    "ABC": ("tunes", "music21"),
    "Humdrum": ("files", "partitura"),
}

# Why the other reader reads otherwise: by the file, or of many tunes by what `cause` finds.
WHY = {
    "schubert/Lindenbaum.xml": "notes of a chord that are shorter than its first get the length of the first",
    "trecento/PMFC_13_04-Credo Cursor.xml": "an accidental is printed without an `<alter>`, which says what sounds",
    "lilypondTestSuite/32c-MultipleNotationChildren.xml": "as in Credo Cursor",
    "lilypondTestSuite/21f-Chord-ElementInBetween.xml": "a sign between the notes of a chord tears it apart",
    "musicxml/testTab.xml": "notes that have a string and a fret, but no pitch and no length, become middle C",
    "opus18no1/movement2.krn": "what a spine plays where it is split stands at the start of the piece, too",
    "accidentals": "an accidental holds for its note alone where no version is named; by the standard, for the bar",
    "signs": "words, ornaments or grace notes keep `<` and `>` from what they change, or become notes",
    "key changes": "after a change of key in the tune",
    "other": "not all were looked into; those that were have `<` or `>` beside a slur, where it does nothing",
}


def corpus(*suffixes: str) -> list[Path]:
    """Return the files of music21 and partitura with these endings."""
    import music21
    import partitura

    folders = [Path(str(module.__file__)).parent for module in (music21, partitura)]
    found = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    return [path for place, path in enumerate(found) if place % THINNED == 0 or path.parent.name not in LARGE]


KINDS: dict[str, tuple[Callable[[Path], Found | None], tuple[str, ...]]] = {
    "MIDI": (midi, (".mid", ".midi")),
    "MusicXML": (musicxml, (".xml", ".musicxml", ".mxl")),
    "ABC": (abc, (".abc",)),
    "Humdrum": (humdrum, (".krn",)),
}


def run() -> None:
    """Compare every file that is not compared yet."""
    LINES.parent.mkdir(exist_ok=True)
    LINES.touch()
    done = {(kind, name) for kind, name, _ in map(json.loads, LINES.read_text().splitlines())}
    for kind, (read, suffixes) in KINDS.items():
        for path in corpus(*suffixes):
            name = "/".join(path.parts[-2:])
            if (kind, name) not in done:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    append(LINES, json.dumps([kind, name, read(path)]) + "\n")


def store() -> None:
    """Store what was found, summed up."""
    stored: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    for kind, name, found in map(json.loads, LINES.read_text().splitlines()):
        if found is not None:
            counts = stored[kind]
            for what, count in {"files": 1, **found}.items():
                counts[what] = counts.get(what, 0) + count
            if found.get("otherwise") and kind != "ABC":  # of which many tunes differ, for few reasons
                counts.setdefault("differing", {})[name] = int(found["otherwise"])
    write_json(STORED, stored)


def table() -> str:
    """Return the table of what is stored."""
    return markdown(_rows(read_json(STORED)))


def differences() -> str:
    """Return the table of what the other readers read otherwise, and why."""
    return markdown(
        {
            "read otherwise": counted(found, UNITS[kind][0].removesuffix("s")),
            "in": where,
            "because": WHY.get(name, WHY["other"]),
        }
        for kind, counts in read_json(STORED).items()
        for name, found, where in _differing(counts)
    )


def _differing(counts: dict[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Yield names of WHY, counts and places."""
    for name, found in counts.get("differing", {}).items():
        yield name, found, name.rpartition("/")[2]
    for name, found in counts.items():
        if name.startswith("otherwise: "):
            yield name.removeprefix("otherwise: "), found, "ABC"


def _rows(stored: dict[str, dict[str, int]]) -> Iterator[dict[str, object]]:
    for name, counts in stored.items():
        unit, other = UNITS[name]
        yield {
            "": f"{name}, {counts['files']} files",
            "beside": other,
            "compared": f"{counts['bars']} {unit}",
            "read otherwise by it": counts.get("otherwise", 0),
            "files in which it lets the parts drift apart": counts.get("adrift", "") if name == "MusicXML" else "",
            "our seconds": round(counts["ours, ms"] / 1000, 1),
            "its seconds": round(counts["other, ms"] / 1000, 1),
        }


if __name__ == "__main__":
    run()
    store()
    fill(PAGE, {"scores": table(), "scores-otherwise": differences()}, alone=False)
