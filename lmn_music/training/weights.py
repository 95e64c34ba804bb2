"""Which weights learn, at what rate, and how an optimiser returns to where it was stored."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from lmn_music.models.interface import SequenceModel
from lmn_music.models.shapes import check_weights
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


def restore(optimizer: torch.optim.Adam, stored: dict[str, Any]) -> None:
    """Let an optimiser continue from what its `state_dict` was; all but the learning rates and the moments is its own.

    Args:
        optimizer: of the same weights.
        stored: what was read, of any type.

    Raises:
        ValueError: it is of other weights, or a number in it cannot be.
    """
    groups, moments = optimizer.state_dict()["param_groups"], stored["state"]
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for group, other in zip(groups, stored["param_groups"], strict=True):
        group["lr"] = other["lr"]
        if not (isinstance(group["lr"], float) and 0 <= group["lr"] <= 1):
            raise ValueError(f"the learning rate {group['lr']} cannot be")
    if not set(moments) <= set(range(len(weights))):
        raise ValueError("there are moments of no weight")
    for number, found in moments.items():
        weight = weights[number]
        check_weights(found, {"step": torch.zeros(()), "exp_avg": weight, "exp_avg_sq": weight})
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
