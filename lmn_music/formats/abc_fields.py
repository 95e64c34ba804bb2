"""The fields of an ABC tune: key, metre, unit of length, tempo, voice; and the tunes of a file."""

from __future__ import annotations

import re
from fractions import Fraction

from lmn_music.music.metre import is_metre

FIELD = re.compile(r"[A-Za-z+]:|%")  # the beginning of a line that is no music
_EMPTY_LINE = re.compile(r"\n[ \t]*\n")
_TUNE = re.compile(r"^X:[ \t]*([0-9]*)", re.MULTILINE)
_FRACTION = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")
_METRE = re.compile(r"\(?([0-9]{1,3}(?:\+[0-9]{1,3})*)\)?/([0-9]{1,3})")
_KEY = re.compile(r"([A-G])([#b]?)\s*([A-Za-z]*)")
_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
_MODES = {
    "": 0,
    "maj": 0,
    "ion": 0,
    "m": -3,
    "min": -3,
    "aeo": -3,
    "mix": -1,
    "dor": -2,
    "phr": -4,
    "lyd": 1,
    "loc": -5,
}
_SHARPS = "FCGDAEB"
_STEPS = {"^": 1, "_": -1, "=": 0}


def split_tunes(text: str) -> dict[str, str]:
    """Return the tunes of a file, each with the header of the file before it, by their numbers.

    The numbers are those of the X: lines, or 1, 2, 3, ... where two tunes have the same or one has none. A tune ends at
    the first empty line after its K: line.

    Args:
        text: the content of the file.

    Example:
        >>> list(split_tunes("X:7\\nK:C\\nCDE\\n\\nX:9\\nK:D\\nDEF\\n"))
        ['7', '9']
    """
    starts = list(_TUNE.finditer(text))
    if not starts:
        return {}
    header = "".join(f"{line}\n" for line in text[: starts[0].start()].splitlines() if FIELD.match(line))
    ends = [*(match.start() for match in starts[1:]), len(text)]
    tunes = [header + _until_empty(text[match.start() : end]) for match, end in zip(starts, ends, strict=True)]
    names = [match[1] for match in starts]
    if "" in names or len(set(names)) < len(names):
        names = [str(place) for place in range(1, len(tunes) + 1)]
    return dict(zip(names, tunes, strict=True))


def _until_empty(text: str) -> str:
    """Return a tune without what follows the empty line at its end, which is no music."""
    key = re.search(r"^K:", text, re.MULTILINE)
    empty = _EMPTY_LINE.search(text, key.end() if key else 0)
    return text[: empty.start() + 1] if empty else text


def read_metre(text: str) -> tuple[int, int] | None:
    """Return beats and beat type of an M: field; None if it has none, as in M:none."""
    word = text.strip()
    if word in ("C", "C|"):
        return (4, 4) if word == "C" else (2, 2)
    found = _METRE.match(word)
    metre = (sum(map(int, found[1].split("+"))), int(found[2])) if found else (0, 0)
    return metre if is_metre(*metre) else None


def read_fraction(text: str) -> Fraction | None:
    """Return the fraction that a field begins with, such as the unit of length 1/8, in whole notes."""
    found = _FRACTION.match(text.strip())
    return Fraction(int(found[1]), int(found[2])) if found and int(found[1]) and int(found[2]) else None


def read_tempo(text: str, unit: Fraction) -> float | None:
    """Return the quarter notes per minute of a Q: field; None if it says none.

    Args:
        text: the field, such as "1/4=120", or "120", which counts units of length.
        unit: the unit of length, in whole notes.
    """
    text = re.sub(r'"[^"]*"', "", text)
    beats, equals, number = text.rpartition("=")
    found = re.search(r"[0-9]{1,4}", number)
    if found is None or not int(found[0]):
        return None
    lengths = [Fraction(int(a), int(b)) for a, b in _FRACTION.findall(beats) if int(b)]
    beat = sum(lengths, Fraction(0)) if equals and lengths else unit
    return float(int(found[0]) * beat * 4) or None


def read_key(text: str) -> tuple[int, str | None, dict[str, int]] | None:
    """Return sharps (flats if negative) and mode of a K: field, and how each letter is altered; None if it has no key.

    Args:
        text: the field, such as "G", "Am", "D mix", "HP", or "D exp ^f".
    """
    word = text.strip()
    if word[:2].upper() == "HP" or word.lower().startswith("none"):
        fifths = 2 if word[:2].upper() == "HP" else 0
        return fifths, None, _altered(fifths)
    found = _KEY.match(word)
    if found is None:
        return None
    mode = found[3].lower()
    mode = "" if mode.startswith(("exp", "clef", "treb", "bass", "alto", "octave", "transp")) else mode
    shift = _MODES.get(mode if mode == "m" else mode[:3])
    if shift is None:
        shift, mode = 0, ""
    fifths = _FIFTHS[found[1]] + {"#": 7, "b": -7, "": 0}[found[2]] + shift
    explicit = " exp" in f" {word}"
    altered = {} if explicit else _altered(fifths)
    for signs, letter in re.findall(r"(?:^|\s)(\^{1,2}|_{1,2}|=)([A-Ga-g])\b", word):
        altered[letter.upper()] = sum(_STEPS[sign] for sign in signs)
    name = {0: "major", -3: "minor"}.get(shift)
    return max(min(fifths, 7), -7), None if explicit else name, altered


def _altered(fifths: int) -> dict[str, int]:
    """Return the letters that a key signature alters."""
    letters = _SHARPS[:fifths] if fifths > 0 else _SHARPS[fifths:] if fifths < 0 else ""
    return dict.fromkeys(letters, 1 if fifths > 0 else -1)


def read_voice(text: str) -> tuple[str, str, int]:
    """Return the identity and the name of a V: field, and how many semitones from what is written the voice sounds.

    Args:
        text: the field, such as `2 clef=bass name="Left hand" octave=-1`.
    """
    identity = text.split(maxsplit=1)[0] if text.strip() else ""
    name = re.search(r'\b(?:name|nm)=(?:"([^"]*)"|(\S+))', text)
    return identity, (name[1] or name[2] or "") if name else "", read_transposition(text)


def read_transposition(text: str) -> int:
    """Return how many semitones from what is written a K: or V: field makes the music sound."""
    octaves, semitones = (re.search(rf"\b{word}=([+-]?[0-9]{{1,2}})", text) for word in ("octave", "transpose"))
    return 12 * int(octaves[1] if octaves else 0) + int(semitones[1] if semitones else 0)
