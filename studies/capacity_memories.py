"""The memories of the capacity experiment: each is fitted, chosen or trained on an input, and encodes sequences."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lmn_music.memory.laes import LinearAutoencoder, fit_autoencoder
from lmn_music.memory.linear import LinearMemory, principal_components
from lmn_music.memory.sequences import FloatArray, pieces
from lmn_music.memory.static import delay_line, echo_state, legendre, orthogonal
from lmn_music.models.networks.multiscale import sampled_hidden
from lmn_music.models.networks.recurrent import Recurrent
from studies.capacity_inputs import LONGER, Data, Encoder, Task

Row = dict[str, Any]
Values = Mapping[str, float]

TRAINED = ("RNN", "LSTM")
RANDOM = ("orthogonal", "echo state")  # static memories that differ from seed to seed

COMPONENTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # to feed a static memory with, besides all of them
# Static memories, and what else is to be chosen for each; window: frames, at least one for each cell of an input.
STATIC: dict[str, dict[str, tuple[float, ...]]] = {
    "orthogonal": {"radius": (0.8, 0.9, 0.95, 0.98, 0.99, 1.0)},
    "echo state": {"radius": (0.8, 0.9, 0.95, 0.98, 0.99, 0.999)},
    "delay line": {},
    "Legendre": {"window": (8, 12, 16, 24, 32, 48, 64, 96, 128, 192)},
}
SCALES = (2, 3, 4, 5)  # of the multi-scale autoencoder: how many modules share its cells


def memories(task: Task, data: Data) -> Iterator[tuple[Encoder, Row]]:
    """Yield the memories of a task, each with its size, seed, settings and the seconds it took: see `measure`."""
    kinds = {"LAES": _autoencoders, "multi-scale LAES": _multi_scale}
    kinds |= dict.fromkeys(STATIC, _chosen) | dict.fromkeys(TRAINED, _trained)
    return kinds[task.memory](task, data)


def _autoencoders(task: Task, data: Data) -> Iterator[tuple[Encoder, Row]]:
    """Fit once, as large as the largest size: a smaller LAES is the leading block of a larger one.

    The history of shorter pieces is a shorter one, in which nothing but the first lags is to be remembered.
    """
    sizes, start = [task.size] if task.size else task.protocol.sizes, time.process_time()
    fitted = fit_autoencoder(pieces(data.train, task.lags), max(sizes))
    seconds = round(time.process_time() - start, 2)
    for size in sizes:
        yield _leading(fitted, size).transform, {"size": size, "seed": 0, "settings": {}, "seconds": seconds}


def _multi_scale(task: Task, data: Data) -> Iterator[tuple[Encoder, Row]]:
    """Share the cells among modules as an MS-LMN has them when they are put in, each an LAES of the frames it sees.

    None feeds another then. How many modules there are is chosen on the validation split.
    """
    sizes, start = task.protocol.sizes, time.process_time()
    fitted = [
        fit_autoencoder([sampled_hidden(piece, scale) for piece in data.train], -(-max(sizes) // 2))
        for scale in range(max(SCALES))
    ]
    to_fit = time.process_time() - start
    for size in sizes:
        start = time.process_time()

        def modules(settings: Values, size: int = size) -> Encoder:
            scales = int(settings["scales"])
            cells = [size // scales + (scale < size % scales) for scale in range(scales)]
            return partial(encode_in_scales, [_leading(m, count) for m, count in zip(fitted, cells, strict=False)])

        settings = choose({"scales": SCALES}, lambda there: data.to_choose_by(modules(there), task.lags))
        seconds = round(to_fit + time.process_time() - start, 2)
        yield modules(settings), {"size": size, "seed": 0, "settings": settings, "seconds": seconds}


def encode_in_scales(modules: Sequence[LinearMemory], sequence: FloatArray) -> FloatArray:
    """Return the states (time, all cells) of modules, of which number i hears every 2^i-th frame and then waits."""
    states = [
        memory.transform(sampled_hidden(sequence, scale)).repeat(2**scale, axis=0)[: len(sequence)]
        for scale, memory in enumerate(modules)
    ]
    return np.concatenate(states, axis=1)


def _leading(fitted: LinearAutoencoder, size: int) -> LinearMemory:
    return LinearMemory(fitted.A_[:size], fitted.B_[:size, :size], fitted.mean_)


def _chosen(task: Task, data: Data) -> Iterator[tuple[Encoder, Row]]:
    """Choose the settings of a static memory on the validation split with the first seed, and make it with each.

    All static memories may be fed with principal components, as many as suit them: with 100 cells on Nottingham, an
    orthogonal memory holds a fifth more of 8 components than of random projections of all keys.
    """
    kind, size, inputs, start = task.memory, task.size, len(data.mean), time.process_time()
    projection, mean = principal_components(data.train, inputs)
    most = inputs if kind in RANDOM else min(inputs, size)
    components = [count for count in COMPONENTS if size / data.lags <= count < most]

    def make(settings: Values, seed: int) -> LinearMemory:
        count = int(settings["components"])
        return static_memory(kind, count, size, settings, np.random.default_rng(seed)).of(projection[:count], mean)

    def figure(settings: Values) -> float:
        try:
            memory = make(settings, 0)
        except ValueError:  # a window too short for the cells, or cells that rounding spoils: see `legendre`
            return 0.0
        return data.to_choose_by(memory.transform, task.lags)

    settings = choose({"components": [*components, most], **STATIC[kind]}, figure)
    seconds = round(time.process_time() - start, 2)
    for seed in range(task.seeds):
        yield make(settings, seed).transform, {"size": size, "seed": seed, "settings": settings, "seconds": seconds}


def static_memory(kind: str, inputs: int, size: int, settings: Values, generator: np.random.Generator) -> LinearMemory:
    """Return the static memory of that kind. ValueError for a Legendre memory with too many cells for its window."""
    if kind == "delay line":
        return delay_line(inputs, size)
    if kind in RANDOM:
        return {"orthogonal": orthogonal, "echo state": echo_state}[kind](inputs, size, generator, settings["radius"])
    return legendre(inputs, size, settings["window"])


def choose(grid: Mapping[str, Sequence[float]], figure: Callable[[Values], float]) -> dict[str, float]:
    """Return the settings with the largest figure out of all combinations, of equal ones the first."""
    combinations = (dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values()))
    return max(combinations, key=figure)


def _trained(task: Task, data: Data) -> Iterator[tuple[Encoder, Row]]:
    """Choose gain and learning rate by short trainings with the first seed, then train with each."""
    plan = task.protocol.training
    settings = choose(
        {"gain": plan.gains, "rate": plan.rates},
        lambda settings: float(train(task, data, settings, 0, plan.trial, checks=1)[1]["curve"][-1][1]),
    )
    steps = plan.steps * (plan.longer if task.variant == LONGER else 1)
    for seed in range(task.seeds):
        yield train(task, data, settings, seed, steps, plan.checks)


def train(task: Task, data: Data, settings: Values, seed: int, steps: int, checks: int) -> tuple[Encoder, Row]:
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
    network.load_state_dict(max(kept, key=lambda check: check[1])[2])
    row = {"size": size, "seed": seed, "settings": settings, "seconds": round(time.process_time() - start, 2)}
    return encode, row | {"curve": [[step, valid] for step, valid, _ in kept]}


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
