"""Writing music: a piano-roll or a piece becomes a file of the format that the file's name asks for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.errors import RenderingError, UsageError
from lmn_music.formats.registry import FORMATS, TEMPO, format_of, written, written_pieces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from lmn_music.music.metre import Bar
    from lmn_music.music.pianoroll import PianoRoll
    from lmn_music.music.piece import Piece


def check_output(path: Path) -> None:
    """Raise an error unless a song can be written to `path`. Meant to be called before a long job, not after it.

    Args:
        path: the file to write. Nothing is written to it yet.

    Raises:
        UsageError: the suffix is none that can be written (see `written`), `path` is a folder, or the folder around it
            does not exist or cannot be written to.
    """
    path = Path(path)
    entry = format_of(path)
    if entry is None or entry.write is None:
        raise UsageError(f"cannot tell from the name {path.name!r} what to write: end it with one of {written()}")
    check_place(path)


def check_place(path: Path) -> None:
    """Raise an error unless a file can be written to `path`, whatever its format.

    Args:
        path: the file to write.

    Raises:
        UsageError: `path` is a folder, or the folder around it does not exist or cannot be written to.
    """
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder: name a file")
        if not path.parent.is_dir():
            raise UsageError(f"the folder {path.parent} does not exist: make it first, or name another")
    except OSError as error:  # a name too long, a folder that may not be looked into
        raise UsageError(f"cannot write {path} ({error.strerror}): choose another place") from None
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"the folder {path.parent} cannot be written to: name another")


def check_length(path: Path, frames: int, frames_per_quarter: int, *, tempo: float = TEMPO) -> None:
    """Raise an error unless a roll of so many frames can be written to `path`, and be read again.

    Meant to be called before a long job, not after it.

    Args:
        path: the file to write; its suffix names the format.
        frames: the length of the roll.
        frames_per_quarter: the number of frames that a quarter note lasts.
        tempo: quarter notes per minute, for the formats that are played.

    Raises:
        UsageError: a tempo, or a number of frames per quarter, that the format cannot hold.
        RenderingError: the roll is too long.
    """
    from lmn_music.music.notes import MAX_FRAMES

    if frames > MAX_FRAMES:
        raise RenderingError(f"{frames} frames are more than can be read again: write at most {MAX_FRAMES}")
    entry = format_of(path)
    if entry is not None and entry.check is not None:
        entry.check(frames, frames_per_quarter, **entry.accepted(tempo=tempo))


def write_roll(
    roll: PianoRoll,
    path: str | Path,
    *,
    tempo: float = TEMPO,
    repeat_notes: bool = False,
    bars: Sequence[Bar] = (),
    marked: tuple[Fraction, Fraction] | None = None,
) -> None:
    """Write the roll in the format that the suffix of `path` names. The file appears whole or not at all.

    Args:
        roll: the song.
        path: the file to write; `written` lists the suffixes.
        tempo: quarter notes per minute, from 4 to 1000. For the formats that are played: MIDI and sound.
        repeat_notes: what becomes of a key that sounds in consecutive frames, as a piano-roll cannot tell a held note
            from a repeated one: False makes it one held note, True strikes it anew in every frame. For the formats that
            are played.
        bars: the bars of the song, for a picture; of four quarter notes if not given.
        marked: where a stretch begins and ends that a picture marks, in quarter notes.

    Raises:
        UsageError: as `check_output` and `check_length` raise it.
        LmnMusicError: the file cannot be written.
    """
    path = Path(path)
    check_output(path)
    entry = FORMATS[path.suffix.lower()]
    assert entry.write is not None  # as check_output has found
    entry.write(roll, path, **entry.accepted(tempo=tempo, repeat_notes=repeat_notes, bars=bars, marked=marked))


def write_piece(piece: Piece, path: str | Path) -> None:
    """Write the piece with its parts, exact times, tempo, metre and key. The file appears whole or not at all.

    Args:
        piece: the piece.
        path: the file to write; its suffix names a format that can hold a piece: .mid.

    Raises:
        UsageError: as `check_output` raises it; also a format that cannot hold a piece.
        LmnMusicError: the file cannot be written.
    """
    path = Path(path)
    check_output(path)
    entry = FORMATS[path.suffix.lower()]
    if entry.write_piece is None:
        raise UsageError(f"{path} would lose the parts of the piece: end the name with one of {written_pieces()}")
    entry.write_piece(piece, path)
