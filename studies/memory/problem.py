"""What a layer has to learn: sequences in three splits, and which of their frames are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Split:
    """Sequences of one length, shorter ones padded with zeros at their end.

    Attributes:
        x: (time, count, inputs), float32.
        y: (time, count), the classes; or (time, count, outputs), the numbers to say.
        scored: (time, count), which frames are judged.
    """

    x: Tensor
    y: Tensor
    scored: Tensor

    def __len__(self) -> int:
        return self.x.shape[1]

    def select(self, which: Tensor | slice) -> Split:
        """Return some of the sequences."""
        return Split(self.x[:, which], self.y[:, which], self.scored[:, which])

    def loss(self, predicted: Tensor) -> Tensor:
        """Return what is minimised: cross-entropy in nats, or squared error, of predictions (time, count, outputs)."""
        found, right = predicted[self.scored], self.y[self.scored]
        return nn.functional.mse_loss(found, right) if found.dim() == right.dim() else _cross_entropy(found, right)

    def score(self, predicted: Tensor) -> float:
        """Return the share of frames that are right, or the share of the variance that is explained; at most 1."""
        found, right = predicted[self.scored], self.y[self.scored]
        if found.dim() != right.dim():
            return float((found.argmax(dim=1) == right).double().mean())
        return float(1 - (found - right).square().mean() / (right - right.mean(dim=0)).square().mean())


def _cross_entropy(found: Tensor, right: Tensor) -> Tensor:
    return nn.functional.cross_entropy(found, right)


@dataclass(frozen=True)
class Problem:
    """A task.

    Attributes:
        train, valid, test: its splits.
        outputs: how many classes there are, or how many numbers to say.
        level: a score that says the task is learned in the main; the time to it is measured.
    """

    train: Split
    valid: Split
    test: Split
    outputs: int
    level: float

    @property
    def inputs(self) -> int:
        """The numbers of a frame."""
        return self.train.x.shape[2]


def of_classes(sequences: Sequence[Array], classes: Sequence[int]) -> Split:
    """Return a split of sequences that are judged by what is said at their last frame.

    Args:
        sequences: arrays (time, inputs) of any lengths.
        classes: of each, from 0.
    """
    time, count = max(map(len, sequences)), len(sequences)
    x = torch.zeros(time, count, sequences[0].shape[1])
    y, scored = torch.zeros(time, count, dtype=torch.long), torch.zeros(time, count, dtype=torch.bool)
    for i, (sequence, label) in enumerate(zip(sequences, classes, strict=True)):
        x[: len(sequence), i] = torch.from_numpy(np.asarray(sequence, dtype=np.float32))
        y[len(sequence) - 1, i], scored[len(sequence) - 1, i] = int(label), True
    return Split(x, y, scored)


def classified(
    sequences: Sequence[Array], classes: Sequence[int], counts: tuple[int, int], level: float, *, seed: int = 0
) -> Problem:
    """Return a problem of sequences and their classes, shuffled and split.

    Args:
        sequences: arrays (time, inputs) of any lengths.
        classes: of each, from 0.
        counts: how many of them are for training and for validation; the rest is the test split, if there is a rest.
        level: see `Problem`.
        seed: of the shuffle.
    """
    order = np.random.default_rng(seed).permutation(len(sequences))
    parts = np.split(order, np.cumsum(counts))
    train, valid, *rest = (
        of_classes([sequences[i] for i in part], [classes[i] for i in part]) for part in parts if len(part)
    )
    test = rest[0] if rest else valid
    return Problem(train, valid, test, int(max(classes)) + 1, level)
