"""What every recurrence is, whatever it computes: the models use no more of it than what is here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from lmn_music.models.config import ModelConfig


class Network(nn.Module, ABC):
    """A recurrence over time: a state and an input give an output and the next state.

    Attributes:
        input_size: the numbers of a frame that the network reads.
        output_size: the numbers of a frame that it puts out.
        hidden_size: its hidden units.
        starts: what the memory, or the recurrent weights, can start as; see `reset`.
        memory_weights: the names of the weights that training may give a learning rate of their own, or freeze.
        learns_initial_state: whether a model may train the state before the first frame; if not, it stays as
            `initial_state` gives it.

    A new recurrence is one file with a subclass, one entry in `lmn_music.models.build.NETWORKS`, and one list of stages
    in `lmn_music.training.stages.FAMILIES`.
    """

    input_size: int
    output_size: int
    hidden_size: int
    starts: ClassVar[tuple[str, ...]] = ("orthogonal", "random")
    memory_weights: ClassVar[tuple[str, ...]] = ()
    learns_initial_state: ClassVar[bool] = True

    @property
    def drive_size(self) -> int:
        """The numbers of a frame of the drive, see `advance`: what the hidden units receive, the gated ones twice."""
        return self.hidden_size

    @classmethod
    @abstractmethod
    def from_config(cls, config: ModelConfig, input_size: int) -> Self:
        """Make the network of a model.

        Args:
            config: what the model is made of.
            input_size: the numbers of a frame that the network will read.
        """

    @abstractmethod
    def reset(self, start: str = "orthogonal", *, generator: torch.Generator | None = None) -> None:
        """Draw new weights.

        Args:
            start: one of `starts`; a network that lacks it draws its weights at random.
            generator: where the random numbers come from; torch's global ones if not given.
        """

    def prepare(self) -> None:
        """Change the drawn weights as a training needs them; a model calls it after `reset`. Most have no need."""

    @abstractmethod
    def initial_state(self, batch: int) -> Tensor:
        """Return the state before the first frame.

        Args:
            batch: the number of sequences.

        Returns:
            (batch, size), whatever the size of the state is.
        """

    @abstractmethod
    def advance(
        self, x: Tensor, state: Tensor, drive: Tensor | None = None, position: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Run over time.

        Args:
            x: (time, batch, input_size).
            state: (batch, size), the state before the first frame of `x`.
            drive: what enters the hidden units beside the input's part, broadcastable to (time, batch, drive_size);
                the tied architecture has one, the dense one has not.
            position: the number of the first frame of `x` within its song.

        Returns:
            The output (time, batch, output_size), and the state (batch, size) after the last frame.
        """

    @torch.no_grad()
    def constrain(self) -> None:
        """Bring the weights back into the set where every song length is stable; called after each optimiser step."""
