"""What music shows of itself in a notebook: its picture, sound and score, as HTML that needs no other file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from fractions import Fraction
from html import escape
from io import BytesIO

import numpy as np

from lmn_music.errors import LmnMusicError
from lmn_music.files import as_utf8
from lmn_music.formats.audio import synthesize
from lmn_music.formats.output import file_bytes
from lmn_music.formats.sampler import SAMPLE_RATE
from lmn_music.music.piece import Piece

COARSER = 2  # of the samples of a sound file every second one: a notebook holds every sound that it shows
LONGEST = 180  # seconds of sound, 8 MB


def shown(piece: Piece, facts: Sequence[str], *, marked: tuple[Fraction, Fraction] | None = None) -> str:
    """Return a piece as HTML.

    Args:
        piece: the music.
        facts: lines of text above it; the first one is the heading.
        marked: where a stretch begins and ends that the picture marks, in quarter notes.
    """
    heading, *lines = (escape(as_utf8(fact)) for fact in facts)
    text = "<br>".join([f"<b>{heading}</b>", *lines])
    picture = _unless_refused(lambda: _image("piano-roll", "png", file_bytes(piece, ".png", marked=marked)))
    return "\n".join([f"<p>{text}</p>", picture, sound_and_score(piece)])


def sound_and_score(piece: Piece) -> str:
    """Return the sound of a piece, of a long piece the first three minutes, and its engraved score as HTML."""
    score = _unless_refused(lambda: _image("score", "svg+xml", file_bytes(piece, ".score.svg")))
    return f"{_unless_refused(lambda: _sound(piece))}\n{score}"


def _unless_refused(make: Callable[[], str]) -> str:
    """Return what is made, or why it cannot be made."""
    try:
        return make()
    except LmnMusicError as error:
        return f"<p>{escape(as_utf8(str(error)))}</p>"


def _image(name: str, kind: str, file: bytes) -> str:
    style = "display:block;max-width:100%;background:white"
    return f'<img alt="{name}" style="{style}" src="data:image/{kind};base64,{b64encode(file).decode()}">'


def _sound(piece: Piece) -> str:
    from scipy.io import wavfile
    from scipy.signal import resample_poly

    sound = resample_poly(synthesize(piece)[: LONGEST * SAMPLE_RATE], 1, COARSER)
    file = BytesIO()
    wavfile.write(file, SAMPLE_RATE // COARSER, np.rint(32767 * np.clip(sound, -1, 1)).astype(np.int16))
    data = b64encode(file.getvalue()).decode()
    return f'<audio controls preload="metadata" src="data:audio/wav;base64,{data}"></audio>'
