"""The tune of a piece, exactly as given, and what sounds of the tune in each frame of a roll."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import ceil

import numpy as np

from lmn_music.errors import ScoreError
from lmn_music.music.notes import MAX_FRAMES, STRUCK_LATE, Note
from lmn_music.music.part import Part
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll
from lmn_music.music.piece import Piece

# Parts of such names have the tune; the names that say so most clearly come first.
NAMES = (
    ("melod", "tune", "lead", "cantus", "canto", "air"),
    ("soprano", "sopran", "treble", "descant", "discantus", "superius"),
    ("voice", "vocal", "vox", "singer", "voce", "voix", "gesang", "stimme", "chant"),
)
MOST = Fraction(2, 3)  # of the time in which parts with such names sound
LEGATO = Fraction(1, 4)  # of a quarter: players hold a note a little into the next one, and it is one line all the same


def find_melody(piece: Piece) -> Part:
    """Return the tune of a piece.

    The tune is the only part that is not drums; else the part whose name says so (`NAMES`: "Melody", "Soprano", "Voice"
    and the like, but not one that sounds for less than half as long as another of them; of several, the highest on
    average; where singers take turns, so that it has less than two thirds of what they sing, all of them together);
    else all parts together. If that is one line of single notes, it is returned exactly as it is. Otherwise its top
    line is the tune: see `top_line`.

    Args:
        piece: the piece.

    Raises:
        ScoreError: the piece has no notes but drums.
    """
    parts = [part for part in piece.parts if not part.drums and part.notes]
    if not parts:
        raise ScoreError("no melody found: choose a file in which notes sound", "no notes")
    chosen = parts[0] if len(parts) == 1 else _named(parts)
    if chosen is None:
        notes = sorted((note for part in parts for note in part.notes), key=lambda note: (note.onset, note.pitch))
        return Part(top_line(notes), "Melody")
    return chosen if is_line(chosen.notes) else replace(chosen, notes=top_line(chosen.notes))


def _named(parts: Sequence[Part]) -> Part | None:
    found = [[part for part in parts if any(_begins(part.name, name) for name in names)] for names in NAMES]
    longest = max((_sounding(part) for same in found for part in same), default=Fraction(0))
    for same in found:
        if lasting := [part for part in same if _sounding(part) >= longest / 2]:
            chosen = max(lasting, key=lambda part: sum(note.pitch for note in part.notes) / len(part.notes))
            named = (note for same in found for part in same for note in part.notes)
            together = Part(top_line(sorted(named, key=lambda note: (note.onset, note.pitch))), "Melody")
            return chosen if _sounding(chosen) >= MOST * _sounding(together) else together
    return None


def _sounding(part: Part) -> Fraction:
    return sum((note.end - note.onset for note in part.notes), Fraction(0))


def _begins(title: str, name: str) -> bool:
    """Return whether a word of the title begins with the name; a short name has to be the whole word."""
    words = "".join(letter if letter.isalpha() else " " for letter in title.lower()).split()
    return any(word == name or (len(name) > 4 and word.startswith(name)) for word in words)


def is_line(notes: Sequence[Note]) -> bool:
    """Return whether no two notes sound together, but for a sixteenth or half of the first one, played legato."""
    return all(
        _overlap(before, note) <= min(LEGATO, (before.end - before.onset) / 2) for before, note in pairwise(notes)
    )


def _overlap(before: Note, note: Note) -> Fraction:
    return before.end - note.onset


def top_line(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Return the highest notes as one line: each is the highest that sounds at its onset, and ends at the next one.

    Args:
        notes: the notes, in the order of their onsets.
    """
    line: list[Note] = []
    highest: dict[Fraction, Note] = {}  # onset -> the highest note there
    for note in notes:
        if note.onset not in highest or note.pitch > highest[note.onset].pitch:
            highest[note.onset] = note
    for onset in sorted(highest):
        note = highest[onset]
        if line and line[-1].pitch > note.pitch:
            before = line[-1]
            if _overlap(before, note) > min(LEGATO, (before.end - before.onset) / 2):
                continue  # it sounds under a held note
        if line and line[-1].end > onset:
            line[-1] = line[-1]._replace(end=onset)
        line.append(note)
    return tuple(line)


def melody_roll(part: Part, length: Fraction, frames_per_quarter: int) -> PianoRoll:
    """Return what a line sounds in the frames of a roll: one key in each frame, or none where the line rests.

    It is the note that sounds at the start of the frame; more exactly, an eighth of a frame later, so that a note
    struck a little late counts and a grace note on the beat does not. Notes between two such places, ornaments among
    them, leave no trace, and neither do notes outside A0..C8.

    Args:
        part: the line, as `find_melody` returns it.
        length: the length of the piece in quarter notes, which is the length of the roll.
        frames_per_quarter: the number of frames that a quarter note lasts.

    Raises:
        ScoreError: the roll would be longer than 100,000 frames.
    """
    total = int(length * frames_per_quarter + Fraction(1, 2))
    if total > MAX_FRAMES:
        raise ScoreError(f"the piece lasts more than {MAX_FRAMES} frames: split it", "too long")
    frames = np.zeros((total, KEYS), dtype=bool)
    for note in part.notes:  # of two that overlap the later one counts
        start, end = (ceil(time * frames_per_quarter - STRUCK_LATE) for time in (note.onset, note.end))
        if start < end:
            frames[start:end] = False
            if 0 <= note.pitch - LOWEST_PITCH < KEYS:
                frames[start:end, note.pitch - LOWEST_PITCH] = True
    return PianoRoll(frames, frames_per_quarter, part.name)


def without_melody(roll: PianoRoll, melody: PianoRoll) -> PianoRoll:
    """Return the roll without the keys of a melody: the other voices of a song that was made for the melody.

    Args:
        roll: the song.
        melody: the melody, as `melody_roll` returns it; it may be shorter than the song.
    """
    frames = roll.frames.copy()
    frames[: len(melody)] &= ~melody.frames[: len(roll)]
    return replace(roll, frames=frames)
