"""Arranging into files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.arguments import several

if TYPE_CHECKING:
    from lmn_music.generation.arrangement import Arrangement
    from lmn_music.music.piece import Piece

FRAMES_PER_QUARTER = (1, 2, 3, 4, 6, 8, 12)
TEMPO = 120.0  # of a MIDI file that names none


def arrange_files(out: str | Path | Sequence[str | Path], arrange: Callable[[], Arrangement]) -> Arrangement:
    """Arrange a piece and write it; that it can be written is checked first.

    A .mid file has the parts, the exact times, the tempo and the metre of the piece. Every other format has its roll,
    with as few frames as hold its times (12 per quarter note at most), and the first tempo of the piece. A picture
    marks what is new.

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
    from lmn_music.formats import FORMATS, check_output, write_piece, write_roll

    paths = [Path(path) for path in several(out)]
    for path in paths:
        check_output(path)
    song = arrange()
    for path in paths:
        if FORMATS[path.suffix.lower()].write_piece:
            write_piece(song, path)
        else:
            tempo = song.tempos[0].quarters_per_minute if song.tempos else TEMPO
            write_roll(song.roll(frames_for(song)), path, tempo=tempo, bars=song.bars(), marked=song.new)
    return song


def frames_for(piece: Piece) -> int:
    """Return the smallest of FRAMES_PER_QUARTER with which a roll holds all times of a piece exactly, else the last.

    Args:
        piece: the piece; its drums do not count.

    Returns:
        How many frames a quarter note lasts.
    """
    times = {time for part in piece.parts if not part.drums for note in part.notes for time in (note.onset, note.end)}
    fitting = (
        per_quarter for per_quarter in FRAMES_PER_QUARTER if all((t * per_quarter).denominator == 1 for t in times)
    )
    return next(fitting, FRAMES_PER_QUARTER[-1])
