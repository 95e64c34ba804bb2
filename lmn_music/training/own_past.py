"""Songs that a model composes are as full as songs that it reads, and keep to their habits.

In training a model reads music alone. When it composes, it reads its own frames, in which a key is missing now and
then; thin frames make the next ones thin, and in the end songs have half the notes of their corpus. So a vector enters
while the past is the model's own. And songs drift, from one end of the keyboard to the other, or into a chord that is
held for ever. So they keep to the habits of the corpus, see `lmn_music.generation.keeping`, and are as bold as it, see
`lmn_music.training.own_temperature`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lmn_music.corpora.batches import batch_plan, collate
from lmn_music.generation.keeping import PERIODS
from lmn_music.models.habits import Habits, quantiles
from lmn_music.models.interface import State
from lmn_music.models.tied.model import TiedModel
from lmn_music.music.measures import longest_still, width
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.training.family import Made, Material, extended
from lmn_music.training.own_temperature import composed, fit_temperature, set_habits
from lmn_music.training.stopping import Check, go_on

STEPS = 200
SONGS, CHUNK = 4, 100  # of a step
RATE = 1e-2  # the learning rate at first; it falls to nothing along half a cosine
BLOCK = 32  # frames
THINNED = 0.5  # the share of blocks in which keys are left out
COMPOSED = (48, 192)  # songs, and their frames; no more than half of the training songs have
TRIES = 3  # at the length of the vector and the habits
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
    boldness = fit_temperature(model, material.valid, material.seed, material.check)
    looks = ", ".join(
        f"{name} {look.keys:.2f} keys per frame, {look.width:.0f} semitones wide, {look.still:.0f} frames still"
        for name, look in (("were", fit.before), ("are", fit.after), ("shall be", fit.wanted))
    )
    note = f"composed songs {looks}" + (f"; {boldness}" if boldness else "")
    return Made(model, unchanged=True, note=note)


class Look(NamedTuple):
    """How songs look from afar: means over songs.

    Attributes:
        keys: how many keys sound in a frame.
        width: from the lowest to the highest key of a song, in semitones.
        still: the longest stretch that stands still, in frames.
    """

    keys: float
    width: float
    still: float


class Fit(NamedTuple):
    """What the own past and the habits do.

    Attributes:
        wanted: how the beginnings of the training songs look, as long as composed songs.
        before: songs composed without vector and habits.
        after: songs composed with them.
    """

    wanted: Look
    before: Look
    after: Look


def fit_own_past(model: TiedModel, songs: Sequence[PianoRoll], seed: int, check: Check = go_on) -> Fit:
    """Train the vector of the own past and set the habits, so that composed songs look like the songs.

    The vector is trained on songs that are read with keys left out and predicted as they are. While a model reads
    music, it does not enter, and neither do the habits. Frames that lack as many keys at random are not just like the
    model's own, so the vector's direction is trained, and its length is measured on composed songs.

    Args:
        model: a trained model with such a vector.
        songs: the training songs.
        seed: the seed of all random numbers.
        check: called every second or so; see `Material`.

    Returns:
        How composed songs look before and after.
    """
    own = model.own
    assert own is not None
    frozen = [weight for weight in model.parameters() if weight is not own and weight.requires_grad]
    for weight in frozen:
        weight.requires_grad_(False)
    set_habits(model, Habits.unknown())
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
    return _scale(model, own, songs, seed, check)


@torch.no_grad()
def _scale(model: TiedModel, own: nn.Parameter, songs: Sequence[PianoRoll], seed: int, check: Check) -> Fit:
    """Multiply the trained vector by a share of at most 1, and set the habits.

    The share is found by interpolation between the shares tried so far. The habits are those of the songs, all moved by
    the same number: not every song goes as far as it may.
    """
    frames = min(COMPOSED[1], int(np.median([len(song) for song in songs])))
    seen = np.array([_look(song.frames[:frames]) for song in songs])
    wanted, trained, tried = Look(*seen.mean(axis=0).tolist()), own.clone(), {}
    kinds, moved = [quantiles(torch.tensor(numbers)) for numbers in seen.T[1:]], np.zeros(2)

    def compose(share: float) -> Look:
        own.copy_(share * trained)
        looks = Look(*np.mean([_look(song) for song in composed(model, seed, COMPOSED[0], frames, check)], axis=0))
        tried[share] = looks.keys
        return looks

    before = compose(0.0)
    share, after = 1.0, before
    for _ in range(1 + TRIES):
        widths, stills = ((numbers + by).clamp(min=1) for numbers, by in zip(kinds, moved, strict=True))
        set_habits(model, Habits.unknown()._replace(widths=widths, stills=stills))
        after = compose(share)
        moved += np.array(wanted[1:]) - np.array(after[1:])
        shares = sorted(tried)
        densities = np.maximum.accumulate([max(tried[each], FEW) for each in shares])
        share = float(np.interp(np.log(max(wanted.keys, FEW)), np.log(densities), shares))  # keys grow exponentially
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


def _look(frames: npt.NDArray[np.bool_]) -> Look:
    """Return how a song looks, bool (time, 88)."""
    return Look(float(frames.sum(axis=1).mean()), float(width(frames)), float(longest_still(frames, max(PERIODS))))
