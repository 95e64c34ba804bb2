"""What the weights of a model must look like: known before any of them is made, and held against what a file has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig

Shapes = dict[str, tuple[int, ...]]


def shapes_of(config: ModelConfig) -> Shapes:
    """Return the shape of every weight of a model, by its name; no memory is taken for any.

    Args:
        config: what the model is made of.

    Raises:
        UsageError: see `lmn_music.models.build.network_type`.
    """
    with torch.device("meta"), _NoDraws():
        return {name: tuple(weight.shape) for name, weight in build(config).state_dict().items()}


class _NoDraws(TorchFunctionMode):
    """Lets weights without numbers be drawn in no time; for normal ones torch would load a compiler, for seconds."""

    def __torch_function__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.__name__ == "normal_":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def check_shapes(found: Shapes, wanted: Shapes) -> None:
    """Check that weights belong to a model.

    Args:
        found: the shape of each weight, by its name.
        wanted: what it must be.

    Raises:
        ValueError: a weight is missing, unknown or of another shape.
    """
    for name in wanted.keys() | found.keys():
        if name not in found:
            raise ValueError(f"the weight {name} is missing")
        if name not in wanted:
            raise ValueError(f"there is no weight {name[:100]}")
        if found[name] != wanted[name]:
            raise ValueError(f"the weight {name} has the shape {found[name]}, not {wanted[name]}")


def check_finite(weights: Iterable[tuple[str, Tensor]]) -> None:
    """Check that weights are numbers.

    Args:
        weights: each with its name.

    Raises:
        ValueError: one of them is infinite, or no number.
    """
    for name, weight in weights:
        if not torch.isfinite(weight).all():
            raise ValueError(f"the weight {name} is not finite")


def check_weights(found: object, wanted: Mapping[str, Tensor]) -> None:
    """Check that what was stored as a `state_dict` is one of this model.

    Args:
        found: what was read, of any type.
        wanted: the `state_dict` of the model.

    Raises:
        ValueError: see `check_shapes` and `check_finite`; or it is no dict of tensors, or they have another type.
    """
    if not isinstance(found, Mapping):
        raise ValueError("there are no weights")
    for name, weight in found.items():
        if not (isinstance(name, str) and isinstance(weight, Tensor)) or weight.layout != torch.strided:
            raise ValueError("one of the weights is no tensor")
        if name in wanted and weight.dtype != wanted[name].dtype:
            raise ValueError(f"the weight {name} has the type {weight.dtype}, not {wanted[name].dtype}")
    check_shapes(*({name: tuple(w.shape) for name, w in weights.items()} for weights in (found, wanted)))
    check_finite(found.items())
