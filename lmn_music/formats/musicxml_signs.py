"""Signs in a MusicXML score that are no notes: time and key signatures, tempos, repeats, endings, jumps."""

from __future__ import annotations

import math
import re
from xml.etree.ElementTree import Element

from lmn_music.formats.repeats import MOST_TIMES, read_words
from lmn_music.formats.written_score import WrittenBar
from lmn_music.music.metre import is_metre

_LONGEST_BEATS = 40


def read_number(text: str | None) -> float | None:
    """Return the number that `text` says; None if it says something else, or a negative one."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def read_whole(text: str | None) -> int | None:
    """Return the whole number of at most nine digits that `text` says; None if it says something else."""
    return int(text) if text and re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", text) else None


def read_time(element: Element) -> tuple[int, int] | None:
    """Return beats and beat type of a <time>, several added up; None if they make no time signature.

    Args:
        element: the <time>, such as that of 3+2/8, or of 2/4 and 3/8.
    """
    texts = [[child.text or "" for child in element.iterfind(tag)] for tag in ("beats", "beat-type")]
    if max(map(len, texts[0]), default=0) > _LONGEST_BEATS:
        return None
    beats = [sum(read_whole(part) or 0 for part in text.split("+")) for text in texts[0]]
    types = [read_whole(text) or 0 for text in texts[1]]
    if not beats or len(beats) != len(types) or not all(map(is_metre, beats, types)):
        return None
    shortest = max(types)
    total = sum(number * shortest // beat_type for number, beat_type in zip(beats, types, strict=True))
    return (total, shortest) if is_metre(total, shortest) else None


def read_key(element: Element, semitones: int) -> tuple[int, str | None] | None:
    """Return sharps (flats if negative) and mode of a <key>; None if it has none or too many.

    Args:
        element: the <key>.
        semitones: how far up the instrument sounds.
    """
    fifths = read_whole(element.findtext("fifths"))
    if fifths is None or abs(fifths) > 7:
        return None
    if semitones % 12:
        fifths = (fifths + 7 * semitones + 5) % 12 - 5
    mode = element.findtext("mode")
    return fifths, mode if mode in ("major", "minor") else None


def read_direction(element: Element, bar: WrittenBar, now: int) -> None:
    """Read a <direction> or <sound>: tempos, and signs about the order of bars.

    Args:
        element: the element.
        bar: the bar in which it stands.
        now: where in the bar, in ticks.
    """
    for sound in [element] if element.tag == "sound" else element.iterfind("sound"):
        if tempo := read_number(sound.get("tempo")):
            bar.tempos.setdefault(now, tempo)
        signs = bar.signs
        signs.segno |= sound.get("segno") is not None
        signs.coda |= sound.get("coda") is not None
        signs.to_coda |= sound.get("tocoda") is not None
        signs.fine |= sound.get("fine") is not None
        signs.jump = signs.jump or (
            "capo" if sound.get("dacapo") == "yes" else "segno" if sound.get("dalsegno") else ""
        )
    for kind in element.iterfind("direction-type"):
        for child in kind:
            if child.tag == "segno":
                bar.signs.segno = True
            elif child.tag == "words" and child.text:
                read_words(child.text, bar.signs)


class BarLines:
    """Reads the bar lines of a part: repeats and endings."""

    def __init__(self) -> None:
        self._numbers: frozenset[int] = frozenset()  # of the ending that is open
        self._bars: list[WrittenBar] = []  # of the ending that is open
        self._begins_next = False

    def read(self, measure: Element, bar: WrittenBar, before: WrittenBar | None) -> None:
        """Read the bar lines of a measure.

        Args:
            measure: the measure.
            bar: the bar that it is.
            before: the bar before it, if there is one.
        """
        bar.signs.begins |= self._begins_next
        self._begins_next = closes = False
        for line in measure.iterfind("barline"):
            left = line.get("location") == "left"
            ending, repeat = line.find("ending"), line.find("repeat")
            if ending is not None:
                opens = ending.get("type") == "start"
                if opens:
                    self.close(1)  # where no bar line ends it, an ending is one bar
                closes |= not opens
                self._numbers = self._numbers or _numbers(ending.get("number"))
            if repeat is not None and repeat.get("direction") == "forward":
                self._begins_next = line.get("location", "right") == "right"
                bar.signs.begins |= not self._begins_next
            elif repeat is not None:
                signs = before.signs if left and before else bar.signs
                signs.times = max(signs.times, min(read_whole(repeat.get("times")) or 2, MOST_TIMES))
                closes |= not left
        if self._numbers:
            self._bars.append(bar)
        if closes:
            self.close(len(self._bars))

    def close(self, count: int) -> None:
        """End the ending that is open, if one is, `count` bars after its beginning."""
        for bar in self._bars[:count]:
            bar.signs.endings |= self._numbers
        self._numbers, self._bars = frozenset(), []


def _numbers(text: str | None) -> frozenset[int]:
    """Return the numbers of an ending, such as those of "1, 2"."""
    return frozenset(int(number) for number in re.findall(r"[0-9]+", text or "") if len(number) < 3 and int(number))
