"""What is called while a training is at work: the command line's display, a notebook, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # a reporter need not import torch
    from lmn_music.training.family import Stage
    from lmn_music.training.progress import StageProgress


class Reporter(Protocol):
    """What a training calls while it is at work."""

    def begin(self, stages: Sequence[Stage]) -> None:
        """The training begins or resumes.

        Args:
            stages: the stages from here on, so all that may still have to be done.
        """

    def batch(self, stage: str, progress: StageProgress, batches: int, epochs: int) -> None:
        """A batch is done.

        Args:
            stage: the name of the stage.
            progress: how far the stage has come, with this batch.
            batches: how many batches an epoch has.
            epochs: how many epochs the stage has at most.
        """

    def epoch(self, metrics: dict[str, Any]) -> None:
        """An epoch is done.

        Args:
            metrics: its figures, as they stand in a line of metrics.jsonl: stage, epoch, train_nll and valid_nll (nats
                per frame), best (whether valid_nll is the best so far), learning_rate, seconds.
        """

    def note(self, text: str) -> None:
        """Something happened that the user should know.

        Args:
            text: one line.
        """


class Silent:
    """A reporter that says nothing."""

    def begin(self, stages: Sequence[Stage]) -> None:
        """Say nothing."""

    def batch(self, stage: str, progress: StageProgress, batches: int, epochs: int) -> None:
        """Say nothing."""

    def epoch(self, metrics: dict[str, Any]) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""
