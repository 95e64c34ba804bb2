"""The one face of every model: p(song) as a product of p(frame | all frames before), exact."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from lmn_music.models.config import ModelConfig
from lmn_music.models.lmn import LMN, MemoryStart
from lmn_music.models.multiscale import MultiScaleLMN
from lmn_music.models.outputs.output import Output
from lmn_music.models.recurrent import Recurrent
from lmn_music.models.unrolled import Unrolled

CHUNK = 125  # frames read at a time where nothing is learned; bounds the memory that a long song takes


@dataclass(frozen=True)
class State:
    """All that a model remembers of the frames so far.

    memory: (batch, ...) the network's recurrent state. previous: (batch, 88) the last frame. position: frames seen.
    """

    memory: Tensor
    previous: Tensor
    position: int

    def saw(self, frame: Tensor) -> State:
        """Return the state after the frame that was predicted turned out to be `frame`, (batch, 88)."""
        return replace(self, previous=frame)

    def detached(self) -> State:
        """Return the state cut off from the graph, for truncated back-propagation."""
        return replace(self, memory=self.memory.detach())

    def first(self, count: int) -> State:
        """Return the state of the first `count` songs of the batch."""
        return replace(self, memory=self.memory[:count], previous=self.previous[:count])


class SequenceModel(nn.Module, ABC):
    """A distribution over songs. Whatever trains, evaluates or samples knows a model by this face alone."""

    config: ModelConfig
    output: Output

    @abstractmethod
    def initial_state(self, batch: int) -> State:
        """Return the state before the first frame."""

    def training_state(self, frames: Tensor) -> State:
        """Return a state before the first of `frames`, (time, batch, 88), on which `log_prob` may be an estimate.

        Its expectation is the log-likelihood; what is left out saves time. May use torch's global random numbers.
        """
        return self.initial_state(frames.shape[1])

    @abstractmethod
    def contexts(self, frames: Tensor, state: State) -> tuple[Tensor, State]:
        """Return what the output model needs for each frame, given only the frames before it, and the last state.

        frames (time, batch, 88) of zeros and ones, the continuation of what `state` has seen -> (time, batch, ...).
        """

    @abstractmethod
    def step(self, state: State) -> tuple[Tensor, State]:
        """Return the context of the next frame, (batch, ...), and the state to which that frame is still to be told.

        `state.saw(frame)` tells it. The same numbers as `contexts`, one frame at a time.
        """

    def log_prob(self, frames: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the exact log-likelihood of each frame given all before it, in nats, summed over the 88 keys.

        frames (time, batch, 88) -> (time, batch), and the state after the last frame.
        """
        context, state = self.contexts(frames, self.initial_state(frames.shape[1]) if state is None else state)
        return self.output.log_prob(frames, context), state

    @torch.no_grad()
    def constrain(self) -> None:
        """Bring the weights back into the set where every song length is stable; called after each optimiser step."""


class MemoryModel(SequenceModel):
    """A model of one recurrence and a linear readout from it: what a hand-over needs to know.

    network: the recurrence. initial_memory: its state before the first frame, of one sequence. readout: from the
    network's output to the output model's context.
    """

    network: LMN | Unrolled | MultiScaleLMN | Recurrent
    initial_memory: nn.Parameter
    readout: nn.Linear

    def __init__(
        self, config: ModelConfig, input_size: int, generator: torch.Generator | None, start: MemoryStart
    ) -> None:
        """Make the recurrence for inputs of that size, and what it starts from."""
        super().__init__()
        self.config = config
        hidden_size, memory_size = config.hidden_size, config.memory_size
        if config.network == "lmn":
            self.network = LMN(input_size, hidden_size, memory_size, readout=config.readout)
            self.network.reset_parameters(start, generator=generator)
        elif config.network == "ms-lmn":
            self.network = MultiScaleLMN(input_size, hidden_size, memory_size, config.scales, readout=config.readout)
            self.network.reset_parameters(orthogonal=start == "orthogonal", generator=generator)
        elif config.network != "unrolled":
            self.network = Recurrent(config.network, input_size, hidden_size)
            self.network.reset_parameters(orthogonal=start == "orthogonal", generator=generator)
        else:
            # An LMN-A can be handed a readout of h_t alone, and the feedback, through which it hears the past.
            window = config.readout != "hidden" or not config.feedback
            self.network = Unrolled(
                input_size, hidden_size, config.window, feedback=config.feedback, puts_out_window=window
            )
            self.network.reset_parameters(generator=generator)
        if isinstance(self.network, LMN | MultiScaleLMN):  # what comes back through drawn weights saturates h
            nn.init.zeros_(self.network.W_mh)
        # What the memory holds before the first frame; the unrolled model's window is empty by definition.
        self.initial_memory = nn.Parameter(
            self.network.initial_state(1)[0], requires_grad=not isinstance(self.network, Unrolled)
        )

    @abstractmethod
    def recur(self, frames: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the network's output for each frame, given the frames before it alone, and the last state.

        frames (time, batch, 88) -> (time, batch, sequences, output_size): a song has one sequence, or one for each key.
        """

    def hidden(self, frames: Tensor) -> Tensor:
        """Return the unrolled network's hidden states over whole songs, (time, batch, sequences, hidden_size)."""
        assert isinstance(self.network, Unrolled)
        state, parts = self.initial_state(frames.shape[1]), []
        for chunk in frames.split(CHUNK):
            output, state = self.recur(chunk, state)
            parts.append(output[..., : self.config.hidden_size].clone())  # h_t stands first
        return torch.cat(parts)

    @torch.no_grad()
    def constrain(self) -> None:
        """Project a linear memory that is being trained: see `project_memory` of its layer."""
        if isinstance(self.network, LMN | MultiScaleLMN) and self.network.W_mm.requires_grad:
            self.network.project_memory()


def build(
    config: ModelConfig, generator: torch.Generator | None = None, start: MemoryStart = "orthogonal"
) -> MemoryModel:
    """Make a model of its configuration, its weights drawn from `generator`; `start`: see `LMN.reset_parameters`."""
    from lmn_music.models.dense import DenseModel
    from lmn_music.models.tied import TiedModel

    if config.architecture == "tied":
        return TiedModel(config, generator, start)
    return DenseModel(config, generator, start)
