"""Arranging into files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.arguments import output_files

if TYPE_CHECKING:
    from lmn_music.generation.arrangement import Arrangement


def arrange_files(out: str | Path | Sequence[str | Path], arrange: Callable[[], Arrangement]) -> Arrangement:
    """Arrange a piece and write it; that it can be written is checked first.

    `write_piece` says what becomes of the piece in each format. A picture marks what is new.

    Args:
        out: one file, or several.
        arrange: does the work, such as `lambda: harmonise("tune.mid")`.

    Returns:
        What was written.

    Raises:
        LmnMusicError: a file cannot be written; also what arrange raises.

    Example:
        >>> from lmn_music import harmonise
        >>> arrange_files(["song.mid", "song.png"], lambda: harmonise("tune.mid")).seed  # doctest: +SKIP
        1234
    """
    from lmn_music.formats import write_piece

    (paths,) = output_files(out)
    song = arrange()
    for path in paths:
        write_piece(song, path, marked=song.new)
    return song
