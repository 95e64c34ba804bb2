"""Songs that a model composes surprise it as much as songs of its corpus do.

A model is not sure of what comes next, and spreads its chances wider where it reads its own songs, which are always a
little unlike music. What it draws there is bolder than what it reads, and makes the next frame bolder. So its own songs
are drawn at a temperature somewhat below 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.generation.sampler import sample_frames
from lmn_music.models.habits import Habits
from lmn_music.models.tied.model import TiedModel
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.training.stopping import Check, go_on

COMPOSED = (32, 192)  # songs, and their frames; no more than half of the validation songs have
TRIES = 2  # temperatures
LOWEST = 0.5


class Boldness(NamedTuple):
    """What the temperature does.

    Attributes:
        wanted: by how much the beginnings of the validation songs surprise the model, in nats per frame, as the mean
            over songs.
        tried: the same of composed songs, by their temperature.
        temperature: the temperature that is set.
    """

    wanted: float
    tried: dict[float, float]
    temperature: float

    def __str__(self) -> str:
        """Return it in one line, for the user."""
        tried = ", ".join(f"{nats:.2f} at temperature {each:.2f}" for each, nats in self.tried.items())
        return f"a frame of theirs is {tried}, shall be {self.wanted:.2f} nats: {self.temperature:.2f}"


@torch.no_grad()
def fit_temperature(model: TiedModel, songs: Sequence[PianoRoll], seed: int, check: Check = go_on) -> Boldness | None:
    """Set the temperature of the habits; a model is made no bolder than it is.

    The surprise of composed songs grows about as the logarithm of their temperature, which is found by interpolation.

    Args:
        model: a trained model with habits.
        songs: the validation songs: a model knows its training songs, which surprise it less than other music.
        seed: the seed of all random numbers.
        check: called every second or so; see `Material`.

    Returns:
        How bold composed songs are, and shall be; None if there is no song to compare with.
    """
    if not songs:
        return None
    frames = min(COMPOSED[1], int(np.median([len(song) for song in songs])))
    wanted = _surprise(model, [song[:frames] for song in songs])
    grid, tried = songs[0].frames_per_quarter, dict[float, float]()
    temperature = 1.0
    for _ in range(1 + TRIES):
        _set(model, temperature)
        rolls = [PianoRoll(song, grid) for song in composed(model, seed, COMPOSED[0], frames, check)]
        tried[temperature] = _surprise(model, rolls)
        temperature = next_temperature(tried, wanted)
        if temperature in tried:
            break
    _set(model, temperature)
    return Boldness(wanted, tried, temperature)


def next_temperature(tried: dict[float, float], wanted: float) -> float:
    """Return the temperature to try next, or to stay with, in hundredths.

    Args:
        tried: by how much composed songs surprise the model, by their temperature; that of 1 is among them.
        wanted: by how much they shall.
    """
    known = sorted(tried)
    nats = np.maximum.accumulate([max(tried[each], 1e-9) for each in known])
    below = float(nats[0])
    found = known[0] * wanted / below if wanted < below else math.exp(np.interp(wanted, nats, np.log(known)))
    return round(max(found, LOWEST), 2)


def _set(model: TiedModel, temperature: float) -> None:
    model.get_buffer("temperature").fill_(temperature)


def _surprise(model: TiedModel, songs: Sequence[PianoRoll]) -> float:
    return float(np.mean([-log_probs.mean() for log_probs in frame_log_probs(model, songs)]))


def set_habits(model: TiedModel, habits: Habits) -> None:
    """Set the habits of a model that has some."""
    for name, numbers in habits._asdict().items():
        model.get_buffer(name).copy_(numbers)


def composed(model: TiedModel, seed: int, songs: int, frames: int, check: Check) -> npt.NDArray[np.bool_]:
    """Return composed songs, (songs, frames, keys).

    Args:
        model: what composes.
        seed: the seed of all random numbers.
        songs: how many.
        frames: the length of each.
        check: called before each frame.
    """
    generator = torch.Generator(next(model.parameters()).device).manual_seed(seed)
    drawn = []
    for frame in islice(sample_frames(model, generator, songs=songs), frames):
        check()
        drawn.append(frame)
    return torch.stack(drawn).bool().cpu().numpy().swapaxes(0, 1)
