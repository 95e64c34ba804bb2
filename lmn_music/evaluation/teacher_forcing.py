"""A model reads songs as they are, and says before each frame what it expects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lmn_music.corpora.batches import batch_plan, collate
from lmn_music.evaluation.progress import Progress, no_progress
from lmn_music.models.interface import CHUNK, SequenceModel
from lmn_music.music.pianoroll import PianoRoll


@dataclass(frozen=True)
class Span:
    """Some frames of some songs, side by side, and the model's expectation of each.

    Attributes:
        songs: the index of each song.
        start: the number of the first frame.
        frames: (time, batch, 88) of zeros and ones.
        mask: (time, batch), False on padding.
        context: (time, batch, ...), what the output model needs; it depends on the frames before each frame alone.
    """

    songs: tuple[int, ...]
    start: int
    frames: Tensor
    mask: Tensor
    context: Tensor


@torch.no_grad()
def teacher_forced(
    model: SequenceModel, songs: Sequence[PianoRoll], *, batch_songs: int = 16, progress: Progress = no_progress
) -> Iterator[Span]:
    """Yield every frame of every song once; padding and batching change nothing. Leaves the model in eval mode.

    Args:
        model: what reads.
        songs: what the model reads.
        batch_songs: how many songs are read side by side.
        progress: is called with the songs read to their end and the songs in all.
    """
    model.eval()
    weight = next(model.parameters())
    done = 0
    for numbers in batch_plan(songs, batch_songs):
        batch = collate(songs, numbers, weight.device)
        state, start = model.initial_state(len(numbers)), 0
        done += len(numbers)
        for zeros_and_ones, mask in batch.chunks(CHUNK):
            frames = zeros_and_ones.to(weight.dtype)
            context, state = model.contexts(frames, state.select(slice(frames.shape[1])))
            yield Span(batch.songs[: frames.shape[1]], start, frames, mask, context)
            start += len(frames)
            progress(done - int((batch.lengths > start).sum()), len(songs))
