"""Reading music: a file of any readable format becomes a piece, or a piano-roll."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.errors import ScoreError
from lmn_music.files import as_utf8, printable
from lmn_music.formats.registry import format_of, readable, readable_labels

if TYPE_CHECKING:
    from lmn_music.music.pianoroll import PianoRoll
    from lmn_music.music.piece import Piece

_log = logging.getLogger(__name__)  # its warnings reach stderr unless the program arranges something else


def read_score(path: str | Path, frames_per_quarter: int = 2, *, as_written: bool = False) -> PianoRoll:
    """Return the music of a file as a piano-roll: what sounds on each frame of the piece that `read_piece` returns.

    Notes between two frames leave no trace, as in the benchmark corpora; `Piece.sounding` says more. Drums and notes
    outside A0..C8 are left out.

    Args:
        path: the file; its suffix names the format, `readable` lists them.
        frames_per_quarter: the number of frames that a quarter note lasts in the roll.
        as_written: see `read_piece`.

    Returns:
        The roll. Its title is the one in the file, if the format has titles (.npz), else the name of the file without
        its suffix.

    Raises:
        ScoreError: there is no such file, it cannot be read, or it holds no notes. Its `reason` is short and leaves out
            the name of the file.
        ValueError: `frames_per_quarter` is below 1.
    """
    if frames_per_quarter < 1:
        raise ValueError(f"frames_per_quarter must be a positive whole number, not {frames_per_quarter}")
    piece = read_piece(path, as_written=as_written)
    with _naming(path), _collecting_later():
        return piece.sounding(frames_per_quarter)


def read_piece(path: str | Path, *, as_written: bool = False, quiet: bool = False) -> Piece:
    """Return the music of a file with its parts, its exact times, its tempo, metre and key.

    `read_midi` and `read_musicxml` say what their formats leave out. The time that reading takes is bounded, whatever
    the file holds. What in the file makes no sense is passed over where the notes are clear all the same; one line of
    Python's `logging` says so.

    Args:
        path: the file; its suffix names the format, `readable` lists them. Of several tunes in an ABC file, the first
            one is read, or the one with the number that follows the name, as in tunes.abc#12.
        as_written: whether each bar of a score is read once. Otherwise its repeats are played out, with their endings,
            da capo and dal segno, and bars are counted as they are played.
        quiet: whether to leave that line to the caller, who finds it in `passed_over`.

    Returns:
        The piece. Its title is as for `read_score`. It may have no parts, or drums only.

    Raises:
        ScoreError: there is no such file, or it cannot be read. Its `reason` is short and leaves out the name of the
            file.
    """
    file, song = _address(Path(path))
    entry = format_of(file)
    if entry is None or entry.read is None:
        reason = f"not a {readable_labels()} file"
        raise ScoreError(f"{path}: {reason}; give one of {readable()}", reason)
    with _naming(path), _collecting_later():
        data, title, others = _bytes(file, entry.max_bytes), as_utf8(file.stem), ""
        if entry.split is not None:
            data, title, others = _choose(entry.split(data), song, data, title)
        options = {"as_written": as_written} if entry.repeats else {}
        piece = entry.read(data, title, **options)
    if others:
        piece = replace(piece, passed_over=", ".join(filter(None, (piece.passed_over, others))))
    if piece.passed_over and not quiet:
        _log.warning("%s: passed over %s", printable(str(path)), piece.passed_over)
    return piece


def songs_in(path: Path) -> list[Path]:
    """Return the songs in a file as `read_piece` takes them: the path, or one for each song if there are several.

    Args:
        path: the file, which need not be readable.
    """
    entry = format_of(path)
    if entry is not None and entry.split is not None:
        with suppress(ScoreError):
            songs = entry.split(_bytes(path, entry.max_bytes))
            if len(songs) > 1:
                return [path.with_name(f"{path.name}#{name}") for name in songs]
    return [path]


def _address(path: Path) -> tuple[Path, str]:
    """Return the file in a path, and the name of the song, as in tunes.abc#12; else the path itself and ""."""
    name, _, song = path.name.rpartition("#")
    entry = format_of(Path(name))
    return (path.with_name(name), song) if entry is not None and entry.split is not None else (path, "")


def _choose(songs: dict[str, bytes], song: str, data: bytes, title: str) -> tuple[bytes, str, str]:
    """Return the bytes of a song, its title, and which songs are passed over.

    Args:
        songs: those in the file.
        song: the one that is asked for; the first one if "".
        data: the whole file, which is taken where nothing is known of songs.
        title: the title of the file.
    """
    if song and song not in songs:
        there = f"{', '.join(list(songs)[:10])}{', ...' if len(songs) > 10 else ''}" or "none"
        raise ScoreError(f"there is no song {song} in the file: choose one of {there}", "no such song")
    names = list(songs)
    if len(names) < 2:
        return (songs[names[0]] if names else data), title, ""
    chosen = song or names[0]
    others = "" if song else f"all songs but the first of {len(names)}: #{names[1]} behind the name chooses another"
    return songs[chosen], f"{title} {chosen}", others


@contextmanager
def _naming(path: str | Path) -> Iterator[None]:
    """Put the name of the file before the message of a ScoreError."""
    try:
        yield
    except ScoreError as error:
        # The cause of the error without the path is the one that helps, if there is any.
        raise ScoreError(f"{path}: {error}", error.reason) from error.__cause__


@contextmanager
def _collecting_later() -> Iterator[None]:
    """Search for unreachable objects afterwards: of the half million notes of a long file, every one is in use."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _bytes(path: Path, most: int) -> bytes:
    """Return the content of a file that is neither empty nor longer than `most` bytes."""
    try:
        if path.exists() and not path.is_file():  # reading a pipe would wait for ever
            raise ScoreError("this is not a file: name a file", "not a file")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        raise ScoreError("there is no such file: check the name", "no such file") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ScoreError(
            f"cannot be read ({reason}): check the name and permissions", f"unreadable ({reason})"
        ) from None
    if not data:
        raise ScoreError("the file is empty: export it anew", "unreadable (empty file)")
    if len(data) > most:
        raise ScoreError(f"the file has more than {most} bytes: split the piece", "too long (bytes)")
    return data
