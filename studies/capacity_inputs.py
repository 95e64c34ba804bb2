"""What the capacity experiment depends on: its protocol, its tasks, and the sequences that memories are fed with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from lmn_music.corpora import load_corpus
from lmn_music.corpora.batches import collate
from lmn_music.memory.capacity import capacity
from lmn_music.memory.sequences import FloatArray
from lmn_music.memory.synthetic import structured, white_noise
from lmn_music.models.checkpoint import find_checkpoint, load_checkpoint
from lmn_music.models.config import Settings
from lmn_music.models.memory_model import MemoryModel
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.training.config import Count, Positive
from lmn_music.training.pretraining import some_songs

Encoder = Callable[[FloatArray], FloatArray]  # (time, inputs) -> states (time, size)

SYNTHETIC = ("white noise", "structured")
SHORT, LONGER = "first lags", "trained longer"  # variants, at the size that is shown


class Training(Settings):
    """How RNN and LSTM are trained by gradient descent to hold the past.

    sizes: of their states; seeds: at size `shown`, one at the others. gains, rates: root mean squares of an input as
    the network gets it (the smaller, the more linear the network is), and learning rates, to choose from. trial: steps
    of Adam after which they are chosen; steps: of the training itself, along which the rate falls to 0 like half a
    cosine. A step sees a `batch` of pieces and looks at so many `lags`, drawn anew out of all that are measured.
    checks: how often the weights are validated, besides those before the first step. first: at size `shown` also made
    and chosen for the frames 0, ..., first - 1 steps back alone, and so is the autoencoder. longer: on rolls also so
    many times the steps.
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
    readouts; smaller than by default, for the sake of echo states, which lose most by it. sources: see `with_sources`.
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
    sources: tuple[tuple[str, str], ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the names of all that the memories are fed with."""
        return (*SYNTHETIC, *(f"{what} {corpus}" for what in ("rolls", "activations") for corpus in self.corpora))


FULL = Protocol()


def with_sources(protocol: Protocol, data: Path | None) -> Protocol:
    """Return the protocol with the SHA-256 of each input that is no noise: of the corpus, of the shipped checkpoint.

    What is missing or damaged is told here, not after an hour. data: see `load_corpus`.
    """
    sources = [(f"rolls {corpus}", load_corpus(corpus, data).sha256) for corpus in protocol.corpora]
    for corpus in protocol.corpora:
        sources.append((f"activations {corpus}", hashlib.sha256(find_checkpoint(corpus).read_bytes()).hexdigest()))
    return protocol.model_copy(update={"sources": tuple(sources)})


@dataclass(frozen=True)
class Task:
    """Measure a kind of memory on an input. size: 0 for all sizes at once. variant: SHORT or LONGER."""

    protocol: Protocol
    data: Path | None
    input: str
    memory: str
    size: int = 0
    seeds: int = 1
    variant: str = ""

    @property
    def lags(self) -> int:
        """Return how many lags the memory is made and chosen for."""
        lags = self.protocol.lags
        return min(self.protocol.training.first, lags) if self.variant == SHORT else lags


@dataclass(frozen=True)
class Data:
    """Sequences (time, inputs) and how they are read out.

    part: a third of `train`, to choose by. song: the opening of one of the test split, if the inputs are rolls.
    """

    train: list[FloatArray]
    valid: list[FloatArray]
    test: list[FloatArray]
    part: list[FloatArray]
    mean: FloatArray
    lags: int
    ridge: float
    song: FloatArray | None = None

    def capacity(self, encode: Encoder) -> FloatArray:
        """Return the capacity per lag on the test split, the readouts fitted on the training split."""
        return capacity(encode, self.train, self.test, self.lags, self.ridge).per_lag

    def to_choose_by(self, encode: Encoder, lags: int) -> float:
        """Return the capacity of the first `lags` lags on the validation split, the readouts fitted on `part`."""
        return round(float(capacity(encode, self.part, self.valid, self.lags, self.ridge).per_lag[:lags].sum()), 4)


@lru_cache(maxsize=2)
def load(protocol: Protocol, path: Path | None, name: str) -> Data:
    """Return the pieces called so, always the same ones, with no more lags than the longest to be judged has.

    path: of the corpora, see `load_corpus`.
    """
    song = None
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
        songs, drawn = load_corpus(name.partition(" ")[2], path), torch.Generator().manual_seed(0)
        train, valid, test = (
            _read(name, some_songs(songs.split(split), frames, drawn), protocol.lags, drawn)
            for split, frames in splits.items()
        )
    lags = min(protocol.lags, max(map(len, valid)), max(map(len, test)))
    part = train[: 1 + int(np.searchsorted(np.cumsum([len(x) for x in train]), splits["valid"]))]
    if name.startswith("rolls"):  # on the chorales all of the song: half of them are shorter than the lags
        by_length = sorted(songs.test, key=len)
        song = by_length[len(by_length) // 2].frames[:lags].astype(float)
    return Data(train, valid, test, part, np.concatenate(train).mean(axis=0), lags, protocol.ridge, song)


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
