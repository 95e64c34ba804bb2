"""The sequences that the memories of the study of capacity are fed with, and how they are read out."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
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
from lmn_music.models.memory_model import MemoryModel
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.training.autoencoders import some_songs
from studies.capacity_protocol import SYNTHETIC, Protocol

Values = Mapping[str, float]  # settings of a memory
Encoder = Callable[[FloatArray], FloatArray]  # (time, inputs) -> states (time, size)


def source(name: str, data: Path | None) -> str:
    """Return the SHA-256 of what an input is made of: of a corpus or of a shipped checkpoint, "" for noise."""
    what, _, corpus = name.partition(" ")
    if name in SYNTHETIC:
        return ""
    if what == "rolls":
        return load_corpus(corpus, data).sha256
    return hashlib.sha256(find_checkpoint(corpus).read_bytes()).hexdigest()


@dataclass(frozen=True)
class Data:
    """Sequences (time, inputs) and how they are read out.

    Attributes:
        train: to fit memories and readouts to.
        valid: to choose settings by.
        test: to judge by.
        part: a third of `train`: where settings are chosen, readouts are fitted to it.
        mean: the mean of the frames of `train`.
        lags: the most to read out.
        ridge: the ridge of the readouts.
        song: the opening of a song of the test split, if the inputs are rolls.
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
    """Return an input by its name, always the same one, with no more lags than the longest piece to be judged has."""
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


def choose(grid: Mapping[str, Sequence[float]], figure: Callable[[Values], float]) -> dict[str, float]:
    """Return the settings with the largest figure out of all combinations, of equal ones the first."""
    combinations = (dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values()))
    return max(combinations, key=figure)
