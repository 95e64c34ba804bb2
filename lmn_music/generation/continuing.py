"""More bars of a piece."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil

from lmn_music.generation.arrangement import Arrangement
from lmn_music.generation.beats import on_the_beat
from lmn_music.generation.constraints import texture
from lmn_music.generation.key import way_to_model_key
from lmn_music.generation.parts import notes_of, with_notes
from lmn_music.generation.sampler import generate_song
from lmn_music.generation.watching import Watch, frame_watch
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.music.piece import Piece


@on_the_beat
def continue_piece(
    checkpoint: Checkpoint,
    piece: Piece,
    *,
    seed: int,
    bars: int = 8,
    temperature: float = 1.0,
    watch: Watch | None = None,
) -> Arrangement:
    """Return a piece with new music after its last note, in its own key, tempo, metre, parts and texture.

    Args:
        checkpoint: what the new music is drawn from.
        piece: the piece; silence at its end is dropped.
        seed: the same seed gives the same music.
        bars: how many bars of new music, as long as the last bar of the piece; before them, the bar in which the piece
            ends is filled, unless what it lacks is the pickup of the piece.
        temperature: see `draw_frames`.
        watch: called with each new frame when it is drawn, see `Watch`.

    Returns:
        The piece, each new note in the part whose notes lie nearest to it; `new` says where the new music begins.

    Raises:
        ScoreError: the piece has no notes, or does not fit the keyboard in C.
        GenerationError: no acceptable continuation was drawn.
    """
    per_quarter = checkpoint.header.corpus.frames_per_quarter
    piece = piece.trimmed()
    prime = piece.sounding(per_quarter)
    moved = way_to_model_key(piece, prime, checkpoint.header.corpus)
    origin = Fraction(len(prime), per_quarter)
    frames = max(2, ceil(_length(piece, bars, origin) * per_quarter))
    song = generate_song(
        checkpoint.model,
        frames=frames,
        frames_per_quarter=per_quarter,
        seed=seed,
        temperature=temperature,
        prime=prime.transposed(moved),
        limits=texture(prime.transposed(moved).frames),
        watch=frame_watch(watch, per_quarter, origin=origin, transpose=-moved),
    )
    start, end = max(origin, piece.end), origin + Fraction(frames, per_quarter)
    notes = notes_of(song.frames[len(prime) :], per_quarter, origin, end, transpose=-moved)
    notes = [note._replace(onset=max(note.onset, start)) for note in notes if note.end > start]
    places = {place: part for place, part in enumerate(piece.parts) if not part.drums}
    whole = replace(piece, parts=with_notes(piece.parts, notes, places), length=end)
    return Arrangement.of(whole, piece, new=(start, end), model=checkpoint.name, seed=seed, moved=moved)


def _length(piece: Piece, bars: int, origin: Fraction) -> Fraction:
    """Return how long the new music is that begins at `origin`, the end of the piece, in quarter notes."""
    quarters = piece.metres[-1].quarters if piece.metres else Fraction(4)
    lacks = max(Fraction(0), piece.bars()[-1].end - origin)
    return bars * quarters + (0 if lacks == piece.pickup else lacks)
