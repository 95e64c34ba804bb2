"""Reading Humdrum (.krn) files, with music21, in a process that is stopped when it takes too long."""

from __future__ import annotations

from lmn_music.errors import ScoreError
from lmn_music.formats.bounded import Worker
from lmn_music.formats.encodings import as_text
from lmn_music.formats.played import play
from lmn_music.formats.written_score import WrittenScore
from lmn_music.music.piece import Piece

_WORKER = Worker("lmn_music.formats.kern_worker", seconds=10, megabytes=500)


def read_kern(data: bytes, title: str, *, as_written: bool = False) -> Piece:
    """Return the piece in a Humdrum file: each **kern spine is a part, the notes of its sub-spines voices of the part.

    Args:
        data: the content of the file.
        title: the title of the piece.
        as_written: whether each bar is played once; otherwise repeats are played out.

    Raises:
        ScoreError: music21 cannot read the file, or not in ten seconds of the processor and 500 MB.
    """
    text = as_text(data)
    if "**kern" not in text:
        raise ScoreError("the file has no **kern spine: choose one with notes", "unreadable (no **kern)")
    return play(WrittenScore.from_lists(_WORKER.ask(text)), title, as_written=as_written)
