"""From a configuration to a model with drawn weights."""

from __future__ import annotations

import torch

from lmn_music.errors import UsageError
from lmn_music.models.config import ModelConfig
from lmn_music.models.dense import DenseModel
from lmn_music.models.memory_model import MemoryModel
from lmn_music.models.networks.gated import GatedLMN, GatedUnrolled
from lmn_music.models.networks.lmn import LMN
from lmn_music.models.networks.multiscale import MultiScaleLMN
from lmn_music.models.networks.network import Network
from lmn_music.models.networks.recurrent import Recurrent
from lmn_music.models.networks.unrolled import Unrolled
from lmn_music.models.tied.model import TiedModel

ARCHITECTURES: dict[str, type[DenseModel] | type[TiedModel]] = {"dense": DenseModel, "tied": TiedModel}

# By `ModelConfig.network`.
NETWORKS: dict[str, type[Network]] = {
    "lmn": LMN,
    "unrolled": Unrolled,
    "gated-lmn": GatedLMN,
    "gated-unrolled": GatedUnrolled,
    "ms-lmn": MultiScaleLMN,
    "rnn": Recurrent,
    "gru": Recurrent,
    "lstm": Recurrent,
}


def network_type(config: ModelConfig) -> type[Network]:
    """Return the class of a model's network.

    Args:
        config: what the model is made of.

    Raises:
        UsageError: there is no network of that name.
    """
    if config.network not in NETWORKS:
        raise UsageError(f"there is no model.network {config.network!r}: choose {', '.join(NETWORKS)}")
    return NETWORKS[config.network]


def build(config: ModelConfig, generator: torch.Generator | None = None, start: str = "orthogonal") -> MemoryModel:
    """Make a model of its configuration.

    Args:
        config: what the model is made of.
        generator: where its weights are drawn from; torch's global random numbers if not given.
        start: what its memory starts as, see `Network.reset`.

    Returns:
        The model, in training mode.

    Raises:
        UsageError: see `network_type`.
    """
    architecture = ARCHITECTURES[config.architecture]
    network = network_type(config).from_config(config, architecture.input_size(config))
    network.reset(start, generator=generator)
    network.prepare()
    return architecture(config, network, generator)
