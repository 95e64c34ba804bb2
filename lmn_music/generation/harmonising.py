"""Other voices for a melody."""

from __future__ import annotations

from dataclasses import replace

import torch

from lmn_music.generation.arrangement import Arrangement
from lmn_music.generation.beats import on_the_beat
from lmn_music.generation.constraints import Limits, melody_on_top
from lmn_music.generation.filling import PARTICLES, fill
from lmn_music.generation.key import way_to_model_key
from lmn_music.generation.watching import Watch, frame_watch
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.music.measures import stretches
from lmn_music.music.melody import find_melody, melody_roll, without_melody
from lmn_music.music.pianoroll import KEYS
from lmn_music.music.piece import Piece
from lmn_music.music.voices import split_voices

LONG_REST = 4  # quarter notes of rest in the melody, from which on the other voices rest, too
PARALLELS = 2.0  # nats for each parallel fifth or octave
NAMES = {2: ("Bass",), 3: ("Middle", "Bass"), 4: ("Alto", "Tenor", "Bass")}  # of the other voices, highest first


@on_the_beat
def harmonise(
    checkpoint: Checkpoint,
    piece: Piece,
    *,
    seed: int,
    voices: int = 4,
    particles: int = PARTICLES,
    temperature: float = 1.0,
    watch: Watch | None = None,
) -> Arrangement:
    """Return a melody with other voices below it.

    The melody is moved to the key and the octave in which the model knows such melodies, and everything back again. In
    the result it stands exactly as it was given; the other voices change on the model's frames, as its songs do, and
    rest where the melody rests for four quarter notes or more.

    Args:
        checkpoint: what the other voices are drawn from.
        piece: a melody, or a piece whose melody is taken (see `find_melody`).
        seed: the same seed gives the same voices.
        voices: how many keys sound together, the melody among them.
        particles: see `fill`.
        temperature: see `draw_frames`.
        watch: called with each frame when it is drawn, see `Watch`.

    Returns:
        A piece of the melody, in a part of its own, and a part for each other voice, with the tempo, the metre and the
        key of the piece.

    Raises:
        ScoreError: there is no melody, or it does not fit the keyboard in C.
        GenerationError: nothing fits.
    """
    per_quarter = checkpoint.header.corpus.frames_per_quarter
    tune = find_melody(piece)
    melody = melody_roll(tune, piece.end, per_quarter)

    moved = way_to_model_key(piece, melody, checkpoint.header.corpus)
    there = melody.transposed(moved)
    given = melody_on_top(there.frames)
    starts, lengths = stretches(there.frames)
    for start, length in zip(starts, lengths, strict=True):
        if length >= LONG_REST * per_quarter and not there.frames[start].any():
            given[start : start + length] = 0  # a prelude of the other voices is no harmony of the melody
    found = fill(
        checkpoint.model,
        given,
        torch.Generator(checkpoint.device).manual_seed(seed),
        particles=particles,
        temperature=temperature,
        # What is moved back has to be on the keyboard, too.
        limits=Limits(lowest=max(0, moved), highest=min(KEYS, KEYS + moved) - 1, voices=voices, parallels=PARALLELS),
        watch=frame_watch(watch, per_quarter, transpose=-moved),
    )
    others = without_melody(replace(there, frames=found.frames), there)
    parts = (part.transposed(-moved) for part in split_voices(others, NAMES.get(voices, ())))
    whole = replace(piece, parts=(replace(tune, name=tune.name or "Melody"),)).with_parts(parts)
    return Arrangement.of(whole, piece, new=None, model=checkpoint.name, seed=seed, moved=moved)
