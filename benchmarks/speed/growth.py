"""How cost grows with frames, songs, memory and keys: seconds, and slopes on logarithmic axes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np
import torch
from measure import in_turn, store

from lmn_music.corpora import load_corpus
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.generation.sampler import sample_frames
from lmn_music.memory.laes import LinearAutoencoder
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.models.networks.lmn import LMN
from lmn_music.models.tied.model import TiedModel
from lmn_music.music.pianoroll import KEYS, PianoRoll

Curve = dict[int, float]


def curve(sizes: Iterable[int], prepare: Callable[[int], Callable[[], object]]) -> Curve:
    """Return the least seconds of a few runs for each size, all sizes in turn."""
    work = {str(size): prepare(size) for size in sizes}
    times = in_turn(work, seconds=1, least=3)
    return {int(size): min(values) for size, values in times.items()}


def layer(size: int, frames: int) -> Callable[[], object]:
    """Return a forward and backward pass of an LMN, 32 sequences."""
    lmn, x = LMN(size, size, size), torch.randn(frames, 32, size)
    return lambda: lmn(x)[0].sum().backward()


def tied() -> TiedModel:
    """Return the shipped model of JSB."""
    model = load_checkpoint("jsb").model
    assert isinstance(model, TiedModel)
    return model


def one_song(frames: int) -> PianoRoll:
    """Return chorales one after the other, so many frames of them."""
    whole = np.concatenate([roll.frames for roll in load_corpus("jsb").train])
    return PianoRoll(whole[:frames], 1, "")


def likelihood_of_keys(keys: int) -> Callable[[], object]:
    """Return the likelihood of 16 songs of 64 frames on a keyboard of so many keys."""
    model = tied()
    frames = torch.tensor(one_song(64).frames, dtype=torch.float32).unsqueeze(1).expand(-1, 16, -1)
    low = (KEYS - keys) // 2

    @torch.no_grad()
    def run() -> object:
        return model(frames, model._state(16, low, torch.ones(keys)))

    return run


def drawing(frames: int) -> Callable[[], object]:
    """Return the drawing of a song of so many frames."""
    model = tied()
    return lambda: list(islice(sample_frames(model, torch.Generator().manual_seed(0)), frames))


def autoencoder(frames: int) -> Callable[[], object]:
    """Return a fit to so many frames of Nottingham, 25 components."""
    songs = [roll.frames for roll in load_corpus("nottingham").train]
    count = int(np.searchsorted(np.cumsum([len(song) for song in songs]), frames)) + 1
    return lambda: LinearAutoencoder(25).fit(songs[:count])


def main() -> None:
    """Measure every curve and draw them."""
    torch.set_num_threads(1)
    songs = [one_song(64)] * 64
    model = tied()
    curves = {
        "LMN layer, hidden = memory": curve((32, 64, 128, 256, 512, 1024), lambda size: layer(size, 50)),
        "LMN layer, frames": curve((50, 100, 200, 400, 800), lambda frames: layer(64, frames)),
        "likelihood of a song, frames": curve(
            (64, 128, 256, 512, 1024, 2048, 4096), lambda frames: lambda: frame_log_probs(model, [one_song(frames)])
        ),
        "likelihood, songs": curve((4, 8, 16, 32, 64), lambda count: lambda: frame_log_probs(model, songs[:count])),
        "likelihood, keys": curve((11, 22, 44, 88), likelihood_of_keys),
        "drawing a song, frames": curve((64, 128, 256, 512, 1024, 2048), drawing),
        "autoencoder, frames": curve((6000, 12000, 24000, 48000, 96000, 170000), autoencoder),
    }
    results = {}
    for name, points in curves.items():
        size, seconds = np.array(list(points)), np.array(list(points.values()))
        slope, _ = np.polyfit(np.log(size), np.log(seconds), 1)
        last = np.log(seconds[-1] / seconds[-2]) / np.log(size[-1] / size[-2])
        results[name] = {"seconds": points, "slope": slope, "slope of the last step": last}
    store("growth", results)


if __name__ == "__main__":
    main()
