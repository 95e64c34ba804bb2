"""A model of one recurrence and a linear readout from it: what a hand-over needs to know."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from lmn_music.models.config import ModelConfig
from lmn_music.models.interface import CHUNK, SequenceModel, State
from lmn_music.models.networks.network import Network
from lmn_music.models.networks.unrolled import Unrolled


class MemoryModel(SequenceModel):
    """A model of one recurrence and a linear readout from it.

    Attributes:
        network: the recurrence.
        initial_memory: its state before the first frame, of one sequence.
        readout: from the network's output to the output model's context.
    """

    network: Network
    initial_memory: nn.Parameter
    readout: nn.Linear

    def __init__(self, config: ModelConfig, network: Network) -> None:
        super().__init__()
        self.config, self.network = config, network
        self.initial_memory = nn.Parameter(network.initial_state(1)[0], requires_grad=network.learns_initial_state)

    @abstractmethod
    def recur(self, frames: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the network's output for each frame, from the frames before it alone.

        Args:
            frames: (time, batch, 88) of zeros and ones.
            state: what was read before.

        Returns:
            (time, batch, sequences, output_size), where a song has one sequence, or one for each key; and the state
            after the last frame.
        """

    def read(self, frames: Tensor, state: State) -> State:
        """See SequenceModel."""
        for chunk in frames.split(CHUNK):
            _, state = self.recur(chunk, state)
        return state

    def hidden(self, frames: Tensor) -> Tensor:
        """Return the unrolled network's hidden states over whole songs, (time, batch, sequences, hidden_size)."""
        assert isinstance(self.network, Unrolled)
        state, parts = self.initial_state(frames.shape[1]), []
        for chunk in frames.split(CHUNK):
            output, state = self.recur(chunk, state)
            parts.append(output[..., : self.config.hidden_size].clone())  # h_t stands first
        return torch.cat(parts)

    def memory_weights(self) -> list[nn.Parameter]:
        """See SequenceModel."""
        return [*self.initial_weights(), *(self.network.get_parameter(name) for name in self.network.memory_weights)]

    def initial_weights(self) -> list[nn.Parameter]:
        """See SequenceModel."""
        return [self.initial_memory]

    @torch.no_grad()
    def constrain(self) -> None:
        """See SequenceModel."""
        self.network.constrain()
