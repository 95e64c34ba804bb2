"""In which order the bars of a score are played: repeats, endings, da capo and dal segno."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST_TIMES = 16  # a section that is played more often is damage
MAX_PLAYED = 100_000  # bars


@dataclass(slots=True)
class Signs:
    """What stands in a bar about the order in which bars are played.

    Attributes:
        begins: whether a section begins with this bar that is repeated.
        times: how often the section is played that ends with this bar; 0 if none ends here.
        endings: the passes of the section in which this bar is played; empty if it is played in all of them.
        segno: whether a dal segno leads to this bar.
        coda: whether the coda begins with this bar.
        to_coda: whether this bar, when it is played after a jump, is followed by the coda.
        fine: whether this bar, when it is played after a jump, is the last one.
        jump: "capo" or "segno": where the music continues after this bar; "" if simply with the next one.
    """

    begins: bool = False
    times: int = 0
    endings: frozenset[int] = frozenset()
    segno: bool = False
    coda: bool = False
    to_coda: bool = False
    fine: bool = False
    jump: str = ""


# Signs in words.
_WORDS = {
    "fine": re.compile(r"fine\.?"),
    "capo": re.compile(r"(d\. ?c\.|d\.?c\.?|da capo)( al (fine|coda))?\.?"),
    "segno": re.compile(r"(d\. ?s\.|d\.?s\.?|dal segno)( al (fine|coda))?\.?"),
    "to_coda": re.compile(r"(to|al|alla) coda\.?"),
    "coda": re.compile(r"coda\.?"),
    "at_segno": re.compile(r"segno\.?"),
}
_LONGEST_WORDS = 40


def read_words(words: str, signs: Signs) -> None:
    """Read a direction in words, such as "D.C. al Fine": if it is one about the order of bars, it goes into `signs`."""
    plain = " ".join(words.lower().split()) if len(words) <= _LONGEST_WORDS else ""
    meant = next((name for name, pattern in _WORDS.items() if pattern.fullmatch(plain)), "")
    if meant in ("capo", "segno"):
        signs.jump = signs.jump or meant
    elif meant:
        setattr(signs, meant.removeprefix("at_"), True)


def playing_order(signs: Sequence[Signs]) -> tuple[list[int], str]:
    """Return the bars in the order in which they are played.

    A section without a beginning is repeated from the end of the section before it, or from the start. An ending whose
    bracket is too short reaches to the repeat sign before the next ending. After a jump, sections are played once, with
    their last ending, and the music ends at the fine or continues at the coda. What is not clear is passed over:
    endings that do not say what is played in each pass, and jumps that would leave out a bar for good, such as a da
    capo without a fine.

    Args:
        signs: what stands in each bar.

    Returns:
        The places of the bars, in the order of time, and what was passed over, "" if nothing.

    Example:
        >>> playing_order([Signs(), Signs(times=2), Signs()])
        ([0, 1, 0, 1, 2], '')
    """
    endings, last, unclear = _read_endings(signs)
    found = (_order(signs, endings, last, jumping=jumping) for jumping in (True, False))
    for order, passed_over in zip(found, ("", "a jump that is not clear"), strict=True):
        if len(set(order)) == len(signs):
            return order, ", ".join(filter(None, (unclear, passed_over)))
    return list(range(len(signs))), "repeats that are not clear"


def _read_endings(signs: Sequence[Signs]) -> tuple[list[frozenset[int]], list[int], str]:
    """Return the passes in which each bar is played (none: all of them), how many there are, and what is not clear."""
    endings = [sign.endings for sign in signs]
    last = [0] * len(signs)
    unclear = ""
    place = 0
    while place < len(signs):
        start = place
        brackets: dict[frozenset[int], int] = {}  # the last bar of each
        while place < len(signs) and endings[place]:
            numbers = endings[place]
            while place + 1 < len(signs) and endings[place + 1] == numbers:
                place += 1
            end = _end_of_bracket(signs, place)
            endings[place : end + 1] = [numbers] * (end + 1 - place)
            brackets[numbers] = end
            place = end + 1
        passes = sorted(number for numbers in brackets for number in numbers)
        most = max(passes, default=0)
        back = {numbers for numbers, end in brackets.items() if signs[end].times or signs[end].jump}
        if passes == list(range(1, most + 1)) and all(numbers in back or most in numbers for numbers in brackets):
            alone = len(brackets) == 1 and bool(back)  # one bracket: the last pass is the one without it
            last[start:place] = [most + alone] * (place - start)
        else:
            endings[start:place] = [frozenset()] * (place - start)
            unclear = "endings that are not clear"
        place += 1
    return endings, last, unclear


def _end_of_bracket(signs: Sequence[Signs], place: int) -> int:
    """Return the bar with the repeat sign before the next ending, or `place` if another sign comes first."""
    for end in range(place, len(signs)):
        sign = signs[end]
        if end > place and (sign.begins or sign.endings):
            break
        if sign.times:
            following = signs[end + 1].endings if end + 1 < len(signs) else frozenset()
            return end if following and following != signs[place].endings else place
    return place


def _order(
    signs: Sequence[Signs], endings: Sequence[frozenset[int]], last: Sequence[int], *, jumping: bool
) -> list[int]:
    """Return the order; one that is too short if it is endless or a jump leads nowhere."""
    order: list[int] = []
    place = section = opened = 0
    turn = 1
    while place < len(signs) and len(order) < MAX_PLAYED:
        sign = signs[place]
        before = last[place - 1] if place else 0
        if last[place] and not before:
            opened = place
        elif before and not last[place] and section < opened and place != section:  # after the last ending
            section, turn = place, 1
        if not endings[place] or turn in endings[place]:
            if place != section and sign.begins:
                section, turn = place, 1
            order.append(place)
            if sign.times and turn < min(last[place] or sign.times, MOST_TIMES):
                place, turn = section, turn + 1
                continue
            if sign.jump and jumping:
                rest = _after_jump(signs, endings, last, sign.jump)
                return order + rest if rest else []
            if sign.times:
                section, turn = place + 1, 1
        place += 1
    return order


def _after_jump(signs: Sequence[Signs], endings: Sequence[frozenset[int]], last: Sequence[int], jump: str) -> list[int]:
    """Return what is played after the jump; nothing if it leads nowhere."""
    targets = [place for place, sign in enumerate(signs) if sign.segno] if jump == "segno" else [0]
    coda = max((place for place, sign in enumerate(signs) if sign.coda), default=0)
    played: list[int] = []
    for place in range(targets[0], len(signs)) if len(targets) == 1 else ():
        sign = signs[place]
        if not endings[place] or last[place] in endings[place]:
            played.append(place)
            if sign.fine:
                return played
            if sign.to_coda and coda > place:
                return [*played, *range(coda, len(signs))]
    return []
