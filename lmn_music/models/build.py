"""From a configuration to a model with drawn weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from lmn_music.errors import UsageError
from lmn_music.models.config import ModelConfig
from lmn_music.models.dense import DenseModel
from lmn_music.models.memory_model import MemoryModel
from lmn_music.models.networks.lmn import LMN
from lmn_music.models.networks.multiscale import MultiScaleLMN
from lmn_music.models.networks.network import Network, Start
from lmn_music.models.networks.recurrent import Recurrent
from lmn_music.models.networks.unrolled import Unrolled
from lmn_music.models.tied.model import TiedModel

ARCHITECTURES: dict[str, type[DenseModel] | type[TiedModel]] = {"dense": DenseModel, "tied": TiedModel}


def _lmn(config: ModelConfig, input_size: int) -> Network:
    return LMN(input_size, config.hidden_size, config.memory_size, readout=config.readout)


def _multiscale(config: ModelConfig, input_size: int) -> Network:
    return MultiScaleLMN(input_size, config.hidden_size, config.memory_size, config.scales, readout=config.readout)


def _unrolled(config: ModelConfig, input_size: int) -> Network:
    # An LMN-A can be handed a readout of h_t alone, and the feedback, through which it reads the past.
    window = config.readout != "hidden" or not config.feedback
    return Unrolled(input_size, config.hidden_size, config.window, feedback=config.feedback, puts_out_window=window)


def _recurrent(config: ModelConfig, input_size: int) -> Network:
    return Recurrent(config.network, input_size, config.hidden_size)  # type: ignore[arg-type]


# Each makes a network for a configuration and the size of a frame's input; the name is what `ModelConfig.network` says.
NETWORKS: dict[str, Callable[[ModelConfig, int], Network]] = {
    "lmn": _lmn,
    "unrolled": _unrolled,
    "ms-lmn": _multiscale,
    "rnn": _recurrent,
    "gru": _recurrent,
    "lstm": _recurrent,
}


def build(config: ModelConfig, generator: torch.Generator | None = None, start: Start = "orthogonal") -> MemoryModel:
    """Make a model of its configuration.

    Args:
        config: what the model is made of.
        generator: where its weights are drawn from; torch's global random numbers if not given.
        start: what its memory starts as, see `Network.reset`.

    Returns:
        The model, in training mode.

    Raises:
        UsageError: there is no network of that name.
    """
    if config.network not in NETWORKS:
        raise UsageError(f"there is no model.network {config.network!r}: choose {', '.join(NETWORKS)}")
    architecture = ARCHITECTURES[config.architecture]
    network = NETWORKS[config.network](config, architecture.input_size(config))
    network.reset(start, generator=generator)
    if isinstance(network, LMN | MultiScaleLMN):  # what comes back through drawn weights saturates h
        nn.init.zeros_(network.W_mh)
    return architecture(config, network, generator)
