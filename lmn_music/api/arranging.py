"""Arranging: other voices for a melody, new music between what stays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.arguments import whole_number
from lmn_music.api.composing import first_seed
from lmn_music.api.loading import load_model

if TYPE_CHECKING:
    from lmn_music.generation.arrangement import Arrangement
    from lmn_music.generation.watching import Watch
    from lmn_music.models.checkpoint import Checkpoint
    from lmn_music.music.pianoroll import PianoRoll
    from lmn_music.music.piece import Piece

MOST_VOICES = 8


def harmonise(
    tune: str | Path | Piece | PianoRoll,
    model: str | Path | Checkpoint = "jsb",
    *,
    voices: int = 4,
    seed: int | None = None,
    particles: int | None = None,
    temperature: float = 1.0,
    as_written: bool = False,
    device: str = "auto",
    watch: Watch | None = None,
) -> Arrangement:
    """Set other voices below a melody, which stands in the result exactly as it was given, in a part of its own.

    Args:
        tune: a file, a piece or a song. Of several parts or voices, the melody is taken: the part whose name says so,
            else the top line.
        model: see `load_model`.
        voices: how many keys sound together for the most part, from 2 to 8, the melody among them.
        seed: the same seed gives the same voices; drawn at random if not given.
        particles: how many songs are drawn side by side, 64 if not given; more are slower and fit the melody better.
        temperature: see `compose`.
        as_written: whether each bar of a score is read once; otherwise repeats are played out, see `read_piece`.
        device: see `resolve_device`.
        watch: called with each frame when it is drawn, see `compose`; in the time and the key of the tune.

    Returns:
        A piece: the melody, then a part for each other voice, the highest first. It remembers its `seed`.

    Raises:
        ScoreError: the file cannot be read, or has no notes.
        CheckpointError: there is no such model.
        UsageError: an argument does not fit.
        GenerationError: nothing fits the melody.

    Example:
        >>> from lmn_music import compose
        >>> song = harmonise(compose("jsb", bars=1, seed=1), seed=1, particles=8)
        >>> [part.name for part in song.parts][:2]
        ['Melody', 'Alto']
    """
    from lmn_music.generation.filling import PARTICLES
    from lmn_music.generation.harmonising import harmonise as harmonise_piece

    voices = whole_number("voices", voices, 2, MOST_VOICES)
    particles = whole_number("particles", PARTICLES if particles is None else particles, 1)
    piece, checkpoint, seed = begin(tune, model, seed, temperature, device, as_written)
    return harmonise_piece(
        checkpoint, piece, seed=seed, voices=voices, particles=particles, temperature=temperature, watch=watch
    )


def rewrite(
    tune: str | Path | Piece | PianoRoll,
    bars: tuple[int, int],
    model: str | Path | Checkpoint = "jsb",
    *,
    voice: int | None = None,
    below: str | None = None,
    seed: int | None = None,
    temperature: float = 1.0,
    as_written: bool = False,
    device: str = "auto",
    watch: Watch | None = None,
) -> Arrangement:
    """Compose some bars of a tune anew, so that they lead to what follows; everything else stays as it is.

    A note that begins before the bars and sounds into them stays. Of a note that begins in the bars and sounds beyond
    them, what lies beyond stays, and is struck there.

    Args:
        tune: a file, a piece or a song.
        bars: the first and the last bar, numbered as in the score: the first full bar is 1, a pickup is 0.
        model: see `load_model`.
        voice: rewrite this part only, counted from 1 without drums.
        below: rewrite only what lies below this key, such as "C4", middle C.
        seed: the same seed gives the same music; drawn at random if not given.
        temperature: see `compose`.
        as_written: see `harmonise`.
        device: see `resolve_device`.
        watch: called with each frame when it is drawn, see `compose`; in the time and the key of the tune.

    Returns:
        A piece with the parts of the tune. `new` says where the new music begins and ends.

    Raises:
        LmnMusicError: see `harmonise`; UsageError also if there are no such bars, voice or key.

    Example:
        >>> from lmn_music import compose
        >>> song = rewrite(compose("jsb", bars=4, seed=1), (2, 3), seed=1)
        >>> [int(time) for time in song.new]
        [4, 12]
    """
    from lmn_music.generation.rewriting import rewrite as rewrite_piece
    from lmn_music.music.pianoroll import LOWEST_PITCH, key_named

    pitch = None if below is None else key_named(below) + LOWEST_PITCH
    piece, checkpoint, seed = begin(tune, model, seed, temperature, device, as_written)
    return rewrite_piece(
        checkpoint, piece, *bars, seed=seed, voice=voice, below=pitch, temperature=temperature, watch=watch
    )


def begin(
    tune: str | Path | Piece | PianoRoll,
    model: str | Path | Checkpoint,
    seed: int | None,
    temperature: float,
    device: str,
    as_written: bool,
    count: int = 1,
) -> tuple[Piece, Checkpoint, int]:
    """Return the piece, the model and the seed of the first of so many arrangements."""
    from lmn_music.formats import read_piece
    from lmn_music.generation.sampler import check_temperature
    from lmn_music.music.piece import Piece

    seed = first_seed(seed, count)
    check_temperature(temperature)
    if isinstance(tune, str | Path):
        piece = read_piece(tune, as_written=as_written)
    else:
        piece = tune if isinstance(tune, Piece) else Piece.from_roll(tune)
    return piece, load_model(model, device=device), seed
