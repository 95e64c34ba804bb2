"""What every model is: p(song) as a product of p(frame | all frames before), exact."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from lmn_music.models.config import ModelConfig
from lmn_music.models.habits import Habits
from lmn_music.models.outputs.output import Output
from lmn_music.music.pianoroll import PianoRoll

CHUNK = 125  # frames read at a time where nothing is learned; bounds the memory that a long song takes


@dataclass(frozen=True)
class State:
    """All that a model remembers of the frames so far.

    Attributes:
        memory: (batch, ...), the network's recurrent state.
        previous: (batch, 88), the last frame.
        position: how many frames the model has read.
    """

    memory: Tensor
    previous: Tensor
    position: int

    def saw(self, frame: Tensor) -> State:
        """Return the state in which the frame that `step` predicted is known.

        Args:
            frame: (batch, 88) of zeros and ones, what the frame turned out to be.
        """
        return replace(self, previous=frame)

    def detached(self) -> State:
        """Return the state cut off from the graph, for truncated back-propagation."""
        return replace(self, memory=self.memory.detach())

    def drawing(self, *, free: bool) -> State:  # noqa: ARG002
        """Return the state of a model from which frames are drawn from here on.

        Args:
            free: nothing is given of these frames, so that all that the model reads from here on is its own.
        """
        return self

    def select(self, songs: Tensor | slice) -> State:
        """Return the state of some songs of the batch.

        Args:
            songs: which ones, as whole numbers (count,), repeated or reordered at will, or as a slice.

        Returns:
            The state of `count` songs, in that order.
        """
        return replace(self, memory=self.memory[songs], previous=self.previous[songs])

    def recent(self, frames: int) -> State:  # noqa: ARG002 - a memory of fixed size has nothing to forget
        """Return the state without what a model keeps of frames longer ago, so that its size has a bound.

        Args:
            frames: how many of the last frames to keep.
        """
        return self


class SequenceModel(nn.Module, ABC):
    """A distribution over songs; training, evaluation and generation use nothing else of a model.

    Called as `model(frames, state)` it returns the exact log-likelihood of each frame, see `forward`, so that wrappers
    of torch apply: torch.compile, and DistributedDataParallel with `find_unused_parameters=True`, because only the
    first frames of a song depend on the state that a song begins with.

    Attributes:
        config: what the model is made of.
        output: p(frame | context).
    """

    config: ModelConfig
    output: Output

    @property
    def habits(self) -> Habits | None:
        """Return what the model's own songs keep to; None for nothing."""
        return None

    @abstractmethod
    def initial_state(self, batch: int) -> State:
        """Return the state before the first frame of `batch` songs."""

    def training_state(self, frames: Tensor, generator: torch.Generator) -> State:  # noqa: ARG002
        """Return a state to train from, on which `forward` may give an estimate whose expectation is the likelihood.

        What the estimate leaves out saves time. Most models leave nothing out.

        Args:
            frames: (time, batch, 88), the songs that will follow.
            generator: where random numbers come from, on the CPU.

        Returns:
            A state before the first frame.
        """
        return self.initial_state(frames.shape[1])

    @abstractmethod
    def contexts(self, frames: Tensor, state: State) -> tuple[Tensor, State]:
        """Return what the output model needs for each frame, from the frames before it alone.

        Args:
            frames: (time, batch, 88) of zeros and ones, the continuation of what was read before.
            state: what was read before.

        Returns:
            The contexts (time, batch, ...), and the state after the last frame.
        """

    def read(self, frames: Tensor, state: State) -> State:
        """Return the state after more frames, that of `contexts`; what is expected of the frames need not be computed.

        Args:
            frames: (time, batch, 88) of zeros and ones, however many, the continuation of what was read before.
            state: what was read before.
        """
        for chunk in frames.split(CHUNK):
            _, state = self.contexts(chunk, state)
        return state

    @abstractmethod
    def step(self, state: State) -> tuple[Tensor, State]:
        """Return the context of the next frame: the same numbers as `contexts`, one frame at a time.

        Args:
            state: what was read before.

        Returns:
            The context (batch, ...), and a state that lacks the next frame: `state.saw(frame)` adds it.
        """

    def forward(self, frames: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the exact log-likelihood of each frame given all frames before it.

        Args:
            frames: (time, batch, 88) of zeros and ones.
            state: what the model has read before; the beginning of a song if not given.

        Returns:
            (time, batch) in nats, summed over the 88 keys, and the state after the last frame.
        """
        context, state = self.contexts(frames, self.initial_state(frames.shape[1]) if state is None else state)
        return self.output.log_prob(frames, context), state

    def with_songs(self, songs: Sequence[PianoRoll]) -> SequenceModel | None:  # noqa: ARG002
        """Return a model of the same weights that also reads other songs, which stay at hand.

        Args:
            songs: what is to stay at hand; at least one.

        Returns:
            The model; None where a model reads nothing but the song so far, as most do.
        """
        return None

    def memory_weights(self) -> list[nn.Parameter]:
        """Return the weights that training may give a learning rate of their own, or freeze: the memory's."""
        return []

    def initial_weights(self) -> list[nn.Parameter]:
        """Return the weights that make the state before the first frame, and nothing after it."""
        return []

    @torch.no_grad()
    def constrain(self) -> None:
        """Bring the weights back into the set where every song length is stable; called after each optimiser step."""
