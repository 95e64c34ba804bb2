"""Remembering: what a model's memory still holds of a song that it reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.explaining import song_to_read
from lmn_music.api.loading import load_model
from lmn_music.errors import UsageError

if TYPE_CHECKING:
    from lmn_music.evaluation.explaining.remembered import MemoryReader, Remembered
    from lmn_music.models.checkpoint import Checkpoint
    from lmn_music.music.pianoroll import PianoRoll
    from lmn_music.music.piece import Piece


def memory_reader(model: str | Path | Checkpoint = "jsb", *, device: str = "auto") -> MemoryReader:
    """Fit a readout of the past to the memory of a model; it takes a few seconds, and is the same every time.

    Args:
        model: see `load_model`.
        device: see `resolve_device`.

    Returns:
        The readout, which reads the memory for any song: see `remembered`.

    Raises:
        CheckpointError: there is no such model.
        UsageError: the model has no memory of one recurrence.
    """
    from lmn_music.evaluation.explaining.remembered import MemoryReader
    from lmn_music.models.memory_model import MemoryModel

    checkpoint = load_model(model, device=device)
    if not isinstance(checkpoint.model, MemoryModel):
        raise UsageError(f"the model {checkpoint.name} has no memory that could be read: choose another `model`")
    return MemoryReader.fit(checkpoint.model)


def remembered(
    song: str | Path | Piece | PianoRoll,
    model: str | Path | Checkpoint = "jsb",
    *,
    reader: MemoryReader | None = None,
    device: str = "auto",
) -> Remembered:
    """Measure what the memory of a model holds of the past while the model reads a song.

    Args:
        song: see `lmn_music.surprise`.
        model: see `load_model`.
        reader: what `memory_reader` returned for this model; fitted anew if not given.
        device: see `resolve_device`.

    Returns:
        `.shares` is how much of the frames 0, 1, 2, ... steps back is held, `.at(frame)` what is read out at a frame.

    Raises:
        LmnMusicError: see `lmn_music.surprise` and `memory_reader`.

    Example:
        >>> from lmn_music import compose
        >>> held = remembered(compose("nottingham", bars=2, seed=1), "nottingham")
        >>> held.at(3).shape, bool(0 < held.shares[0] <= 1)
        ((32, 88), True)
    """
    from lmn_music.evaluation.explaining.fit import fits

    checkpoint = load_model(model, device=device)
    reader = memory_reader(checkpoint) if reader is None else reader
    _, whole = song_to_read(song, [checkpoint], None, as_written=False)
    best = fits(whole, [checkpoint], opening=True)[0]
    return reader.read(whole.resampled(best.roll.frames_per_quarter), best.transposition)
