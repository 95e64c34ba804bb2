"""From the model of one stage to the model of the next: a linear autoencoder becomes a memory.

Source: Carta, Sperduti, Bacciu, "Encoding-based memory for recurrent neural networks", 2021, section 4; with the hidden
states centred, which the paper does not do, and with the unrolled model's empty window encoded too: before the song
every h is zero, so each hidden sequence is fitted with window - 1 zero frames before it, and the LMN starts from their
encoding. With as many components as the history has rank, the LMN reproduces the unrolled model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.memory.sequences import pieces
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig
from lmn_music.models.dense import DenseModel
from lmn_music.models.memory_model import MemoryModel
from lmn_music.models.networks.lmn import LMN
from lmn_music.models.networks.multiscale import MultiScaleLMN, sampled_hidden
from lmn_music.models.networks.unrolled import Unrolled
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.processes import ALONE, Processes
from lmn_music.training.autoencoders import autoencoder_of, inputs_of


@torch.no_grad()
def with_next_scale(
    model: DenseModel, songs: Sequence[PianoRoll], *, centre: bool, length: int, process: Processes = ALONE
) -> MemoryModel:
    """Return the multi-scale model with one more, slower memory, the linear autoencoder of its hidden states.

    Memory number i reads a hidden state every 2^i frames. Nothing reads the new memory yet, so the likelihoods are the
    same as before.

    Args:
        model: with the network `ms-lmn`; it stays as it is.
        songs: what the model reads.
        centre: see `fit_memory`.
        length: see `fit_memory`; in frames that the new memory reads.
        process: this one alone; see `Watched`.

    Raises:
        TrainingError: the hidden states never change.
    """
    assert isinstance(model.network, MultiScaleLMN)
    config = model.config.model_copy(update={"scales": model.config.scales + 1})
    sequences = []
    for inputs in inputs_of(model, songs):
        h, _ = model.network.run(inputs, model.initial_state(1).memory)
        sequences.append(sampled_hidden(h[:, 0].cpu().numpy(), model.config.scales))
    sequences = pieces(sequences, length)
    instead = "fewer model.scales"
    memory = autoencoder_of(sequences, config.memory_size, centre=centre, instead=instead, processes=process)
    wider = build(config).to(model.readout.weight)
    _copy_output(model, wider)
    wider.network = model.network.with_scale(memory)
    old = model.network.output_size
    wider.readout.weight.zero_()
    wider.readout.weight[:, :old] = model.readout.weight
    wider.readout.bias.copy_(model.readout.bias)
    wider.initial_memory.zero_()
    wider.initial_memory[: len(model.initial_memory)] = model.initial_memory
    return wider


@torch.no_grad()
def hand_over(unrolled: MemoryModel, memory: LinearAutoencoder, config: ModelConfig) -> MemoryModel:
    """Make the LMN that does what the unrolled model does, as far as the memory remembers.

    With y the memory, h_{t-i} ~ A' (B')^i y_t + mean gives W_mh and the readout. A readout of the hidden state takes
    h_t from there. An LMN-A reads out nothing else: of the older hidden states that the unrolled model reads out, where
    it has no feedback, it keeps the mean alone.

    Args:
        unrolled: with the network `unrolled`.
        memory: fitted to its hidden sequences, see `fit_memory`. Where it is smaller than the memory of the LMN, the
            last cells are a `spare_memory`, which nothing reads yet.
        config: what the LMN is made of.

    Returns:
        The LMN, on the device and in the precision of the unrolled model.
    """
    source = unrolled.network
    assert isinstance(source, Unrolled)
    model = build(config).to(unrolled.readout.weight)  # the same device and precision
    _copy_output(unrolled, model)
    target = model.network
    assert isinstance(target, LMN)
    mean = torch.from_numpy(memory.mean_)
    A, B = torch.from_numpy(memory.A_), torch.from_numpy(memory.B_)
    size = len(memory.B_)
    spare = config.memory_size - size
    # recall[i] @ y_t ~ h_{t-i} - mean
    recall = [A.t()]
    while len(recall) < source.window:
        recall.append(recall[-1] @ B.t())
    recall = [torch.nn.functional.pad(R, (0, spare)) for R in recall]
    W_hh = _exact(source.W_hh).split(source.hidden_size, dim=1) if source.W_hh.numel() else ()
    target.W_xh.copy_(source.W_xh)
    target.b_h.copy_(_exact(source.b_h) + sum((W @ mean for W in W_hh), torch.zeros(1)))
    target.W_mh.copy_(sum((W @ R for W, R in zip(W_hh, recall, strict=False)), torch.zeros(1)))
    target.load_autoencoder(memory)
    silence = np.zeros((source.window - 1, source.hidden_size))
    if len(silence):
        model.initial_memory[:size].copy_(torch.from_numpy(memory.transform(silence)[-1]))

    W_o = _exact(unrolled.readout.weight).split(source.hidden_size, dim=1)
    from_hidden, from_memory = torch.zeros_like(W_o[0]), W_o
    bias = _exact(unrolled.readout.bias)
    if config.readout != "memory":
        from_hidden, from_memory = W_o[0], (torch.zeros_like(W_o[0]), *W_o[1:])
    to_memory: Tensor = sum((W @ R for W, R in zip(from_memory, recall, strict=False)), torch.zeros(1))
    bias = bias + sum((W @ mean for W in from_memory), torch.zeros(1))
    if config.readout == "hidden":
        model.readout.weight.copy_(from_hidden)
    else:
        blocks = [from_hidden, to_memory] if config.readout == "both" else [to_memory]
        model.readout.weight.copy_(torch.cat(blocks, dim=1))
    model.readout.bias.copy_(bias)
    return model


def _copy_output(source: MemoryModel, target: MemoryModel) -> None:
    """Copy all weights except the weights of the recurrence and of the readout from it."""
    recurrence = ("network.", "readout.", "initial_memory")
    rest = {name: value for name, value in source.state_dict().items() if not name.startswith(recurrence)}
    target.load_state_dict(rest, strict=False)


def _exact(tensor: Tensor) -> Tensor:
    """Return the tensor where and as the autoencoder computes: on the CPU, in double precision."""
    return tensor.detach().cpu().double()
