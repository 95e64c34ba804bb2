"""Songs become tensors: groups of similar length, padding, chunks for truncated back-propagation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lmn_music.corpora.corpus import lengths_of
from lmn_music.music.pianoroll import KEYS, PianoRoll


@dataclass(frozen=True)
class Batch:
    """Songs side by side, the longest first, padded with silence at the end.

    Attributes:
        frames: which keys sound: float32, shape (time, batch, 88).
        lengths: the number of frames of each song, in falling order: int64, shape (batch,).
        songs: the index of each song in the list that it was taken from.
    """

    frames: Tensor
    lengths: Tensor
    songs: tuple[int, ...]

    def chunks(self, frames: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batch in spans of time, in order.

        Args:
            frames: the length of a span; the last one may be shorter.

        Yields:
            The frames of the span, shape (time, active, 88), and a mask, shape (time, active), that is False on
            padding. Active songs are the first ones of the batch: those that are not over when the span starts, or one
            song if all are over.
        """
        for start in range(0, len(self.frames), frames):
            active = max(1, int((self.lengths > start).sum()))
            span = self.frames[start : start + frames, :active]
            time = torch.arange(start, start + len(span), device=span.device)
            yield span, time.unsqueeze(1) < self.lengths[:active]


def collate(
    rolls: Sequence[PianoRoll], songs: Sequence[int], device: torch.device | str = "cpu", *, length: int = 0
) -> Batch:
    """Make one batch.

    Args:
        rolls: all songs.
        songs: the indices of the songs to take; at least one.
        device: where the tensors shall be.
        length: the frames of the batch at least.
    """
    chosen = {song: rolls[song] for song in songs}  # once: a song may lie on the disk
    order = sorted(songs, key=lambda song: (-len(chosen[song]), song))
    frames = np.zeros((max(length, len(chosen[order[0]])), len(order), KEYS), dtype=np.float32)
    for column, song in enumerate(order):
        frames[: len(chosen[song]), column] = chosen[song].frames
    lengths = torch.tensor([len(chosen[song]) for song in order])
    return Batch(torch.from_numpy(frames).to(device), lengths.to(device), tuple(order))


def batch_plan(
    rolls: Sequence[PianoRoll], songs_per_batch: int, generator: torch.Generator | None = None
) -> list[list[int]]:
    """Split the songs into groups of similar length.

    Args:
        rolls: all songs.
        songs_per_batch: the size of a group; one group may be smaller.
        generator: makes epochs differ: each length is raised by a random amount of up to 20 % before the songs are
            sorted, and the groups come in random order. Without a generator the plan is always the same.

    Returns:
        The indices of the songs of each batch.
    """
    lengths = torch.from_numpy(lengths_of(rolls)).float()
    if generator is not None:
        lengths = lengths * (1 + 0.2 * torch.rand(len(rolls), generator=generator))
    order: list[int] = torch.argsort(lengths, stable=True).tolist()
    groups = [order[start : start + songs_per_batch] for start in range(0, len(order), songs_per_batch)]
    if generator is None:
        return groups
    return [groups[index] for index in torch.randperm(len(groups), generator=generator).tolist()]


def randomly_transposed(roll: PianoRoll, semitones: int, generator: torch.Generator) -> PianoRoll:
    """Return the roll transposed by a random interval, drawn from those that keep every note on the keyboard.

    Args:
        roll: the song.
        semitones: the largest interval, up or down.
        generator: the source of randomness.
    """
    sounding = np.flatnonzero(roll.frames.any(axis=0))
    if semitones == 0 or not len(sounding):
        return roll
    low, high = max(-semitones, -int(sounding[0])), min(semitones, KEYS - 1 - int(sounding[-1]))
    return roll.transposed(int(torch.randint(low, high + 1, (), generator=generator)))
