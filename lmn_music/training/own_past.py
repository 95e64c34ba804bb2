"""Songs that a model composes read as full as songs that it reads: a vector that enters while the past is its own.

In training a model reads music alone. When it composes, it reads its own frames, in which a key is missing now and
then; thin frames make the next ones thin, and in the end songs have half the notes of their corpus.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lmn_music.corpora.batches import batch_plan, collate
from lmn_music.generation.sampler import sample_frames
from lmn_music.models.interface import State
from lmn_music.models.tied.model import TiedModel
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.training.family import Made, Material, extended
from lmn_music.training.stopping import Check, go_on

STEPS = 200
SONGS, CHUNK = 4, 100  # of a step
RATE = 1e-2  # the learning rate at first; it falls to nothing along half a cosine
BLOCK = 32  # frames
THINNED = 0.5  # the share of blocks in which keys are left out
COMPOSED = (48, 192)  # songs, and their frames
TRIES = 3  # at the length of the vector
FEW = 1e-3  # keys per frame, of which there is a logarithm


def with_own_past(material: Material) -> Made:
    """Give a trained model its vector of the own past; see `fit_own_past`. No likelihood changes.

    Args:
        material: what the model is made from.

    Returns:
        The model.
    """
    model = extended(material)
    fit = fit_own_past(model, material.songs, material.seed, material.check)
    note = f"{fit.before:.2f} keys per frame in composed songs, {fit.after:.2f} with the own past; songs have "
    return Made(model, unchanged=True, note=f"{note}{fit.wanted:.2f}")


class Fit(NamedTuple):
    """What a vector of the own past does, in keys per frame, each song counting the same.

    Attributes:
        wanted: in the beginnings of the training songs, as long as composed songs.
        before: in songs composed without the vector.
        after: in songs composed with it.
    """

    wanted: float
    before: float
    after: float


def fit_own_past(model: TiedModel, songs: Sequence[PianoRoll], seed: int, check: Check = go_on) -> Fit:
    """Train the vector of the own past, and scale it so that composed songs have as many notes as the songs.

    It is trained on songs that are read with keys left out and predicted as they are. Nothing else changes: while a
    model reads music, the vector does not enter. Frames that lack as many keys at random are not just like the model's
    own, so the vector's direction is trained, and its length is measured on composed songs.

    Args:
        model: a trained model with such a vector.
        songs: the training songs.
        seed: the seed of all random numbers.
        check: called every second or so; see `Material`.

    Returns:
        The keys per frame before and after.
    """
    own = model.own
    assert own is not None
    frozen = [weight for weight in model.parameters() if weight is not own and weight.requires_grad]
    for weight in frozen:
        weight.requires_grad_(False)
    optimizer = torch.optim.Adam([own], lr=RATE)
    generator = torch.Generator().manual_seed(seed)
    for step, loss in enumerate(islice(_losses(model.eval(), songs, generator), STEPS)):
        check()
        optimizer.param_groups[0]["lr"] = RATE * (1 + math.cos(math.pi * step / STEPS)) / 2
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([own], 1.0)
        optimizer.step()
    for weight in frozen:
        weight.requires_grad_(True)
    wanted = float(np.mean([song.frames[: COMPOSED[1]].sum(axis=1).mean() for song in songs]))
    return _scale(model, own, wanted, seed, check)


@torch.no_grad()
def _scale(model: TiedModel, own: nn.Parameter, wanted: float, seed: int, check: Check) -> Fit:
    """Multiply the trained vector by a share of at most 1, found by interpolation between the shares tried so far."""
    trained, tried = own.clone(), {}

    def compose(share: float) -> float:
        own.copy_(share * trained)
        tried[share] = _density(model, seed, check)
        return tried[share]

    before, share, after = compose(0.0), 1.0, compose(1.0)
    for _ in range(TRIES):
        shares = sorted(tried)
        densities = np.maximum.accumulate([max(tried[each], FEW) for each in shares])
        share = float(np.interp(np.log(max(wanted, FEW)), np.log(densities), shares))  # keys grow exponentially with it
        after = compose(share)
    return Fit(wanted, before, after)


def _losses(model: TiedModel, songs: Sequence[PianoRoll], generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the negative log-likelihood per frame of chunks of songs that are read with keys left out, without end."""
    device = next(model.parameters()).device
    while True:
        for numbers in batch_plan(songs, SONGS, generator):
            batch = collate(songs, numbers, device)
            state: State = model.initial_state(len(numbers)).drawing(free=True)
            for frames, mask in batch.chunks(CHUNK):
                read = frames * _kept(frames, generator)
                context, state = model.contexts(read, state.select(slice(frames.shape[1])))
                state = state.detached()
                yield -(model.output.log_prob(frames, context) * mask).sum() / mask.sum()


def _kept(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Return which keys are read, (time, batch, keys) of zeros and ones, drawn block by block."""
    time, batch, _ = frames.shape
    blocks = math.ceil(time / BLOCK)
    left_out = torch.rand(blocks, batch, generator=generator)
    left_out = left_out * (torch.rand(blocks, batch, generator=generator) < THINNED)
    left_out = left_out.repeat_interleave(BLOCK, dim=0)[:time].unsqueeze(2)
    return (torch.rand(frames.shape, generator=generator) >= left_out).to(frames)


def _density(model: TiedModel, seed: int, check: Check) -> float:
    """Return the keys per frame of composed songs."""
    songs, frames = COMPOSED
    generator = torch.Generator(next(model.parameters()).device).manual_seed(seed)
    composed = []
    for frame in islice(sample_frames(model, generator, songs=songs), frames):
        check()
        composed.append(frame)
    return float(torch.stack(composed).sum(dim=2).mean())
