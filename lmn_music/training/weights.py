"""Which weights learn, and at what rate."""

from __future__ import annotations

from typing import Any

from torch import nn

from lmn_music.models.interface import SequenceModel
from lmn_music.training.config import TrainingConfig


def learning_weights(model: SequenceModel, config: TrainingConfig) -> list[dict[str, Any]]:
    """Return the weights that learn, as the groups of an optimiser of torch, each with its learning rate.

    Args:
        model: what is trained; weights that need no gradient do not learn.
        config: `learning_rate` is the rate of all weights but the memory's own (`SequenceModel.memory_weights`), which
            learn at `memory_rate` times it.
    """
    memory = {id(weight) for weight in model.memory_weights()}
    groups: dict[float, list[nn.Parameter]] = {}
    for weight in model.parameters():
        if weight.requires_grad:
            share = config.memory_rate if id(weight) in memory else 1.0
            groups.setdefault(config.learning_rate * share, []).append(weight)
    return [{"params": weights, "lr": rate} for rate, weights in groups.items()]
