"""New music between what stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import ceil

import numpy as np
import numpy.typing as npt
import torch

from lmn_music.errors import UsageError
from lmn_music.generation.arrangement import Arrangement
from lmn_music.generation.beats import on_the_beat
from lmn_music.generation.constraints import texture
from lmn_music.generation.filling import PARTICLES, fill
from lmn_music.generation.key import way_to_model_key
from lmn_music.generation.parts import notes_of, with_notes
from lmn_music.generation.watching import Watch, frame_watch
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.models.outputs.output import FREE
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH
from lmn_music.music.piece import Piece
from lmn_music.words import counted

LEAD = 16  # frames after the span that the new music has to lead to
SWEEPS = 3


@on_the_beat
def rewrite(
    checkpoint: Checkpoint,
    piece: Piece,
    first: int,
    last: int,
    *,
    seed: int,
    voice: int | None = None,
    below: int | None = None,
    temperature: float = 1.0,
    watch: Watch | None = None,
) -> Arrangement:
    """Return a piece in which some bars are composed anew; everything else stays exactly as it is.

    The new music follows what comes before it, and is weighed by how well what comes after it follows. A note that
    begins before the bars and sounds into them stays; what sounds beyond them of a note that begins in them stays too.

    Args:
        checkpoint: what the new music is drawn from.
        piece: the piece.
        first: the first bar to rewrite, numbered as in the score.
        last: the last one.
        seed: the same seed gives the same music.
        voice: rewrite this part only, counted from 1 without the drums.
        below: rewrite only what lies below this MIDI pitch.
        temperature: see `draw_frames`.
        watch: called with each frame when it is drawn, and with those after the bars that the new music leads to, see
            `Watch`.

    Raises:
        UsageError: there are no such bars or parts.
        ScoreError: the piece has no notes, or does not fit the keyboard in C.
        GenerationError: nothing fits.
    """
    start, end = piece.span(first, last)
    end = min(end, piece.length)
    part = _part(piece, voice)
    per_quarter = checkpoint.header.corpus.frames_per_quarter

    def goes(candidate: Part, note: Note) -> bool:
        return (
            not candidate.drums
            and (part is None or candidate is part)
            and start <= note.onset < end
            and (below is None or note.pitch < below)
        )

    kept = replace(piece, parts=tuple(_without(one, goes, end) for one in piece.parts))
    read = piece.trimmed().sounding(per_quarter)
    moved = way_to_model_key(piece, read, checkpoint.header.corpus)
    begin, until = int(start * per_quarter), ceil(end * per_quarter)
    roll = _padded(read.transposed(moved).frames, until)
    stays = _padded(_frames(kept, per_quarter, moved), len(roll))
    given = torch.tensor(roll[begin : until + LEAD], dtype=torch.float32)
    inside = torch.tensor(stays[begin:until], dtype=torch.float32)
    free = inside == 0
    if below is not None:
        free &= torch.arange(free.shape[1]) < below - LOWEST_PITCH + moved
    given[: until - begin] = torch.where(free, FREE, inside)
    generator = torch.Generator(checkpoint.device).manual_seed(seed)
    found = fill(
        checkpoint.model,
        given,
        generator,
        particles=PARTICLES,
        temperature=temperature,
        limits=texture(roll),
        prime=torch.tensor(roll[:begin], dtype=torch.float32),
        sweeps=SWEEPS,
        watch=frame_watch(watch, per_quarter, origin=Fraction(begin, per_quarter), transpose=-moved),
    )
    new = found.frames[: until - begin] & ~stays[begin:until]
    origin = Fraction(begin, per_quarter)
    notes = [
        note._replace(onset=max(note.onset, start))
        for note in notes_of(new, per_quarter, origin, end, transpose=-moved)
        if note.end > start
    ]
    pitched = {place: one for place, one in enumerate(piece.parts) if not one.drums}
    places = {place: one for place, one in pitched.items() if one is part} or {
        # the parts that lose notes; where nothing is lost, as in a rest, all of them
        place: one
        for place, one in pitched.items()
        if any(goes(one, note) for note in one.notes)
    }
    whole = replace(kept, parts=with_notes(kept.parts, notes, places or pitched))
    return Arrangement.of(whole, piece, new=(start, end), model=checkpoint.name, seed=seed, moved=moved)


def _part(piece: Piece, voice: int | None) -> Part | None:
    """Return the part of that number; None for all of them."""
    if voice is None:
        return None
    parts = [part for part in piece.parts if not part.drums]
    if not 1 <= voice <= len(parts):
        raise UsageError(f"there is no voice {voice}: the piece has {counted(len(parts), 'part')}")
    return parts[voice - 1]


def _without(part: Part, goes: Callable[[Part, Note], bool], end: Fraction) -> Part:
    """Return the part without the notes that go; what sounds of them from `end` on is struck there."""
    notes = []
    for note in part.notes:
        if not goes(part, note):
            notes.append(note)
        elif note.end > end:
            notes.append(note._replace(onset=end))
    return replace(part, notes=tuple(sorted(notes, key=lambda note: (note.onset, note.pitch))))


def _frames(piece: Piece, frames_per_quarter: int, moved: int) -> npt.NDArray[np.bool_]:
    """Return the notes of a piece as bool (time, 88); the piece may be silent."""
    if not any(0 <= note.pitch - LOWEST_PITCH < KEYS for part in piece.parts if not part.drums for note in part.notes):
        return np.zeros((0, KEYS), dtype=bool)
    return piece.trimmed().sounding(frames_per_quarter).transposed(moved).frames


def _padded(frames: npt.NDArray[np.bool_], length: int) -> npt.NDArray[np.bool_]:
    """Return frames, (time, 88), with silence up to so many at least."""
    return np.pad(frames, ((0, max(0, length - len(frames))), (0, 0)))
