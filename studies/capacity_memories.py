"""The memories of the study of capacity: each is fitted, chosen or trained on an input, and encodes sequences."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from lmn_music.memory.laes import LinearAutoencoder, fit_autoencoder
from lmn_music.memory.linear import LinearMemory, principal_components
from lmn_music.memory.sequences import FloatArray, pieces
from lmn_music.memory.static import delay_line, echo_state, legendre, orthogonal
from lmn_music.models.networks.multiscale import sampled_hidden
from studies.capacity_inputs import Data, Encoder, Values, choose
from studies.capacity_networks import TRAINED, trained
from studies.capacity_protocol import Spec
from studies.engine import Row

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


def memories(task: Spec, data: Data) -> Iterator[tuple[Encoder, Row]]:
    """Yield the memories of a task, each with its size, seed, settings and the seconds it took."""
    return _MAKERS[task.memory](task, data)


def _autoencoders(task: Spec, data: Data) -> Iterator[tuple[Encoder, Row]]:
    """Fit once, as large as the largest size: a smaller LAES is the leading block of a larger one.

    The history of shorter pieces is a shorter one, in which nothing but the first lags is to be remembered.
    """
    sizes, start = [task.size] if task.size else task.protocol.sizes, time.process_time()
    fitted = fit_autoencoder(pieces(data.train, task.lags), max(sizes))
    seconds = round(time.process_time() - start, 2)
    for size in sizes:
        yield _leading(fitted, size).transform, {"size": size, "seed": 0, "settings": {}, "seconds": seconds}


def _multi_scale(task: Spec, data: Data) -> Iterator[tuple[Encoder, Row]]:
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
    """Return the states (time, all cells) of modules, of which number i reads every 2^i-th frame and then waits."""
    states = [
        memory.transform(sampled_hidden(sequence, scale)).repeat(2**scale, axis=0)[: len(sequence)]
        for scale, memory in enumerate(modules)
    ]
    return np.concatenate(states, axis=1)


def _leading(fitted: LinearAutoencoder, size: int) -> LinearMemory:
    return LinearMemory(fitted.A_[:size], fitted.B_[:size, :size], fitted.mean_)


def _chosen(task: Spec, data: Data) -> Iterator[tuple[Encoder, Row]]:
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


_MAKERS: dict[str, Callable[[Spec, Data], Iterator[tuple[Encoder, Row]]]] = {
    "LAES": _autoencoders,
    "multi-scale LAES": _multi_scale,
    **dict.fromkeys(STATIC, _chosen),
    **dict.fromkeys(TRAINED, trained),
}
MEMORIES = tuple(_MAKERS)
