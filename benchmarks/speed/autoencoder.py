"""The linear autoencoder: time and memory on the corpora, beside a dense SVD and the sliced SVD, and how they grow."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from measure import fresh, peak_mib, store
from scipy import linalg
from threadpoolctl import threadpool_limits

from lmn_music.corpora import load_corpus
from lmn_music.corpora.batches import collate
from lmn_music.memory.history import dense_history, squared_norm
from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.models.memory_model import MemoryModel

CORPORA = ("jsb", "piano", "nottingham", "muse")
SONGS = {"jsb": 60, "piano": 8, "nottingham": 40, "muse": 20}  # of which activations are taken, about
Array = npt.NDArray[np.float64]


def rolls(corpus: str, share: float = 1.0) -> list[Array]:
    """Return the training rolls, or every n-th of them."""
    return [roll.frames.astype(np.float64) for roll in load_corpus(corpus).train[:: round(1 / share)]]


@torch.no_grad()
def activations(corpus: str, songs: int) -> list[Array]:
    """Return the hidden states of the shipped tied model, of the 12 most used keys of each of so many songs."""
    model = load_checkpoint(corpus).model
    assert isinstance(model, MemoryModel)
    found = []
    train = load_corpus(corpus).train
    for song in range(0, len(train), max(1, len(train) // songs)):
        frames = collate(train, [song]).frames
        h = model.recur(frames, model.initial_state(1))[0][:, 0, :, : model.config.hidden_size]
        used = frames[:, 0].sum(dim=0).argsort(descending=True)[:12]
        found += [h[:, key].double().numpy() for key in used.tolist()]
    return found


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and what it starts, to one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def fit(sequences: Callable[..., list[Array]], arguments: tuple[Any, ...], components: int) -> dict[str, float]:
    """Fit to what a function returns, and measure time and memory."""
    songs, before, start = sequences(*arguments), peak_mib(), time.perf_counter()
    fitted = LinearAutoencoder(components).fit(songs)
    figures = {
        "frames": sum(map(len, songs)),
        "components": components,
        "seconds": time.perf_counter() - start,
        "peak memory, MiB": peak_mib(),
        "before the fit, MiB": before,
        "energy kept": fitted.explained_energy_,
    }
    print(arguments, figures, flush=True)
    return figures


def sliced_svd(sequences: Sequence[Array], count: int) -> tuple[Array, Array]:
    """Return `count` singular values of the history matrix and its left singular vectors, lag by lag.

    The method of the LMN literature (Sperduti 2013; Pasa & Sperduti 2014): the columns of one lag after the other, the
    oldest first, are put beside what is kept of those before, V L, and the SVD of both together is cut to `count`. As
    they have many rows and few columns, it is taken from their Gram matrix.
    """
    longest, width = max(map(len, sequences)), sequences[0].shape[1]
    rows = sum(map(len, sequences))
    kept = np.zeros((rows, 0))
    for lag in reversed(range(longest)):
        block, start = np.zeros((rows, width)), 0
        for sequence in sequences:
            block[start + min(lag, len(sequence)) : start + len(sequence)] = sequence[: max(len(sequence) - lag, 0)]
            start += len(sequence)
        both = np.concatenate([kept, block], axis=1)
        squares, right = linalg.eigh(both.T @ both)
        kept = both @ right[:, ::-1][:, :count]  # V L
    values = np.sqrt(squares[::-1][:count].clip(min=0))
    return values, kept / values


def beside(songs: int, components: int, *, dense: bool) -> dict[str, float]:
    """Return seconds of all methods on centred chorales, and the share of the energy that each keeps."""
    chosen = rolls("jsb")[:songs]
    mean = np.concatenate(chosen).mean(axis=0)
    used = np.concatenate(chosen).any(axis=0)
    chosen = [(song - mean)[:, used] for song in chosen]
    energy = squared_norm(chosen)
    figures: dict[str, float] = {"songs": songs, "frames": sum(map(len, chosen)), "components": components}
    with threadpool_limits(1, user_api="blas"), one_core():
        start = time.perf_counter()
        fitted = LinearAutoencoder(components, centre=False).fit(chosen)
        figures |= {"ours, s": time.perf_counter() - start, "ours, energy": fitted.explained_energy_}
        start = time.perf_counter()
        values, _ = sliced_svd(chosen, components)
        figures |= {"sliced, s": time.perf_counter() - start, "sliced, energy": float((values**2).sum() / energy)}
        if dense:
            start = time.perf_counter()
            values = linalg.svd(dense_history(chosen), full_matrices=False)[1][:components]
            figures |= {"dense, s": time.perf_counter() - start, "dense, energy": float((values**2).sum() / energy)}
    print(figures, flush=True)
    return figures


def main() -> None:
    """Measure everything."""
    results = {
        "rolls": {corpus: fresh(fit, rolls, (corpus,), 100) for corpus in CORPORA},
        "activations": {corpus: fresh(fit, activations, (corpus, songs), 128) for corpus, songs in SONGS.items()},
        "components": [fresh(fit, rolls, ("nottingham",), count) for count in (12, 25, 50, 100, 200)],
        "frames": [fresh(fit, rolls, ("nottingham", share), 50) for share in (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)],
        "beside": [beside(40, 50, dense=True), beside(229, 50, dense=False)],
    }
    store("autoencoder", results)


if __name__ == "__main__":
    main()
