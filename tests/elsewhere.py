"""A second device for machines that have none: tensors count as "cuda" whose memory was made for it.

All is computed on the CPU, with true values, so whole trainings run. What no GPU does is an error: an operation on
tensors of both devices, a generator of the other device, an array of numpy out of a tensor that is not on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")
COPIES = (torch.ops.aten.copy_, torch.ops.aten._to_copy)  # the only ones between devices
INDEXED = (torch.ops.aten.index, torch.ops.aten.index_put, torch.ops.aten.index_put_, torch.ops.aten._index_put_impl_)


class Generator(torch.Generator):
    """A generator that says of which device it is."""

    def __new__(cls, device: torch.device | str = CPU) -> Generator:
        made = super().__new__(cls)
        made.claimed = CUDA if torch.device(device).type == "cuda" else CPU
        return made

    @property
    def device(self) -> torch.device:
        return self.claimed


class Storages:
    """Which memory counts as that of the second device."""

    def __init__(self) -> None:
        self.known: dict[int, StorageWeakRef] = {}
        self.made_on = CPU  # where torch itself makes a tensor out of none: where the function at work computes

    def device(self, tensor: Tensor) -> torch.device:
        found = self.known.get(tensor.untyped_storage()._cdata)
        return CPU if found is None or found.expired() else CUDA

    def put(self, tensor: Tensor, device: torch.device) -> None:
        storage = tensor.untyped_storage()
        self.known.pop(storage._cdata, None)
        if device == CUDA:
            self.known[storage._cdata] = StorageWeakRef(storage)


class Operations(TorchDispatchMode):
    """Watches every operation, also those inside of torch and of its backward passes."""

    def __init__(self, storages: Storages) -> None:
        super().__init__()
        self.storages = storages

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet, given = func.overloadpacket, tensors((args, kwargs))
        where = {self.storages.device(tensor) for tensor in given}
        if packet not in COPIES:
            on_gpu = packet in INDEXED and self.storages.device(args[0]) == CUDA
            counted = tensors((args[0], args[2:])) if on_gpu else given  # indices may be on the CPU
            if len(where) > 1 and any(tensor.dim() and self.storages.device(tensor) == CPU for tensor in counted):
                raise RuntimeError(f"{packet} found tensors on the CPU and on the GPU")
        old = {tensor.untyped_storage()._cdata for tensor in given}
        result = func(*args, **(kwargs or {}))
        for tensor in tensors(result):
            if tensor.untyped_storage()._cdata not in old:
                self.storages.put(tensor, CUDA if CUDA in where else CPU if where else self.storages.made_on)
        return result


class Names(TorchFunctionMode):
    """Lets the code of the package believe in the second device."""

    def __init__(self, storages: Storages) -> None:
        super().__init__()
        self.storages = storages

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = dict(kwargs or {}), getattr(func, "__name__", "")
        if name == "__get__" and func.__self__ is Tensor.device:
            return self.storages.device(args[0])
        if name == "__get__" and func.__self__ in (Tensor.is_cuda, Tensor.is_cpu):
            return (self.storages.device(args[0]) == CUDA) == (func.__self__ is Tensor.is_cuda)
        if name in ("numpy", "__array__") and self.storages.device(args[0]) == CUDA:
            raise TypeError("a tensor on the GPU becomes no array of numpy")
        if func in (Tensor.to, Tensor.cpu, Tensor.cuda):
            return self.moved(func, args, kwargs)
        if name == "_parse_to":
            return func(*args, **kwargs)
        wanted = kwargs.get("device")
        if wanted is not None and torch.device(wanted).type == "meta":
            return func(*args, **kwargs)
        given = tensors(args)
        here = place(wanted) if wanted is not None else self.storages.device(given[0]) if given else CPU
        for generator in (*args, *kwargs.values()):
            if isinstance(generator, torch._C.Generator) and place(generator.device) != here:
                raise RuntimeError(f"{name} on {here} has a generator of {generator.device}")
        before, self.storages.made_on = self.storages.made_on, here
        try:
            result = func(*args, **kwargs | ({} if wanted is None else {"device": CPU}))
        finally:
            self.storages.made_on = before
        if wanted is not None:
            for made in tensors(result):
                self.storages.put(made, here)
        return result

    def moved(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Tensor:
        tensor, *rest = args
        before = self.storages.device(tensor)
        device, dtype = CUDA if func is Tensor.cuda else CPU, tensor.dtype
        if other := tensors((rest, kwargs)):
            device, dtype = self.storages.device(other[0]), other[0].dtype
        elif func is Tensor.to:
            asked = torch._C._nn._parse_to(*rest, **kwargs)
            device, dtype = before if asked[0] is None else place(asked[0]), asked[1] or dtype
        if device == before:
            return tensor.to(dtype)
        result = tensor.to(dtype, copy=True)
        self.storages.put(result, device)
        return result


def place(device: torch.device | str) -> torch.device:
    """Return one of the two devices."""
    return CUDA if torch.device(device).type == "cuda" else CPU


def tensors(values: Any) -> list[Tensor]:
    """Return all tensors in some values."""
    if isinstance(values, dict):
        values = values.values()
    elif not isinstance(values, (tuple, list)):
        return [values] if isinstance(values, Tensor) else []
    found: list[Tensor] = []
    for value in values:
        found += [value] if isinstance(value, Tensor) else tensors(value)
    return found


@contextmanager
def second_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the block compute on "cuda", too."""
    storages = Storages()
    monkeypatch.setattr(torch, "Generator", Generator)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)  # torch warns of what would reach for all of them
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda _: torch.get_rng_state())
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda *_: None)
    monkeypatch.setattr(torch.cuda, "device", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "manual_seed", lambda _: None)
    monkeypatch.delattr(torch.cuda, "manual_seed_all")  # so no training reaches for the other GPUs
    with torch.backends.cudnn.flags(enabled=False), Operations(storages), Names(storages):
        yield
