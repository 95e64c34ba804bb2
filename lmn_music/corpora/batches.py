"""Songs to tensors: length buckets, padding, chunks for truncated back-propagation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lmn_music.music.pianoroll import KEYS, PianoRoll


@dataclass(frozen=True)
class Batch:
    """Songs side by side, longest first, padded with silence at the end.

    frames: float32 (time, batch, 88). lengths: int64 (batch,), falling. songs: the index of each in the list it came
    from.
    """

    frames: Tensor
    lengths: Tensor
    songs: tuple[int, ...]

    def chunks(self, frames: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield spans of at most `frames` frames, in order: (time, active, 88) and a mask (time, active).

        Only the songs that still sound, the first ones of the batch, are in a chunk; the mask is False on their
        padding.
        """
        for start in range(0, len(self.frames), frames):
            active = int((self.lengths > start).sum())
            span = self.frames[start : start + frames, :active]
            time = torch.arange(start, start + len(span), device=span.device)
            yield span, time.unsqueeze(1) < self.lengths[:active]


def collate(rolls: Sequence[PianoRoll], songs: Sequence[int], device: torch.device | str = "cpu") -> Batch:
    """Make one batch of the songs `songs` of `rolls`."""
    order = sorted(songs, key=lambda song: (-len(rolls[song]), song))
    frames = np.zeros((max(len(rolls[song]) for song in order), len(order), KEYS), dtype=np.float32)
    for column, song in enumerate(order):
        frames[: len(rolls[song]), column] = rolls[song].frames
    lengths = torch.tensor([len(rolls[song]) for song in order])
    return Batch(torch.from_numpy(frames).to(device), lengths.to(device), tuple(order))


def batch_plan(
    rolls: Sequence[PianoRoll], songs_per_batch: int, generator: torch.Generator | None = None
) -> list[list[int]]:
    """Split the songs into groups of similar length: the indices of each batch.

    Without a generator: by length, always the same. With one: lengths are blurred by up to 20 % before sorting, and the
    groups come in random order, so that epochs differ.
    """
    lengths = torch.tensor([float(len(roll)) for roll in rolls])
    if generator is not None:
        lengths = lengths * (1 + 0.2 * torch.rand(len(rolls), generator=generator))
    order: list[int] = torch.argsort(lengths, stable=True).tolist()
    groups = [order[start : start + songs_per_batch] for start in range(0, len(order), songs_per_batch)]
    if generator is None:
        return groups
    return [groups[index] for index in torch.randperm(len(groups), generator=generator).tolist()]


def randomly_transposed(roll: PianoRoll, semitones: int, generator: torch.Generator) -> PianoRoll:
    """Return the roll moved by a random interval of at most `semitones`, up or down, drawn from those that fit."""
    sounding = np.flatnonzero(roll.frames.any(axis=0))
    if semitones == 0 or not len(sounding):
        return roll
    low, high = max(-semitones, -int(sounding[0])), min(semitones, KEYS - 1 - int(sounding[-1]))
    return roll.transposed(int(torch.randint(low, high + 1, (), generator=generator)))
