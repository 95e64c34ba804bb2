"""How much of the past memories of the same size hold: what is measured, of which memories, on which sequences.

The measure is that of lmn_music.memory.capacity: the share MC_k of the variance of the frame k steps back that a ridge
readout finds in the state, and its sum over the lags. The training split fits memories and readouts, the validation
split chooses the settings that a memory has, the test split is judged. "Size" is how many numbers the state has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lmn_music.corpora import load_corpus
from lmn_music.corpora.batches import collate
from lmn_music.experiments import store
from lmn_music.memory.capacity import capacity, fit_readout, structured, white_noise
from lmn_music.memory.history import FloatArray
from lmn_music.memory.laes import LinearAutoencoder, RankError
from lmn_music.memory.static import LinearMemory, delay_line, echo_state, legendre, orthogonal, principal_components
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.models.config import Settings
from lmn_music.models.recurrent import Recurrent
from lmn_music.models.sequence_model import MemoryModel
from lmn_music.pianoroll import PianoRoll
from lmn_music.training.pretraining import some_songs
from lmn_music.training.recipe import Count, Positive

Encoder = Callable[[FloatArray], FloatArray]  # (time, inputs) -> states (time, size)
Row = dict[str, Any]
Values = Mapping[str, float]

SYNTHETIC = ("white noise", "structured")
TRAINED = ("RNN", "LSTM")
RANDOM = ("orthogonal", "echo state")  # static memories that differ from seed to seed
SHORT, LONGER = "first lags", "trained longer"  # variants of a training, at the size that is shown

COMPONENTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # to feed a static memory with, besides all of them
# Static memories, and what else is to be chosen for each; window: frames, at least one for each cell of an input.
STATIC: dict[str, dict[str, tuple[float, ...]]] = {
    "orthogonal": {"radius": (0.8, 0.9, 0.95, 0.98, 0.99, 1.0)},
    "echo state": {"radius": (0.8, 0.9, 0.95, 0.98, 0.99, 0.999)},
    "delay line": {},
    "Legendre": {"window": (8, 12, 16, 24, 32, 48, 64, 96, 128, 192)},
}


class Training(Settings):
    """How RNN and LSTM are trained by gradient descent to hold the past.

    sizes: of their states; seeds: at size `shown`, one at the others. gains, rates: root mean squares of an input as
    the network gets it (the smaller, the more linear the network is), and learning rates, to choose from. trial: steps
    of Adam after which they are chosen; steps: of the training itself, along which the rate falls to 0 like half a
    cosine. A step sees a `batch` of pieces and looks at so many `lags`, drawn anew out of all that are measured.
    checks: how often the weights are validated, besides those before the first step. first: at size `shown` also for
    the frames 0, ..., first - 1 steps back alone. longer: on rolls also so many times the steps.
    """

    sizes: tuple[Count, ...] = (25, 100, 200)
    seeds: Count = 3
    gains: tuple[Positive, ...] = (0.03, 0.3)
    rates: tuple[Positive, ...] = (1e-3, 3e-3)
    trial: Count = 100
    steps: Count = 400
    batch: Count = 16
    lags: Count = 8
    checks: Count = 4
    first: Count = 20
    longer: Count = 10


class Protocol(Settings):
    """All that the experiment depends on. The defaults are the full experiment.

    corpora: their rolls, and the hidden activations of the model that is shipped for each. sizes: of the memories.
    seeds: of random memories. frames: of the training and of the test split, about, in whole songs. lags: the most to
    read out; songs are cut into pieces of so many frames, each heard as a song of its own, and synthetic sequences are
    as long: the autoencoder of long songs would spend its cells on lags that are not judged. shown: the size that is
    shown in detail. noise_inputs, structured: the inputs of synthetic sequences, and their rank. ridge: of the
    readouts; smaller than by default, for the sake of echo states, which lose most by it.
    """

    corpora: tuple[str, ...] = ("jsb", "nottingham", "muse", "piano")
    sizes: tuple[Count, ...] = (10, 25, 50, 100, 200, 400)
    seeds: Count = 3
    frames: Count = 20_000
    lags: Count = 100
    shown: Count = 100
    noise_inputs: Count = 8
    structured: tuple[Count, Count] = (16, 6)
    ridge: Positive = 1e-8
    training: Training = Training()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the names of all that the memories are fed with."""
        return (*SYNTHETIC, *(f"{what} {corpus}" for what in ("rolls", "activations") for corpus in self.corpora))


FULL = Protocol()


@dataclass(frozen=True)
class Task:
    """Measure a kind of memory on an input. size: 0 for all sizes at once. variant: SHORT or LONGER, of a training."""

    protocol: Protocol
    input: str
    memory: str
    size: int = 0
    seeds: int = 1
    variant: str = ""


@dataclass(frozen=True)
class Data:
    """Sequences (time, inputs) and how they are read out. part: a third of `train`, to choose by."""

    train: list[FloatArray]
    valid: list[FloatArray]
    test: list[FloatArray]
    part: list[FloatArray]
    mean: FloatArray
    lags: int
    ridge: float

    def capacity(self, encode: Encoder) -> FloatArray:
        """Return the capacity per lag on the test split, the readouts fitted on the training split."""
        return capacity(encode, self.train, self.test, self.lags, self.ridge).per_lag

    def valid_total(self, encode: Encoder) -> float:
        """Return the figure to choose by: the total on the validation split, the readouts fitted on `part`."""
        return round(capacity(encode, self.part, self.valid, self.lags, self.ridge).total, 4)


def tasks(protocol: Protocol) -> dict[str, Task]:
    """Return what there is to measure, by name, one input after the other."""
    plan, found = protocol.training, []
    for name in protocol.inputs:
        found.append(Task(protocol, name, "LAES"))
        for kind in STATIC:
            found += [Task(protocol, name, kind, p, protocol.seeds if kind in RANDOM else 1) for p in protocol.sizes]
        variants = (SHORT, LONGER) if name.startswith("rolls") else (SHORT,)
        for kind in TRAINED:
            found += [Task(protocol, name, kind, p, plan.seeds if p == protocol.shown else 1) for p in plan.sizes]
            found += [Task(protocol, name, kind, protocol.shown, 1, variant) for variant in variants]
    return {", ".join(map(str, filter(None, (t.input, t.memory, t.size, t.variant)))): t for t in found}


def run(out: Path, protocol: Protocol, workers: int = 2, done: store.Done | None = None) -> dict[str, Row]:
    """Measure what is not in out/capacity.json yet, and return all of it; "protocol" is the protocol itself.

    workers, done: see `store.carry_out`. Errors: see `store.begin`.
    """
    path = out / "capacity.json"
    store.begin(path, protocol.model_dump(mode="json"))
    return store.carry_out(path, tasks(protocol), measure, workers=workers, done=done)


def measure(task: Task) -> store.Result:
    """Return the rows that a task measures, one for each size and seed; capacities in frames.

    total, first: on the test split, summed over all lags and over the first ones. valid: the total on the validation
    split. seconds: to fit the memory (LAES), to choose its settings (static), to train it once they are chosen.
    """
    protocol, data, (what, _, corpus) = task.protocol, load(task.protocol, task.input), task.input.partition(" ")
    memories = _autoencoders if task.memory == "LAES" else _trained if task.memory in TRAINED else _chosen
    rows = []
    for encode, row in memories(task, data):
        per_lag = data.capacity(encode)
        first = per_lag[: protocol.training.first]
        row |= {"valid": data.valid_total(encode), "total": round(per_lag.sum(), 4), "first": round(first.sum(), 4)}
        rows.append(row | {"per_lag": [round(share, 4) for share in per_lag.tolist()]})
        if what == "rolls" and row["size"] == protocol.shown and row["seed"] == 0:
            rows[-1]["song"] = reconstruction(encode, data, corpus)
    return {"rows": rows}


@lru_cache(maxsize=2)
def load(protocol: Protocol, name: str) -> Data:
    """Return the pieces called so, always the same ones, with no more lags than the longest to be judged has."""
    splits = {"train": protocol.frames, "valid": -(-protocol.frames // 3), "test": protocol.frames}
    if name in SYNTHETIC:
        generator, counts = np.random.default_rng(0), [-(-frames // protocol.lags) for frames in splits.values()]
        if name == "white noise":
            sequences = white_noise(sum(counts), protocol.lags, protocol.noise_inputs, generator)
        else:
            inputs, rank = protocol.structured
            sequences = structured(sum(counts), protocol.lags, inputs, generator, rank=rank)
        train, valid, test = sequences[: counts[0]], sequences[counts[0] : -counts[2]], sequences[-counts[2] :]
    else:
        songs, drawn = load_corpus(name.partition(" ")[2]), torch.Generator().manual_seed(0)
        train, valid, test = (
            _read(name, some_songs(songs.split(split), frames, drawn), protocol.lags, drawn)
            for split, frames in splits.items()
        )
    lags = min(protocol.lags, max(map(len, valid)), max(map(len, test)))
    part = train[: 1 + int(np.searchsorted(np.cumsum([len(x) for x in train]), splits["valid"]))]
    return Data(train, valid, test, part, np.concatenate(train).mean(axis=0), lags, protocol.ridge)


@torch.no_grad()
def _read(name: str, songs: Sequence[PianoRoll], length: int, generator: torch.Generator) -> list[FloatArray]:
    """Return rolls, or the shipped model's hidden states, in pieces (time, inputs) of `length` frames.

    Hidden states are those of one key for each piece, drawn by how often it sounds there.
    """
    what, _, corpus = name.partition(" ")
    if what == "rolls":
        return [
            piece.numpy() for roll in songs for piece in torch.tensor(roll.frames, dtype=torch.float64).split(length)
        ]
    model, found = load_checkpoint(corpus).model, []
    assert isinstance(model, MemoryModel)
    for roll in songs:
        state = model.initial_state(1)
        for frames in collate([roll], [0]).frames.split(length):
            output, state = model.recur(frames, state)
            key = torch.multinomial(frames.sum(dim=(0, 1)) + 1e-3, 1, generator=generator)
            found.append(output[:, 0, key[0], : model.config.hidden_size].double().numpy())  # before the memory
    return found


def _autoencoders(task: Task, data: Data) -> Iterator[tuple[Encoder, Row]]:
    """Fit once, as large as the largest size, or as the rank: a smaller LAES is the leading block of a larger one."""
    sizes, start = task.protocol.sizes, time.perf_counter()
    try:
        fitted = LinearAutoencoder(max(sizes)).fit(data.train)
    except RankError as error:  # then its state holds all of the past; more cells would stay empty
        fitted = LinearAutoencoder(error.rank).fit(data.train)
    seconds = round(time.perf_counter() - start, 2)
    for size in sizes:
        encode = LinearMemory(fitted.A[:size], fitted.B[:size, :size], fitted.mean).encode
        yield encode, {"size": size, "seed": 0, "settings": {}, "seconds": seconds}


def _chosen(task: Task, data: Data) -> Iterator[tuple[Encoder, Row]]:
    """Choose the settings of a static memory on the validation split with the first seed, and make it with each.

    All static memories may be fed with principal components, as many as suit them: with 100 cells on Nottingham, an
    orthogonal memory holds a fifth more of 8 components than of random projections of all keys.
    """
    kind, size, inputs, start = task.memory, task.size, len(data.mean), time.perf_counter()
    projection, mean = principal_components(data.train, inputs)
    most = inputs if kind in RANDOM else min(inputs, size)
    components = [count for count in COMPONENTS if size / data.lags <= count < most]

    def make(settings: Values, seed: int) -> LinearMemory:
        count = int(settings["components"])
        return static_memory(kind, count, size, settings, np.random.default_rng(seed)).of(projection[:count], mean)

    def figure(settings: Values) -> float:
        try:
            memory = make(settings, 0)
        except ValueError:  # a window too short
            return 0.0
        return data.valid_total(memory.encode)

    settings = choose({"components": [*components, most], **STATIC[kind]}, figure)
    seconds = round(time.perf_counter() - start, 2)
    for seed in range(task.seeds):
        yield make(settings, seed).encode, {"size": size, "seed": seed, "settings": settings, "seconds": seconds}


def static_memory(kind: str, inputs: int, size: int, settings: Values, generator: np.random.Generator) -> LinearMemory:
    """Return the static memory of that kind. ValueError for a Legendre memory with too many cells for its window."""
    if kind == "delay line":
        return delay_line(inputs, size)
    if kind in RANDOM:
        return {"orthogonal": orthogonal, "echo state": echo_state}[kind](inputs, size, generator, settings["radius"])
    return legendre(inputs, size, settings["window"])


def choose(grid: Mapping[str, Sequence[float]], figure: Callable[[Values], float]) -> dict[str, float]:
    """Return the settings with the largest figure: from the last ones, each tried out in turn until nothing changes."""

    @cache
    def height(*values: float) -> float:
        return figure(dict(zip(grid, values, strict=True)))

    chosen, before = {name: values[-1] for name, values in grid.items()}, None
    while chosen != before:
        before = chosen
        for name, values in grid.items():
            chosen = max(({**chosen, name: value} for value in values), key=lambda there: height(*there.values()))
    return chosen


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
    with a readout that learns too. Kept are the weights with the best `valid_total`, out of a few, those before the
    first step among them.
    """
    plan, size, start = task.protocol.training, task.size, time.perf_counter()
    inputs, units = len(data.mean), size if task.memory == "RNN" else -(-size // 2)  # an odd size: one number more
    lags = min(plan.first, data.lags) if task.variant == SHORT else data.lags
    scale = settings["gain"] / float(np.sqrt(np.square(np.concatenate(data.train) - data.mean).mean()))
    pieces = [torch.from_numpy((piece - data.mean) * scale).float() for piece in data.train]
    generator = torch.Generator().manual_seed(seed)
    network = Recurrent("rnn" if task.memory == "RNN" else "lstm", inputs, units)
    network.reset_parameters(generator=generator)
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
            kept.append((step, data.valid_total(encode), deepcopy(network.state_dict())))
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
    row = {"size": size, "seed": seed, "settings": settings, "seconds": round(time.perf_counter() - start, 2)}
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


def reconstruction(encode: Encoder, data: Data, corpus: str) -> dict[str, list[str]]:
    """Return the opening of a song and what a memory's last state tells of it, by ridge readouts of all its lags.

    The song is that of median length of the test split, its opening no longer than the lags: on the chorales, all of
    it. A frame is a text, two hexadecimal digits a key: 00 to ff for 0 to 1, and what is read out beyond is cut off.
    """
    songs = sorted(load_corpus(corpus).test, key=len)
    frames = songs[len(songs) // 2].frames[: data.lags].astype(float)
    readout = fit_readout(encode, data.train, data.mean, len(frames), data.ridge)
    recalled = np.tensordot(np.append(encode(frames)[-1], 1), readout, 1)[::-1] + data.mean
    texts = [[bytes(row).hex() for row in np.rint(255 * x.clip(0, 1)).astype(np.uint8)] for x in (frames, recalled)]
    return {"frames": texts[0], "recalled": texts[1]}
