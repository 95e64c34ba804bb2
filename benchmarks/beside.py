"""A file of music, read by us and by another reader: what each of them finds in it, and how long it takes."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

from lmn_music.errors import LmnMusicError
from lmn_music.formats import read_piece
from lmn_music.formats.abc import read_abc, split_abc
from lmn_music.formats.encodings import as_text
from lmn_music.formats.kern_worker import answer
from lmn_music.formats.musicxml import parse_score
from lmn_music.formats.musicxml_parts import read_parts
from lmn_music.formats.played import play
from lmn_music.formats.written_score import WrittenScore
from lmn_music.music.piece import Piece

STEPS = 48  # in a quarter note, to which times are rounded where readers count in other fractions

Found = Counter[str]
Sounding = set[tuple[int, int]]  # pitches, and the steps in which they sound


class Clock:
    """Adds up the seconds of the processor in a count."""

    def __init__(self, found: Found) -> None:
        self.found = found

    def __call__(self, name: str, work: Callable[[], Any]) -> Any:
        """Do some work and return its result."""
        start = time.process_time()
        try:
            return work()
        finally:
            self.found[name] += round(1000 * (time.process_time() - start))


def steps(quarters: Any) -> int:
    """Return a time in steps."""
    return round(Fraction(quarters) * STEPS)


def sounding(piece: Piece) -> Sounding:
    """Return what sounds in a piece."""
    return {
        (note.pitch, step)
        for part in piece.parts
        for note in part.notes
        for step in range(steps(note.onset), steps(note.end))
    }


def in_music21(score: Any) -> Sounding:
    """Return what sounds in a score of music21."""
    from music21.harmony import ChordSymbol

    notes = (n for n in score.flatten().notes if not n.duration.isGrace and not isinstance(n, ChordSymbol))
    return {
        (pitch.midi, step)
        for note in notes
        for pitch in note.pitches
        for step in range(steps(note.offset), steps(note.offset + note.quarterLength))
    }


def midi(path: Path) -> Found:
    """Compare a MIDI file."""
    import symusic

    found: Found = Counter()
    clock = Clock(found)
    piece = clock("ours, ms", lambda: read_piece(path, quiet=True))
    other = clock("other, ms", lambda: symusic.Score(path))
    ours = Counter((n.pitch, n.onset, n.end, n.velocity) for part in piece.parts for n in part.notes)
    theirs = Counter(
        (n.pitch, Fraction(n.start, other.tpq), Fraction(n.end, other.tpq), n.velocity)
        for track in other.tracks
        for n in track.notes
    )
    return found + Counter(bars=1, otherwise=ours != theirs)


def musicxml(path: Path) -> Found | None:
    """Compare a MusicXML file bar by bar; None if it is none."""
    import music21

    found: Found = Counter()
    clock = Clock(found)
    data = path.read_bytes()
    try:
        score = read_parts(parse_score(data))
    except LmnMusicError:
        return None
    clock("ours, ms", lambda: read_piece(path, quiet=True))
    other = clock("other, ms", lambda: music21.converter.parse(path, forceSource=True).toSoundingPitch())
    measures = [list(part.getElementsByClass(music21.stream.Measure)) for part in other.parts]
    for place, bar in enumerate(score.bars):
        here = [part[place] for part in measures if place < len(part)]
        notes: Counter[tuple[int, int, int]] = Counter()
        for element in (n for measure in here for n in measure.flatten().notes if not n.duration.isGrace):
            for note in getattr(element, "notes", (element,)):
                if isinstance(note, music21.note.Note) and not isinstance(element, music21.harmony.ChordSymbol):
                    notes[note.pitch.midi, steps(element.offset), steps(element.quarterLength)] += 1
        ours: Counter[tuple[int, int, int]] = Counter()
        for n in bar.notes:
            if not score.voices[n.voice].drums:
                onset, end = Fraction(n.onset, score.ticks), Fraction(n.end, score.ticks)
                ours[n.pitch, steps(onset), steps(end - onset)] += 1
        found["bars"] += 1
        found["otherwise"] += set(notes) != set(ours)
        found["adrift"] |= len({measure.offset for measure in here}) > 1
    return found


def humdrum(path: Path) -> Found:
    """Compare a Humdrum file; what is before the first full bar counts from the first note on in both."""
    import partitura

    found: Found = Counter()
    clock = Clock(found)
    text = as_text(path.read_bytes())
    lists = clock("ours, ms", lambda: answer(text))  # here, and not in its own process
    ours = sounding(clock("ours, ms", lambda: play(WrittenScore.from_lists(lists), "", as_written=True)))
    theirs: Sounding = set()
    for part in clock("other, ms", lambda: partitura.load_kern(path)).parts:
        quarter = part.quarter_map
        for note in part.notes:
            onset, end = (steps(float(quarter(point.t))) for point in (note.start, note.end))
            theirs.update((note.midi_pitch, step) for step in range(onset, end))
    moved = min((step for _, step in theirs), default=0) - min((step for _, step in ours), default=0)
    return found + Counter(bars=1, otherwise=ours != {(pitch, step - moved) for pitch, step in theirs})


def abc(path: Path) -> Found:
    """Compare the tunes of an ABC file."""
    import music21

    found: Found = Counter()
    clock = Clock(found)
    for tune in split_abc(path.read_bytes()).values():
        ours = sounding(clock("ours, ms", lambda tune=tune: read_abc(tune, "", as_written=True)))
        text = as_text(tune)
        score = None
        with suppress(Exception):  # of many kinds
            score = clock("other, ms", lambda text=text: music21.converter.parseData(text, format="abc"))
        found["bars"] += 1
        if score is None or ours != in_music21(score):
            found["otherwise"] += 1
            found[f"otherwise: {cause(text, ours)}"] += 1
    return found


def cause(text: str, ours: Sounding) -> str:
    """Return why music21 reads a tune otherwise: the first of its habits without which it reads it as we do."""
    import music21

    version = "%abc-2.1\n" + text  # below version 2, music21 lets an accidental hold for its note alone
    lines = [line if re.match(r"[A-Za-z]:|%", line) else plain(line) for line in version.splitlines()]
    for why, mended in (("accidentals", version), ("signs", "\n".join(lines))):
        with suppress(Exception):
            if in_music21(music21.converter.parseData(mended, format="abc")) == ours:
                return why
    return "key changes" if re.search(r"K:.*\n[^%]*(\n|\[)K:", text) else "other"


def plain(line: str) -> str:
    """Return a line of ABC without words, ornaments and grace notes."""
    return re.sub(r'"[^"]*"|![^!]*!|\{[^}]*\}|[.~HLMOPSTuv]', "", line)
