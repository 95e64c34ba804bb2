"""Networks that studies compare and that no other model has: deeper ones, a normalised one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from lmn_music.models.build import NETWORKS
from lmn_music.models.config import ModelConfig
from lmn_music.models.networks.gated import GatedLMN
from lmn_music.models.networks.lmn import LMN
from lmn_music.models.networks.network import Network
from lmn_music.models.networks.parallel import Block, ParallelLMN
from lmn_music.training.family import Family, one_stage
from lmn_music.training.stages import FAMILIES


class GatedBlocks(Network):
    """Residual blocks (`lmn_music.models.networks.parallel.Block`) of gated LMNs, as many as the model's `scales`.

    A frame has as many numbers between the blocks as each memory has cells.
    """

    starts = ("orthogonal", "random", "delay", "legendre")
    layer: ClassVar[type[LMN]] = GatedLMN

    def __init__(self, config: ModelConfig, input_size: int) -> None:
        super().__init__()
        size = config.memory_size
        self.input_size, self.output_size, self.hidden_size = input_size, size, config.hidden_size
        self.read_in = nn.Linear(input_size, size)
        made = [self.layer(size, config.hidden_size, size, readout=config.readout) for _ in range(config.scales)]
        self.blocks = nn.ModuleList(Block(layer, size, layer.output_size) for layer in made)
        names = (f"blocks.{number}.layer.{name}" for number in range(len(made)) for name in LMN.memory_weights)
        self.memory_weights = tuple(names)  # type: ignore[misc]

    @classmethod
    def from_config(cls, config: ModelConfig, input_size: int) -> Self:
        """See Network."""
        return cls(config, input_size)

    @property
    def layers(self) -> list[LMN]:
        """The layers, lowest first."""
        return [block.layer for block in self.blocks]  # type: ignore[misc]

    def reset(self, start: str = "orthogonal", *, generator: torch.Generator | None = None) -> None:
        """See Network. What lies between the layers stays as torch draws it."""
        for layer in self.layers:
            layer.reset(start, generator=generator)

    def prepare(self) -> None:
        """See Network."""
        for layer in self.layers:
            layer.prepare()

    def initial_state(self, batch: int) -> Tensor:
        """Return the empty memories, side by side."""
        return torch.cat([layer.initial_state(batch) for layer in self.layers], dim=1)

    def advance(
        self,
        x: Tensor,
        state: Tensor,
        drive: Tensor | None = None,  # noqa: ARG002 - for dense models, which have none
        position: int = 0,  # noqa: ARG002
    ) -> tuple[Tensor, Tensor]:
        """See Network."""
        y, after = self.read_in(x), []
        for block, memory in zip(self.blocks, state.chunk(len(self.blocks), dim=1), strict=True):
            y, last = block(y, memory.contiguous().unsqueeze(0))
            after.append(last[0])
        return y, torch.cat(after, dim=1)

    @torch.no_grad()
    def constrain(self) -> None:
        """See Network."""
        for layer in self.layers:
            layer.constrain()


class ParallelBlocks(GatedBlocks):
    """The same of LMNs without feedback: a stack, see `lmn_music.models.networks.parallel.LMNStack`."""

    layer = ParallelLMN


class NormalisedGatedLMN(GatedLMN):
    """A gated LMN that reads its input through a layer normalisation."""

    def __init__(self, *sizes: int, **options: object) -> None:
        super().__init__(*sizes, **options)  # type: ignore[arg-type]
        self.norm = nn.LayerNorm(self.input_size)

    def advance(self, x: Tensor, m: Tensor, drive: Tensor | None = None, position: int = 0) -> tuple[Tensor, Tensor]:
        """See Network."""
        return super().advance(self.norm(x), m, drive, position)


OWN: dict[str, type[Network]] = {
    "gated-blocks": GatedBlocks,
    "parallel-blocks": ParallelBlocks,
    "normalised-gated-lmn": NormalisedGatedLMN,
}


@contextmanager
def registered() -> Iterator[None]:
    """Let models have these networks for as long as this lasts; outside of studies nobody can ask for them."""
    new = OWN.keys() - NETWORKS.keys()  # none inside another such block
    NETWORKS.update(OWN)
    FAMILIES.update(dict.fromkeys(OWN, Family(one_stage)))
    try:
        yield
    finally:
        for name in new:
            del NETWORKS[name], FAMILIES[name]
