"""The processes that share one piece of work: this one alone, or those that torchrun has started, each with a share.

What every process must know (a sum, whether to stop) is agreed upon by all; what is written is written by the first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from lmn_music.errors import TrainingError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import nn

    Array = npt.NDArray[np.float64]

# What torch.distributed says where another process has gone.
_LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "NCCL")
_T = TypeVar("_T")


class Processes:
    """This process alone: nothing has to be agreed upon.

    Attributes:
        rank: the number of this process, from 0.
        size: how many processes there are.
    """

    rank = 0
    size = 1

    @property
    def first(self) -> bool:
        """Return whether this is the process that writes files and shows what happens."""
        return self.rank == 0

    def total(self, values: Array) -> Array:
        """Return the sum over all processes.

        Args:
            values: of any shape, the same in every process.
        """
        return values

    def largest(self, values: Array) -> Array:
        """Return the element-wise maximum over all processes.

        Args:
            values: of any shape, the same in every process.
        """
        return values

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in any process."""
        import numpy as np

        return bool(self.largest(np.array([float(flag)]))[0])

    def in_turn(self, work: Callable[[], _T]) -> _T:
        """Return what comes of some work that the first process does before the others, which wait."""
        return work()

    def parallel(self, module: nn.Module) -> nn.Module:
        """Return the module, whose gradients are the mean over all processes."""
        return module

    @contextmanager
    def noticing_losses(self) -> Iterator[None]:
        """Say in one line, while the block runs, that another process has ended; torch.distributed has many.

        Raises:
            TrainingError: another process has ended.
        """
        try:
            yield
        except RuntimeError as error:
            if self.size > 1 and any(word in str(error) for word in _LOST):
                raise TrainingError("another process of this training has ended, see what it says itself") from error
            raise


ALONE = Processes()


class Group(Processes):
    """The processes that torchrun has started, joined by torch.distributed."""

    def __init__(self, device: str) -> None:
        import torch
        from torch import distributed
        from torch.distributed.rendezvous import rendezvous

        self._device = torch.device(device)
        if self._device.type == "cuda":  # each process on this machine has a GPU of its own
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        if not distributed.is_initialized():
            # Processes that are started again find the store of those before them: a prefix keeps them apart.
            store, rank, size = next(rendezvous("env://"))
            store = distributed.PrefixStore(f"attempt {restarts()}", store)  # type: ignore[attr-defined]
            backend = "nccl" if self._device.type == "cuda" else "gloo"
            distributed.init_process_group(backend, store=store, rank=rank, world_size=size)
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()

    def total(self, values: Array) -> Array:
        """See `Processes`."""
        from torch import distributed

        return self._reduced(values, distributed.ReduceOp.SUM)

    def largest(self, values: Array) -> Array:
        """See `Processes`."""
        from torch import distributed

        return self._reduced(values, distributed.ReduceOp.MAX)

    def _reduced(self, values: Array, how: object) -> Array:
        import numpy as np
        import torch
        from torch import distributed

        tensor = torch.tensor(np.ascontiguousarray(values), device=self._device)  # a copy, which is overwritten
        distributed.all_reduce(tensor, how)
        return np.asarray(tensor.cpu().numpy())

    def in_turn(self, work: Callable[[], _T]) -> _T:
        """See `Processes`."""
        from torch import distributed

        if not self.first:
            distributed.barrier()
        result = work()
        if self.first:
            distributed.barrier()
        distributed.barrier()  # nobody goes on before all have read what is there
        return result

    def parallel(self, module: nn.Module) -> nn.Module:
        """See `Processes`."""
        from torch.nn.parallel import DistributedDataParallel

        # Only the first frames of a song depend on the state that a song begins with.
        return DistributedDataParallel(module, find_unused_parameters=True)


def torchrun_rank() -> int:
    """Return the number of this process among those that torchrun has started; 0 without torchrun."""
    return int(os.environ.get("RANK", "0")) if "TORCHELASTIC_RUN_ID" in os.environ else 0


def restarts() -> int:
    """Return how often torchrun has started the processes again, after one of them has ended."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


@cache
def joined(device: str) -> Processes:
    """Return the processes of this piece of work: those that torchrun has started, or this one alone.

    Args:
        device: what they compute on; GPUs talk to each other by nccl, all else by gloo.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return Group(device)
    return ALONE
