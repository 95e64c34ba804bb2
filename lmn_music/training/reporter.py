"""What watches a training: the command line's display, a notebook, or nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lmn_music.training.stage import Stage


@dataclass
class Progress:
    """How far a stage has come, in numbers that JSON can hold. Likelihoods are in nats per frame.

    Attributes:
        epoch: finished epochs.
        batch: finished batches of the epoch under way.
        nll_sum: the sum of the negative log-likelihoods of these batches' frames.
        frames: how many frames these are.
        best_valid: the best validation likelihood so far.
        best_epoch: the epoch after which it was measured; 0: before the first.
        bad_epochs: epochs without a better one since then, or since the learning rate last fell.
        learning_rate: the one now.
        seconds: since the training began, without interruptions.
    """

    epoch: int = 0
    batch: int = 0
    nll_sum: float = 0.0
    frames: int = 0
    best_valid: float = math.inf
    best_epoch: int = 0
    bad_epochs: int = 0
    learning_rate: float = 0.0
    seconds: float = 0.0


class Reporter(Protocol):
    """What a training calls while it is at work."""

    def begin(self, stages: Sequence[Stage]) -> None:
        """The training begins or resumes; these are the stages from here on, so all that may still have to be done."""

    def batch(self, stage: str, progress: Progress, batches: int, epochs: int) -> None:
        """A batch is done; `batches` in this epoch, at most `epochs` in the stage."""

    def epoch(self, metrics: dict[str, Any]) -> None:
        """An epoch is done, with these figures: a line of metrics.jsonl."""

    def note(self, text: str) -> None:
        """Something worth a line happened."""


class Silent:
    """A reporter that says nothing."""

    def begin(self, stages: Sequence[Stage]) -> None:
        """Say nothing."""

    def batch(self, stage: str, progress: Progress, batches: int, epochs: int) -> None:
        """Say nothing."""

    def epoch(self, metrics: dict[str, Any]) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""
