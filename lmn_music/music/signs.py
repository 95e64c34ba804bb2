"""What is drawn at the notes of a sheet: ties, and the accidentals that are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from lmn_music.music.sheet import Sheet, Voice, Written
from lmn_music.music.spelling import Spelled, altered

Place = tuple[Fraction, Spelled]  # a note of a staff: when it is written, and what


def ties(voice: Voice) -> dict[Place, str]:
    """Return what each note of a voice that has a tie does with it: "start", "stop" or "continue".

    Args:
        voice: the voice.
    """
    kinds: dict[Place, str] = {}
    before: set[Spelled] = set()
    for sign in (sign for bar in voice.bars for sign in bar):
        after = {spelled for spelled, tied in zip(sign.pitches, sign.tied, strict=True) if tied}
        for spelled in sign.pitches:
            if spelled in before or spelled in after:
                both = spelled in before and spelled in after
                kinds[sign.onset, spelled] = "continue" if both else "stop" if spelled in before else "start"
        before = after
    return kinds


def accidentals(sheet: Sheet, voices: Sequence[Voice]) -> set[Place]:
    """Return the notes that need an accidental: neither the key nor an earlier one in the bar has said it.

    A note that a tie continues needs none.

    Args:
        sheet: the written piece.
        voices: the voices that share accidentals: those of a staff.
    """
    needed: set[Place] = set()
    continued: set[Place] = set()
    for place, _ in enumerate(sheet.bars):
        said: dict[tuple[str, int], int] = {}
        for sign in _in_time([voice.bars[place] for voice in voices]):
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
