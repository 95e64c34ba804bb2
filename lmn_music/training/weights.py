"""Which weights learn, and at what rate."""

from __future__ import annotations

from typing import Any

from torch import nn

from lmn_music.training.config import TrainingConfig

# The weights of the memory, and the feedback of the unrolled model: each hidden unit adds up hundreds of its numbers,
# and steps of the usual size drive it into the flat ends of tanh.
MEMORY_WEIGHTS = ("W_hm", "W_mm", "b_m", "initial_memory", "W_hh")


def learning_weights(model: nn.Module, config: TrainingConfig) -> list[dict[str, Any]]:
    """Return the weights that learn, as the groups of an optimiser of torch, each with its learning rate.

    A memory whose `memory_rate` is 0 is frozen for good: its weights need no gradient any more.

    Args:
        model: what is trained.
        config: `learning_rate` is that of all weights but the memory's own, which learn at `memory_rate` times it.
    """
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        share = config.memory_rate if name.rpartition(".")[2] in MEMORY_WEIGHTS else 1.0
        if not share:
            parameter.requires_grad_(False)
        if parameter.requires_grad:
            groups.setdefault(config.learning_rate * share, []).append(parameter)
    return [{"params": parameters, "lr": rate} for rate, parameters in groups.items()]
