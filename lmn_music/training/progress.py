"""How far a stage of a training has come."""

from __future__ import annotations

import math
from dataclasses import dataclass


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

    epoch: int = 0
    batch: int = 0
    nll_sum: float = 0.0
    frames: int = 0
    best_valid: float = math.inf
    best_epoch: int = 0
    bad_epochs: int = 0
    learning_rate: float = 0.0
    seconds: float = 0.0
