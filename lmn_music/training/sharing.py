"""The share that each process has of a batch, its random numbers, and the loss as DistributedDataParallel takes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from lmn_music.corpora.batches import Batch, collate
from lmn_music.models.interface import SequenceModel, State
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.processes import Processes


class Loss(nn.Module):
    """The negative log-likelihood of the frames that count, and the state after them, cut off from the graph.

    The state leaves the graph here, so that the loss alone says which weights were used: DistributedDataParallel waits
    for the gradients of these.

    Args:
        model: whose loss it is.
    """

    def __init__(self, model: SequenceModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, frames: Tensor, mask: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the sum over the frames in the mask, in nats, and the state.

        Args:
            frames: (time, batch, 88).
            mask: (time, batch), False on padding.
            state: what was read before.
        """
        log_prob, state = self.model(frames, state)
        return -(log_prob * mask).sum(), state.detached()


def share_of(songs: Sequence[PianoRoll], processes: Processes, device: torch.device) -> Batch:
    """Return the songs of a batch that this process reads.

    The longest song goes to the first process, the next one to the second, and so on. All shares are as long as the
    longest song, so that every process takes part in every step; one that has no song reads a song that does not count.

    Args:
        songs: the batch.
        processes: who shares it.
        device: where the tensors shall be.
    """
    order = sorted(range(len(songs)), key=lambda number: -len(songs[number]))
    own = order[processes.rank :: processes.size]
    batch = collate(songs, own or order[-1:], device, length=len(songs[order[0]]))
    return batch if own else replace(batch, lengths=torch.zeros_like(batch.lengths))


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Let torch's global random numbers, which dropout draws, begin at a seed; afterwards they continue as before.

    Args:
        seed: of the numbers in the block.
        device: where they are drawn; other GPUs of the machine are left alone.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":  # torch.manual_seed would reach for all GPUs
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
