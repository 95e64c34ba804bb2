"""How far a stage of a training has come."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter

Number = Annotated[int, Field(ge=0, le=10**15)]
Finite = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass
class StageProgress:
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

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    epoch: Number = 0
    batch: Number = 0
    nll_sum: Finite = 0.0
    frames: Number = 0
    best_valid: Annotated[float, Field(ge=0)] = math.inf
    best_epoch: Number = 0
    bad_epochs: Number = 0
    learning_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    seconds: Finite = 0.0


_PROGRESS = TypeAdapter(StageProgress)


def progress_of(stored: dict[str, Any]) -> StageProgress:
    """Return the progress that was stored as a dict.

    Args:
        stored: what was read, of any type.

    Raises:
        ValueError: it is none, or a number in it cannot be.
    """
    progress = _PROGRESS.validate_python(stored)
    if missing := asdict(progress).keys() - stored.keys():
        raise ValueError(f"{missing.pop()} is missing")
    if progress.frames < progress.batch:  # every batch has a frame
        raise ValueError(f"{progress.batch} batches cannot have {progress.frames} frames")
    return progress
