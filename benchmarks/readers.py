"""What readers make of MIDI files that are not as they should be: the table of docs/files.md.

    python benchmarks/readers.py

The files, each with the notes that are in it, are those of the tests.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import pretty_midi
import symusic

from lmn_music.formats.midi import read_midi
from studies.tables import fill, markdown

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "files.md"
sys.path.append(str(ROOT))

from tests.formats import midi_cases as cases  # noqa: E402
from tests.formats.midi_bytes import chunk, midi, played, timed  # noqa: E402

Notes = list[tuple[int, Fraction, Fraction]]  # pitch, onset and end in quarters


def ours(data: bytes) -> Notes:
    """Read notes with lmn-music."""
    return [(note.pitch, note.onset, note.end) for part in read_midi(data, "").parts for note in part.notes]


def by_symusic(data: bytes) -> Notes:
    """Read notes with symusic."""
    song = symusic.Score.from_midi(data)
    notes = [note for track in song.tracks for note in track.notes]
    return [(note.pitch, Fraction(note.start, song.tpq), Fraction(note.end, song.tpq)) for note in notes]


def by_pretty_midi(data: bytes) -> Notes:
    """Read notes with pretty_midi, which mido reads the events for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        song = pretty_midi.PrettyMIDI(BytesIO(data))
    notes = [note for instrument in song.instruments for note in instrument.notes]
    ticks = [(note.pitch, song.time_to_tick(note.start), song.time_to_tick(note.end)) for note in notes]
    return [(pitch, Fraction(onset, song.resolution), Fraction(end, song.resolution)) for pitch, onset, end in ticks]


def files() -> dict[str, list[tuple[bytes, Notes]]]:
    """Return files of several kinds, each with its notes."""

    def quarters(notes: list[tuple[int, int, int]], ticks: int = 480) -> Notes:
        return [(pitch, Fraction(onset, ticks), Fraction(end, ticks)) for pitch, onset, end in notes]

    events = played(cases.SCALE)
    middle = len(events) // 2
    tick = events[middle][0]
    odd = [chunk(timed([*events[:middle], (tick, event), *events[middle:]])) for event, _ in cases.EVENTS.values()]
    both = [midi(first, chunk(cases.OTHER)) for first, _ in cases.FIRST.values()]
    return {
        "an odd event": [(midi(track), quarters(cases.SCALE)) for track in odd],
        "an odd length, header or wrapping": [
            *((data, quarters(cases.SCALE)) for data, _ in cases.AROUND.values()),
            *((data, quarters(cases.SCALE + cases.BASS)) for data in both),
        ],
        "notes and note-offs of one key": [
            (cases.of_one_key(messages), quarters(notes, cases.TICKS)) for messages, notes in cases.KEYS.values()
        ],
    }


def right(read: Callable[[bytes], Notes], data: bytes, notes: Notes) -> bool:
    """Return whether a reader finds just these notes."""
    try:
        return Counter(read(data)) == Counter(notes)
    except Exception:  # of every kind
        return False


def table() -> str:
    """Return how many files of each kind each reader reads right."""
    readers = {"lmn-music": ours, "symusic": by_symusic, "pretty_midi": by_pretty_midi}
    return markdown(
        {"read right": f"{kind}, {len(those)} files"}
        | {name: sum(right(read, data, notes) for data, notes in those) for name, read in readers.items()}
        for kind, those in files().items()
    )


if __name__ == "__main__":
    fill(PAGE, {"readers": table()}, alone=False)
