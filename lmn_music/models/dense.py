"""The dense architecture: one recurrent network over whole frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmn_music.models.config import ModelConfig
from lmn_music.models.interface import State
from lmn_music.models.memory_model import MemoryModel
from lmn_music.models.networks.network import Network
from lmn_music.models.outputs.bernoulli import BernoulliOutput
from lmn_music.models.outputs.nade import NADE
from lmn_music.music.pianoroll import KEYS


class DenseModel(MemoryModel):
    """Input: the frame before (zeros before the first) and the metre; a linear readout gives the output's context."""

    def __init__(self, config: ModelConfig, network: Network, generator: torch.Generator | None = None) -> None:
        super().__init__(config, network)
        output = NADE if config.output == "nade" else BernoulliOutput
        self.output = output(config.output_hidden_size, config.dropout, generator)
        self.readout = nn.Linear(self.network.output_size, self.output.context_size)
        nn.init.xavier_uniform_(self.readout.weight, generator=generator)
        nn.init.zeros_(self.readout.bias)
        self.input_dropout = nn.Dropout(config.input_dropout)
        self.dropout = nn.Dropout(config.dropout)

    @staticmethod
    def input_size(config: ModelConfig) -> int:
        """Return how many numbers of a frame the network reads."""
        return KEYS + sum(config.metre)

    @torch.no_grad()
    def start_from_chances(self, chances: Tensor) -> None:
        """Set the biases of the keys so that, before anything is read, each key sounds as often as it should.

        From even odds, all weights would first learn to make keys silent. That can make the hidden states so large that
        tanh has almost no gradient, and some trainings do not recover from it.

        Args:
            chances: (88,), above 0 and below 1, how likely each key is to sound.
        """
        layer: nn.Module = self.readout
        if isinstance(self.output, BernoulliOutput) and isinstance(self.output.hidden, nn.Sequential):
            layer = self.output.hidden[-1]
        assert isinstance(layer, nn.Linear)
        layer.bias[-KEYS:] = torch.logit(chances).to(layer.bias)

    def initial_state(self, batch: int) -> State:
        """Return the learned initial memory for each song; the frame before the first is silence."""
        memory = self.initial_memory.expand(batch, -1)
        return State(memory, memory.new_zeros(batch, KEYS), 0)

    def inputs(self, previous: Tensor, position: int) -> Tensor:
        """Return the network's input: the frame before each frame, and the frame's place in the bar.

        Args:
            previous: (time, batch, 88), frames position - 1, position, ...
            position: the number of the first frame to predict.

        Returns:
            (time, batch, 88 + sum of the metre).
        """
        x: Tensor = self.input_dropout(previous)
        if not self.config.metre:
            return x
        time, batch, _ = previous.shape
        number = torch.arange(position, position + time, device=previous.device)
        metre = [nn.functional.one_hot(number % m, m) for m in self.config.metre]
        return torch.cat([x, torch.cat(metre, dim=1).to(x).unsqueeze(1).expand(-1, batch, -1)], dim=2)

    def recur(self, frames: Tensor, state: State) -> tuple[Tensor, State]:
        """See MemoryModel."""
        x = self.inputs(torch.cat([state.previous.unsqueeze(0), frames[:-1]]), state.position)
        z, memory = self.network.advance(x, state.memory, position=state.position)
        return z.unsqueeze(2), State(memory, frames[-1], state.position + len(frames))

    def contexts(self, frames: Tensor, state: State) -> tuple[Tensor, State]:
        """See SequenceModel."""
        z, after = self.recur(frames, state)
        return self.readout(self.dropout(z.squeeze(2))), after

    def step(self, state: State) -> tuple[Tensor, State]:
        """See SequenceModel."""
        x = self.inputs(state.previous.unsqueeze(0), state.position)
        z, memory = self.network.advance(x, state.memory, position=state.position)
        return self.readout(self.dropout(z[0])), State(memory, state.previous, state.position + 1)
