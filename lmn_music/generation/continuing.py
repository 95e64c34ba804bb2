"""More bars of a piece."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil

from lmn_music.generation.constraints import Limits
from lmn_music.generation.key import way_to_model_key
from lmn_music.generation.parts import notes_of, with_notes
from lmn_music.generation.sampler import generate_song
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.music.piece import Piece


def continue_piece(
    checkpoint: Checkpoint,
    piece: Piece,
    *,
    seed: int,
    bars: int = 8,
    temperature: float = 1.0,
    limits: Limits | None = None,
) -> tuple[Piece, Fraction]:
    """Return a piece with new music after its last note, in its own key, tempo, metre and parts.

    Args:
        checkpoint: what the new music is drawn from.
        piece: the piece; silence at its end is dropped.
        seed: the same seed gives the same music.
        bars: how many bars of new music, as long as the last bar of the piece.
        temperature: see `draw_frames`.
        limits: see `generate_song`.

    Returns:
        The piece, each new note in the part whose notes lie nearest to it, and where the new music begins, in quarter
        notes: `piece.after` there is the new music alone.

    Raises:
        ScoreError: the piece has no notes, or does not fit the keyboard in C.
        GenerationError: no acceptable continuation was drawn.
    """
    per_quarter = checkpoint.header.corpus.frames_per_quarter
    piece = replace(piece, length=piece.end)
    prime = piece.roll(per_quarter)
    moved = way_to_model_key(piece, prime, checkpoint.header.corpus)
    bar = piece.metres[-1].quarters if piece.metres else Fraction(4)
    frames = max(2, ceil(bars * bar * per_quarter))
    whole = generate_song(
        checkpoint.model,
        frames=frames,
        frames_per_quarter=per_quarter,
        seed=seed,
        temperature=temperature,
        prime=prime.transposed(moved),
        limits=limits,
    )
    start = Fraction(len(prime), per_quarter)
    end = start + Fraction(frames, per_quarter)
    notes = notes_of(whole.frames[len(prime) :], per_quarter, start, end, transpose=-moved)
    return replace(piece, parts=with_notes(piece.parts, notes), length=end), start
