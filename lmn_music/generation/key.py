"""The key in which a model knows a piece."""

from __future__ import annotations

from lmn_music.corpora import NAMES
from lmn_music.models.checkpoint import CorpusInfo
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.music.piece import Piece
from lmn_music.music.tonality import key_of, semitones_to_c


def ways_to_model_key(piece: Piece, roll: PianoRoll, corpus: CorpusInfo) -> list[int]:
    """Return by how many semitones a piece may be moved to the key in which a model knows music, the nearest first.

    Args:
        piece: The piece, whose key counts.
        roll: What the model will read of it, which has to stay on the keyboard.
        corpus: What the model was trained on; where its songs are not in C, a piece stays where it is.

    Raises:
        ScoreError: The roll spans too much of the keyboard to be moved to C.
    """
    in_c = corpus.to_c or corpus.name in NAMES
    return semitones_to_c(roll, key_of(piece)[0]) if in_c else [0]
