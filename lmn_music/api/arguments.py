"""What the arguments of the api may be. A message names an argument in backticks; the command prints its option."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, SupportsIndex

from lmn_music.errors import UsageError


def whole_number(name: str, value: SupportsIndex, least: int, most: int | None = None) -> int:
    """Return a whole number, also one of NumPy or torch, as an int.

    Args:
        name: what the argument is called.
        value: what was given.
        least: the least number that is allowed.
        most: the largest number that is allowed; None if all larger numbers are.

    Raises:
        UsageError: it is not a whole number, or not between the two.

    Example:
        >>> whole_number("count", 3, 1)
        3
    """
    allowed = f", {least} or more" if most is None else f" from {least} to {most}"
    try:
        number = operator.index(value)
    except TypeError:
        raise UsageError(f"`{name}` is a whole number{allowed}, not {value!r}") from None
    if number < least or (most is not None and number > most):
        raise UsageError(f"`{name}` is a whole number{allowed}, not {number}")
    return number


def several(value: Any) -> list[Any]:
    """Return a list: of one thing, such as a single name, or of all that are given.

    Args:
        value: one thing, or several of them in a list or tuple; a text is one thing.

    Example:
        >>> several("a.mid"), several(["a.mid", "b.mid"])
        (['a.mid'], ['a.mid', 'b.mid'])
    """
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]


def output_files(out: str | Path | Sequence[str | Path], count: int = 1) -> list[list[Path]]:
    """Return the files of each of several songs, and check that they can be written.

    Args:
        out: the file of a song, or several files.
        count: how many songs there are; if it is more than one, their files are numbered: song-1.mid, song-2.mid.

    Raises:
        UsageError: a file cannot be written.

    Example:
        >>> [str(file) for (file,) in output_files("song.mid", 2)]
        ['song-1.mid', 'song-2.mid']
    """
    from lmn_music.formats import check_output
    from lmn_music.formats.registry import suffix_of

    def numbered(path: Path, number: int) -> Path:
        if count == 1:
            return path
        ending = path.name[-len(suffix_of(path)) :]
        return path.with_name(f"{path.name.removesuffix(ending)}-{number:0{len(str(count))}d}{ending}")

    paths = [Path(path) for path in several(out)]
    for path in paths:
        check_output(path)
    return [[numbered(path, number) for path in paths] for number in range(1, count + 1)]
