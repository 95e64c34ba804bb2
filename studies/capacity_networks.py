"""RNN and LSTM in the study of capacity: trained by gradient descent to hold the past."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn

from lmn_music.memory.sequences import FloatArray
from lmn_music.models.networks.recurrent import Recurrent
from studies.capacity_inputs import Data, Encoder, Values, choose
from studies.capacity_protocol import LONGER, Spec
from studies.engine import Row

TRAINED = ("RNN", "LSTM")


def trained(task: Spec, data: Data) -> Iterator[tuple[Encoder, Row]]:
    """Choose gain and learning rate by short trainings with the first seed, then train with each."""
    plan = task.protocol.training
    settings = choose(
        {"gain": plan.gains, "rate": plan.rates},
        lambda settings: float(train(task, data, settings, 0, plan.trial, checks=1)[1]["valid_last"]),
    )
    steps = plan.steps * (plan.longer if task.variant == LONGER else 1)
    for seed in range(task.seeds):
        yield train(task, data, settings, seed, steps, plan.checks)


def train(task: Spec, data: Data, settings: Values, seed: int, steps: int, checks: int) -> tuple[Encoder, Row]:
    """Train an RNN or LSTM by Adam to hold the past, read out linearly from its whole state.

    The loss is the squared error at the lags drawn, relative to the energy of the pieces: that of the autoencoder, but
    with a readout that learns too. Kept are the weights with the best figure to choose by, out of a few, those before
    the first step among them.
    """
    plan, size, start = task.protocol.training, task.size, time.process_time()
    inputs, units = len(data.mean), size if task.memory == "RNN" else -(-size // 2)  # an odd size: one number more
    lags = min(task.lags, data.lags)
    scale = settings["gain"] / float(np.sqrt(np.square(np.concatenate(data.train) - data.mean).mean()))
    pieces = [torch.from_numpy((piece - data.mean) * scale).float() for piece in data.train]
    generator = torch.Generator().manual_seed(seed)
    network = Recurrent("rnn" if task.memory == "RNN" else "lstm", inputs, units)
    network.reset(generator=generator)
    shapes = ((lags, inputs, network.initial_state(1).shape[1]), (lags, inputs))
    readout, bias = (torch.zeros(shape, requires_grad=True) for shape in shapes)
    weights = [*network.parameters(), readout, bias]
    optimiser = torch.optim.Adam(weights)

    @torch.no_grad()
    def encode(sequence: FloatArray) -> FloatArray:
        x = torch.from_numpy((sequence - data.mean) * scale).float().unsqueeze(1)
        return np.asarray(_states(network, x)[:, 0].double().numpy())

    kept = []
    for step in range(steps + 1):
        if step in {steps * check // checks for check in range(checks + 1)}:
            kept.append((step, data.to_choose_by(encode, lags), deepcopy(network.state_dict())))
        optimiser.param_groups[0]["lr"] = settings["rate"] * (1 + np.cos(np.pi * step / steps)) / 2
        x, real = _drawn(pieces, plan.batch, generator)
        states, missing = _states(network, x)[real], []
        for lag in torch.randperm(lags, generator=generator)[: plan.lags].tolist():
            target = torch.cat([torch.zeros_like(x[:lag]), x])[: len(x)][real]
            missing.append((nn.functional.linear(states, readout[lag], bias[lag]) - target).square().sum())
        optimiser.zero_grad()
        (torch.stack(missing).mean() / x.square().sum()).backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
    best = max(kept, key=lambda check: check[1])
    network.load_state_dict(best[2])
    row = {"size": size, "seed": seed, "settings": settings, "seconds": round(time.process_time() - start, 2)}
    return encode, row | {"steps": steps, "kept_after": best[0], "valid_before": kept[0][1], "valid_last": kept[-1][1]}


def _states(network: Recurrent, x: Tensor) -> Tensor:
    """Return the whole state after each frame of x (time, batch, inputs): of the LSTM [h_t, c_t]."""
    if network.kind == "rnn":
        return network.advance(x, network.initial_state(x.shape[1]))[0]
    h, c = network.initial_state(x.shape[1]).chunk(2, dim=1)
    states = []
    for frame in x:
        h, c = torch.lstm_cell(frame, (h, c), *network.layer.all_weights[0])
        states.append(torch.cat([h, c], dim=1))
    return torch.stack(states)


def _drawn(pieces: Sequence[Tensor], count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw pieces: (time, count, inputs), and which frames are no padding."""
    chosen = [pieces[number] for number in torch.randint(len(pieces), (count,), generator=generator).tolist()]
    x = nn.utils.rnn.pad_sequence(chosen)
    return x, torch.arange(len(x)).unsqueeze(1) < torch.tensor([len(piece) for piece in chosen])
