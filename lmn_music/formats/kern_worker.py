"""What the process behind `kern` does: it reads Humdrum with music21."""

from __future__ import annotations

import warnings
from typing import Any

from lmn_music.errors import ScoreError
from lmn_music.formats.bounded import serve
from lmn_music.formats.streams import read_stream


def answer(text: str) -> list[Any]:
    """Return a score as lists, see `WrittenScore.to_lists`.

    Args:
        text: the content of the file.

    Raises:
        ScoreError: music21 cannot read the text.
    """
    from music21 import converter
    from music21.stream import Opus, Score

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on the notation, which have no bearing on what sounds
            found: Any = converter.parseData(text, format="humdrum")
            if isinstance(found, Opus):
                found = next(iter(found.scores), Score())
            if not isinstance(found, Score):
                found = Score([found])
            return read_stream(found.toSoundingPitch()).to_lists()
    except MemoryError:
        raise
    except Exception as error:  # on odd files music21 raises errors of every kind
        raise ScoreError("music21 cannot read the file: export it anew", "unreadable (Humdrum)") from error


if __name__ == "__main__":
    serve(answer)
