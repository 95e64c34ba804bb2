"""The tunes that come with the package, to try things on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lmn_music.errors import UsageError

if TYPE_CHECKING:
    from lmn_music.music.piece import Piece

_SUFFIX = ".musicxml"


def sample_tunes() -> list[str]:
    """Return the names of the tunes that come with the package.

    Example:
        >>> "greensleeves" in sample_tunes()
        True
    """
    from lmn_music.resources import resource

    return sorted(path.stem for path in resource("data", "samples").glob(f"*{_SUFFIX}"))


def sample_tune(name: str) -> Piece:
    """Read a tune that comes with the package.

    Args:
        name: one of `sample_tunes`.

    Returns:
        The tune.

    Raises:
        UsageError: there is no such tune.

    Example:
        >>> len(sample_tune("ode-to-joy").bars())
        16
    """
    from lmn_music.formats import read_piece
    from lmn_music.resources import resource

    if name not in sample_tunes():
        raise UsageError(f"there is no tune {name!r}: choose {', '.join(sample_tunes())}")
    return read_piece(resource("data", f"samples/{name}{_SUFFIX}"))
