"""Answers about a piece that there is: what surprises a model in it, how original it is, what it is as a file."""

from __future__ import annotations

import tempfile
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmn_music import api
from lmn_music.errors import LmnMusicError, ScoreError
from lmn_music.files import as_utf8
from lmn_music.formats import FORMATS, file_bytes, read_piece, readable
from lmn_music.music.pianoroll import LOWEST_PITCH, pitch_name
from lmn_music.music.piece import Piece
from lmn_music.studio.documents import data_of

if TYPE_CHECKING:
    from lmn_music import Checkpoint


def read_upload(name: str, data: bytes) -> dict[str, Any]:
    """Return the piece in a file that a page sends.

    Args:
        name: what the file is called there; its suffix names the format.
        data: what is in it.

    Raises:
        ScoreError: it cannot be read, or has no notes.
    """
    given = Path(as_utf8(name).replace("\\", "/").replace("\0", "")).name[-100:]
    suffix = Path(given).suffix.lower()
    if suffix not in FORMATS or FORMATS[suffix].read is None:
        raise ScoreError(f"{given or 'a file without a name'} cannot be read: choose a file of {readable()}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{uuid.uuid4().hex}{suffix}"
        path.write_bytes(data)
        try:
            piece = read_piece(path, quiet=True)
        except LmnMusicError as error:
            raise ScoreError(f"{given}: {str(error).removeprefix(f'{path}: ')}") from error
    if not piece.parts:
        raise ScoreError(f"{given} has no notes: choose a file in which notes sound")
    passed_over = piece.passed_over.partition(": #")[0]  # the page has no name behind which to put a number
    return data_of(replace(piece, title=piece.title.replace(path.stem, Path(given).stem), passed_over=passed_over))


def surprise_of(checkpoint: Checkpoint, piece: Piece, data: Path | None) -> dict[str, Any]:
    """Return how surprising each note and frame of a piece is for a model, and how much of it is in a training song.

    Args:
        checkpoint: the model.
        piece: the piece.
        data: see `lmn_music.load_corpus`.

    Returns:
        `notes`, rows of pitch, first frame and the nats of each frame; `frames`, rows of the nats of notes that begin,
        notes held and silent keys; `expected`, what else was likely in each frame; `nats`, per frame; `shared`, the
        longest run in chords that is in a training song too, null if these songs are not on this machine; `facts`.

    Raises:
        LmnMusicError: see `lmn_music.surprise`.
    """
    found = api.surprise(piece, checkpoint)
    (ranked,) = api.rank_songs(checkpoint, [found.roll], data=data)
    onsets, held, silence = found.parts
    return {
        "model": checkpoint.name,
        "frames_per_quarter": found.roll.frames_per_quarter,
        "nats": found.nats_per_frame,
        "usual": found.test_nll,
        "shared": ranked.chords,
        "facts": found.facts,
        "notes": [
            [note.key + LOWEST_PITCH, note.start, _rounded(found.nats[note.start : note.end, note.key])]
            for note in found.notes
        ],
        "frames": [_rounded(row) for row in zip(onsets, held, silence, strict=True)],
        "expected": [
            [[pitch_name(key), round(chance, 3)] for key, chance in found.expected(frame)]
            for frame in range(len(found.roll))
        ],
    }


def file_of(piece: Piece, suffix: str) -> bytes:
    """Return a piece as a file.

    Args:
        piece: the piece.
        suffix: of the format, such as ".mid".

    Raises:
        LmnMusicError: there is no such format, or it cannot hold the piece.
    """
    return file_bytes(piece, suffix)


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 3) for value in values]
