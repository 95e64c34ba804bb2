"""The key and the octave in which a model knows music."""

from __future__ import annotations

from lmn_music.corpora import NAMES
from lmn_music.models.checkpoint import CorpusInfo
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.music.piece import Piece
from lmn_music.music.tonality import key_of, mean_top_key, semitones_to_c


def way_to_model_key(piece: Piece, roll: PianoRoll, corpus: CorpusInfo) -> int:
    """Return by how many semitones a piece is moved to where a model knows such music; minus the result moves it back.

    The key becomes C, if the songs of the model are in C; the octave the one in which the top of the music lies nearest
    to the top of these songs. Corpora have octaves of their own: JSB Chorales sound an octave higher than written.

    Args:
        piece: the piece, whose key counts.
        roll: what the model will read of it, which has to stay on the keyboard.
        corpus: what the model was trained on. Where its songs are not in C, a piece stays where it is.

    Raises:
        ScoreError: the roll spans too much of the keyboard to be moved to C.
    """
    if not (corpus.to_c or corpus.name in NAMES):
        return 0
    ways = semitones_to_c(roll, key_of(piece)[0])
    if corpus.mean_top_key is None or not roll.notes:
        return ways[0]
    missing = corpus.mean_top_key - mean_top_key([roll])
    return min(ways, key=lambda way: abs(missing - way))
