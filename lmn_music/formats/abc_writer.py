"""Writing ABC: the text in which folk tunes are passed on, with a voice for each voice of the written-out piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from lmn_music.files import as_utf8, replacing
from lmn_music.formats.midi_writer import KEY_NAMES
from lmn_music.music.metre import Metre
from lmn_music.music.piece import KeySignature, Piece
from lmn_music.music.sheet import Player, Sheet, Voice, Written, write_out
from lmn_music.music.spelling import Spelled, altered

UNIT = Fraction(1, 2)  # of a quarter: an eighth is a letter without a number
BARS_IN_LINE = 4
REST = "z"  # also where a voice comes and goes: few programs know the rest that is not shown
_ACCIDENTALS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}
_CLEFS = {"G": "treble", "C": "alto", "F": "bass"}


def write_abc(piece: Piece, path: Path) -> None:
    """Write the piece as ABC 2.1: see `write_out` for how its notes are written.

    Args:
        piece: the piece.
        path: the file to write.

    Raises:
        ScoreError: there are more than 100,000 bars.
        LmnMusicError: the file cannot be written.
    """
    content = to_abc(write_out(piece))
    with replacing(path) as temporary:
        temporary.write_text(content, encoding="utf-8", newline="\n")


def to_abc(sheet: Sheet) -> str:
    """Return the content of an ABC file: one tune.

    Args:
        sheet: the written piece.
    """
    lines = ["%abc-2.1", "X:1", f"T:{_text(sheet.title)}", f"M:{_metre(sheet.metres[0])}", "L:1/8"]
    if sheet.tempos:
        lines.append(f"Q:{_tempo(sheet.tempos[0].quarters_per_minute, sheet.metres[0])}")
    voices = [(player, staff, voice) for player in sheet.players for staff in player.staves for voice in staff.voices]
    if len(voices) > 1:
        lines.append(f"%%score {_grouped(sheet.players)}")
    lines.append(f"K:{_key(sheet.keys[0])}")
    for number, (player, staff, voice) in enumerate(voices, start=1):
        if len(voices) > 1:
            name = f' name="{_text(player.name)}"' if player.name else ""
            lines.append(f"V:{number} clef={_CLEFS[staff.clef.sign]}{name}")
        if player.program:
            lines.append(f"%%MIDI program {player.program}")
        bars = [_bar(sheet, place, voice, tempos=number == 1) for place in range(len(sheet.bars))]
        for first in range(0, len(bars), BARS_IN_LINE):
            last = first + BARS_IN_LINE >= len(bars)
            lines.append(" | ".join(bars[first : first + BARS_IN_LINE]) + (" |]" if last else " |"))
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """Return the text without what would end it or begin a comment."""
    clean = "".join(letter if letter.isprintable() else " " for letter in as_utf8(text))
    return clean.replace("\\", "/").replace("%", "\\%").replace('"', "'")


def _metre(metre: Metre) -> str:
    return f"{metre.beats}/{metre.beat_type}"


def _key(key: KeySignature) -> str:
    return KEY_NAMES[min(max(key.fifths, -7), 7), key.mode or "major"]


def _tempo(quarters_per_minute: float, metre: Metre) -> str:
    """Return how many beats there are in a minute: of 6/8, dotted quarters, if their number is a whole one."""
    beat = metre.beat if metre.is_compound else Fraction(1)
    if quarters_per_minute % float(beat):
        beat = Fraction(1)
    return f"{beat / 4}={quarters_per_minute / float(beat):g}"


def _grouped(players: Sequence[Player]) -> str:
    """Return which voices share a staff, in parentheses, and which staves a player, in braces."""
    groups = []
    number = 0
    for player in players:
        staves = []
        for staff in player.staves:
            names = [str(number + place) for place in range(1, len(staff.voices) + 1)]
            number += len(names)
            staves.append(f"({' '.join(names)})" if len(names) > 1 else names[0])
        groups.append(f"{{{' '.join(staves)}}}" if len(staves) > 1 else staves[0])
    return " ".join(groups)


def _bar(sheet: Sheet, place: int, voice: Voice, *, tempos: bool) -> str:
    """Return a bar of a voice, after the changes of metre, key and tempo that it begins with."""
    bar, metre, key = sheet.bars[place], sheet.metres[place], sheet.keys[place]
    changes = ""
    if place and sheet.metres[place - 1][1:] != metre[1:]:
        changes += f"[M:{_metre(metre)}]"
    if place and sheet.keys[place - 1][1:] != key[1:]:
        changes += f"[K:{_key(key)}]"
    if tempos:
        for tempo in sheet.tempos[1:]:
            if bar.start <= tempo.onset < bar.end:
                changes += f"[Q:{_tempo(tempo.quarters_per_minute, metre)}]"
    signs = voice.bars[place]
    if not signs:  # another voice of the staff has the bar
        return changes + REST + _length(bar.end - bar.start)
    start = bar.start if bar.number else bar.end - metre.quarters
    text = ""
    for sign, written in zip(signs, _signs(signs, key), strict=True):
        if text and ((sign.onset - start) / metre.beat).denominator == 1:
            text += " "  # what stands together is beamed
        text += written
    return changes + text


def _signs(signs: Sequence[Written], key: KeySignature) -> Iterator[str]:
    """Yield each sign as text."""
    said: set[str] = set()
    left = Fraction(0)  # of the triplet, or the part of one, that has begun
    for place, sign in enumerate(signs):
        opening = ""
        if sign.length.denominator % 3 == 0 and not left:
            members = _triplet(signs[place:])
            opening = f"(3:2:{len(members)}" if len(members) != 3 else "(3"
            left = sum((member.length for member in members), Fraction(0))
        tuplet = bool(left)
        left -= sign.length if tuplet else 0
        length = _length(sign.length * Fraction(3, 2) if tuplet else sign.length)
        if not sign.pitches:
            yield opening + REST + length
            continue
        notes = [_note(spelled, key, said) for spelled in sign.pitches]
        all_tied = all(sign.tied)
        if len(notes) == 1:
            yield opening + notes[0] + length + ("-" if all_tied else "")
            continue
        inner = "".join(
            note + ("-" if tied and not all_tied else "") for note, tied in zip(notes, sign.tied, strict=True)
        )
        yield f"{opening}[{inner}]{length}" + ("-" if all_tied else "")


def _triplet(signs: Sequence[Written]) -> list[Written]:
    """Return the signs from the first one on that together last as long as some that are no triplets."""
    members: list[Written] = []
    total = Fraction(0)
    for sign in signs:
        members.append(sign)
        total += sign.length
        if total.denominator % 3:
            break
    return members


def _length(quarters: Fraction) -> str:
    """Return a length as the number behind a letter: "" for an eighth, "2" for a quarter, "/2" for a sixteenth."""
    units = quarters / UNIT
    if units.denominator == 1:
        return "" if units == 1 else str(units.numerator)
    return ("" if units.numerator == 1 else str(units.numerator)) + f"/{units.denominator}"


def _note(spelled: Spelled, key: KeySignature, said: set[str]) -> str:
    """Return a note. Its accidental is written wherever the key alone would not say it, as programs differ in the rest.

    Args:
        spelled: the note.
        key: the key signature.
        said: the letters that have had an accidental in the bar so far, in any octave.
    """
    letter, alter, octave = spelled
    expected = altered(letter, key.fifths)
    sign = _ACCIDENTALS[alter] if alter != expected or letter in said else ""
    if sign:
        said.add(letter)
    if octave >= 5:
        return sign + letter.lower() + "'" * (octave - 5)
    return sign + letter + "," * (4 - octave)
