"""Writing music: a piano-roll or a piece becomes a file of the format that the file's name asks for."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.errors import RenderingError, UsageError
from lmn_music.formats.registry import TEMPO, Format, format_of, writable

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from lmn_music.music.pianoroll import PianoRoll
    from lmn_music.music.piece import Piece

_log = logging.getLogger(__name__)  # its warnings reach stderr unless the program arranges something else


def check_output(path: Path) -> None:
    """Raise an error unless a song can be written to `path`. Meant to be called before a long job, not after it.

    Args:
        path: the file to write. Nothing is written to it yet.

    Raises:
        UsageError: the suffix is none that can be written (see `writable`), `path` is a folder, or the folder around it
            does not exist or cannot be written to.
    """
    _entry(Path(path))
    check_place(Path(path))


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
        tempo: quarter notes per minute.

    Raises:
        UsageError: a tempo, or a number of frames per quarter, that the format cannot hold.
        RenderingError: the roll is too long.
    """
    from lmn_music.music.notes import MAX_FRAMES

    if frames > MAX_FRAMES:
        raise RenderingError(f"{frames} frames are more than can be read again: write at most {MAX_FRAMES}")
    entry = format_of(path)
    if entry is not None and entry.check is not None:
        entry.check(frames, frames_per_quarter, tempo=tempo)


def write_roll(roll: PianoRoll, path: str | Path, *, tempo: float = TEMPO, repeat_notes: bool = False) -> None:
    """Write the roll in the format that the suffix of `path` names. The file appears whole or not at all.

    A format that knows more than frames receives the roll as `perform` writes it out: in voices or hands, with bars,
    key, tempo and velocities.

    Args:
        roll: the song.
        path: the file to write; `writable` lists the suffixes.
        tempo: quarter notes per minute, from 4 to 1000.
        repeat_notes: what becomes of a key that sounds in consecutive frames, as a piano-roll cannot tell a held note
            from a repeated one: False makes it one held note, True strikes it anew in every frame.

    Raises:
        UsageError: as `check_output` and `check_length` raise it.
        LmnMusicError: the file cannot be written.
    """
    from lmn_music.music.performing import perform
    from lmn_music.music.tonality import find_key, key_name

    path = Path(path)
    check_output(path)
    check_length(path, len(roll), roll.frames_per_quarter, tempo=tempo)
    entry, write = _entry(path)
    if entry.rolls:
        write(roll, path, **entry.accepted(key=key_name(*find_key(roll)) if roll.frames.any() else ""))
    else:
        write(perform(roll, tempo=tempo, repeat_notes=repeat_notes), path)


def write_piece(piece: Piece, path: str | Path, *, marked: tuple[Fraction, Fraction] | None = None) -> None:
    """Write the piece in the format that the suffix of `path` names. The file appears whole or not at all.

    A format that knows only frames receives the roll of the piece, with as few frames as hold its times, 12 per quarter
    note at most. Where notes are left out of the file or moved, one line of Python's `logging` says so.

    Args:
        piece: the piece.
        path: the file to write; `writable` lists the suffixes.
        marked: where a stretch begins and ends that a picture marks, in quarter notes.

    Raises:
        UsageError: as `check_output` raises it.
        ScoreError: the format knows only frames, and the piece has no note that a roll can hold.
        LmnMusicError: the file cannot be written.
    """
    from lmn_music.music.tonality import key_name, key_of

    path = Path(path)
    check_output(path)
    entry, write = _entry(path)
    if entry.rolls:
        roll = piece.roll(piece.frames_needed())
        write(roll, path, **entry.accepted(bars=piece.bars(), key=key_name(*key_of(piece)), marked=marked))
    else:
        write(piece, path)
    if losses := list(entry.losses(piece)) if entry.losses else []:
        _log.warning("%s: left out %s", path, ", ".join(losses))


def file_bytes(piece: Piece, suffix: str, *, marked: tuple[Fraction, Fraction] | None = None) -> bytes:
    """Return what `write_piece` would write.

    Args:
        piece: the piece.
        suffix: the suffix of the format, such as ".mid".
        marked: see `write_piece`.

    Raises:
        LmnMusicError: see `write_piece`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"song{suffix}"
        write_piece(piece, path, marked=marked)
        return path.read_bytes()


def _entry(path: Path) -> tuple[Format, Callable[..., None]]:
    """Return the format that the name of a file asks for, and what writes it; UsageError if there is none."""
    entry = format_of(path)
    if entry is None or entry.write is None:
        raise UsageError(f"cannot tell from the name {path.name!r} what to write: end it with one of {writable()}")
    return entry, entry.write
