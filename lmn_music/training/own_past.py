"""Songs that a model composes are as full as songs that it reads, and keep to their habits.

In training a model reads music alone. When it composes, it reads its own frames, in which a key is missing now and
then; thin frames make the next ones thin, and in the end songs have half the notes of their corpus. So a vector enters
while the past is the model's own. And songs drift, from one end of the keyboard to the other, or into a chord that is
held for ever, and they are bolder than music. So they keep to habits, see `lmn_music.training.own_habits`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from torch import Tensor, nn

from lmn_music.corpora.batches import batch_plan, collate
from lmn_music.models.habits import Habits
from lmn_music.models.interface import State
from lmn_music.models.tied.model import TiedModel
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.training.family import Made, Material, extended
from lmn_music.training.own_habits import fit_habits, set_habits
from lmn_music.training.stopping import Check, go_on

STEPS = 100
SONGS, CHUNK = 4, 100  # of a step
RATE = 2e-2  # the learning rate at first; it falls to nothing along half a cosine
BLOCK = 32  # frames
THINNED = 0.5  # the share of blocks in which keys are left out


def with_own_past(material: Material) -> Made:
    """Give a trained model its vector of the own past and its habits. No likelihood changes.

    Args:
        material: what the model is made from.

    Returns:
        The model.
    """
    model = extended(material)
    fit_own_past(model, material.songs, material.seed, material.check)
    fit = fit_habits(model, material.songs, material.valid, material.seed, material.check)
    return Made(model, unchanged=True, note=f"composed songs {fit}")


def fit_own_past(model: TiedModel, songs: Sequence[PianoRoll], seed: int, check: Check = go_on) -> None:
    """Train the vector of the own past on songs that are read with keys left out and predicted as they are.

    While a model reads music, it does not enter. Frames that lack as many keys at random are not just like the model's
    own, so the vector's direction is trained here, and its length is set with the habits.

    Args:
        model: a trained model with such a vector; it has no habits then.
        songs: the training songs.
        seed: the seed of all random numbers.
        check: called every second or so; see `Material`.
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
