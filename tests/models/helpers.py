"""Small models of every kind, and all frames of a small keyboard."""

import itertools

import torch

from lmn_music.models.config import ModelConfig


def tied(**options):
    return ModelConfig(
        architecture="tied", output="nade", **{"output_hidden_size": 4, "hidden_size": 3, "memory_size": 4} | options
    )


CONFIGS = {
    "LMN-B": ModelConfig(hidden_size=5, memory_size=6),
    "LMN-A": ModelConfig(hidden_size=5, memory_size=6, readout="hidden"),
    "both, metre": ModelConfig(
        hidden_size=5, memory_size=6, readout="both", metre=(2, 3), output_hidden_size=4, dropout=0.5, input_dropout=0.5
    ),
    "unrolled": ModelConfig(network="unrolled", hidden_size=5, window=3, feedback=True),
    "NADE": ModelConfig(output="nade", output_hidden_size=4, hidden_size=5, memory_size=6, metre=(2,), dropout=0.5),
    "unrolled, NADE": ModelConfig(network="unrolled", output="nade", output_hidden_size=4, hidden_size=5, window=3),
    "MS-LMN": ModelConfig(network="ms-lmn", hidden_size=5, memory_size=3, scales=3, metre=(2,)),
    "gated": ModelConfig(network="gated-lmn", hidden_size=5, memory_size=6, readout="both", metre=(2,)),
    "gated, LMN-A": ModelConfig(network="gated-lmn", hidden_size=5, memory_size=6, readout="hidden"),
    "gated, unrolled": ModelConfig(network="gated-unrolled", hidden_size=5, window=3, feedback=True),
    "RNN": ModelConfig(network="rnn", hidden_size=5),
    "GRU": ModelConfig(network="gru", hidden_size=5, metre=(2,), output="nade", output_hidden_size=4),
    "LSTM": ModelConfig(network="lstm", hidden_size=5),
    "tied": tied(absolute_pitch=False, recall=True, voices=True, metre=(2, 3), dropout=0.5, readout="both"),
    "tied, absolute pitch": tied(absolute_pitch=True, recall=False, voices=False),
    "tied, MS-LMN": tied(network="ms-lmn", memory_size=3, scales=3, metre=(2,)),
    "tied, gated": tied(network="gated-lmn", readout="both", metre=(2,)),
    "tied, LSTM": tied(network="lstm", metre=(2,)),
    "tied, copies": tied(copies=True, own_past=True, metre=(2,)),
    "tied, unrolled": tied(network="unrolled", window=3, feedback=True),
}


def all_frames(keys):
    """Return each of the 2^keys frames of a small keyboard."""
    number = torch.arange(2**keys).unsqueeze(1)
    return (number >> torch.arange(keys) & 1).double()


def generator_that_draws(low, high):
    """Return a generator whose first number lies between `low` and `high`."""
    for seed in itertools.count():
        if low <= float(torch.rand((), generator=torch.Generator().manual_seed(seed))) < high:
            return torch.Generator().manual_seed(seed)
