"""Songs that a model composes look like songs of its corpus from afar: as full, as wide, as restless and as bold.

They are bolder at first: reading its own frames, which are always a little unlike music, a model is less sure, what it
then draws is less like music, and so on. So its own songs are drawn at a temperature somewhat below 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch

from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.generation.keeping import PERIODS, STILL
from lmn_music.generation.sampler import sample_frames
from lmn_music.models.habits import Habits, quantiles
from lmn_music.models.tied.model import TiedModel
from lmn_music.music.measures import longest_silence, longest_still, repeated, width
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.training.stopping import Check, go_on

COMPOSED = (48, 256)  # songs, and their frames, at most; no more frames than half of the training songs have
FRAMES = 6_000  # of all composed songs, at most
GAINS = (1.0, 1.0, 1 / 2, 1 / 3)  # of each step towards what is wanted: the last ones even out chance
LEAST_GROWTH = 0.1  # of the logarithm of the keys with the vector: else its length is settled by chance
SLOPES = (1.0, 4.0)  # of the logarithm of the surprise over that of the temperature, the least and the most
LOWEST = 0.5  # of temperatures
FEW = 1e-3  # keys, nats or repeats per frame, of which there is a logarithm
KINDS, MOVED = 5, 3  # of habits that are quantiles over songs, the first ones of a `Look`; the first of them move
LOUDEST = 8.0  # nats of an echo


class Look(NamedTuple):
    """How songs look from afar: means over songs.

    Attributes:
        width: from the lowest to the highest key of a song, in semitones.
        still: the longest stretch that stands still, in frames.
        loop: the longest stretch that repeats one figure, in frames.
        keys: how many keys sound in a frame.
        silence: the longest silence, in frames.
        opening: how many keys sound in a frame of its first quarter.
        repeats: the share of windows that an earlier one of the song equals; see `lmn_music.music.measures.repeated`.
        surprise: that of the model, in nats per frame.
    """

    width: float
    still: float
    loop: float
    keys: float
    silence: float
    opening: float
    repeats: float
    surprise: float

    def __str__(self) -> str:
        """Return it in words, for the user."""
        return (
            f"{self.keys:.2f} keys ({self.opening:.2f} at first) and {self.surprise:.2f} nats per frame, "
            f"{self.width:.0f} semitones wide, {self.still:.0f} frames still, {self.loop:.0f} in circles, "
            f"{self.silence:.0f} silent, {100 * self.repeats:.0f}% repeated"
        )


class Fit(NamedTuple):
    """What the own past and the habits do.

    Attributes:
        wanted: how the beginnings of the training songs look, as long as composed songs, and how much those of the
            validation songs surprise the model, which knows its training songs.
        before: songs composed without vector and habits.
        after: songs composed with them.
        temperature: that of the habits.
    """

    wanted: Look
    before: Look
    after: Look
    temperature: float

    def __str__(self) -> str:
        """Return it in one line, for the user."""
        looks = zip(("were", "are", "shall be"), (self.before, self.after, self.wanted), strict=True)
        return "; ".join(f"{name} {look}" for name, look in looks) + f"; temperature {self.temperature:.2f}"


@torch.no_grad()
def fit_habits(
    model: TiedModel, songs: Sequence[PianoRoll], valid: Sequence[PianoRoll], seed: int, check: Check = go_on
) -> Fit:
    """Set the length of the vector of the own past and the habits, so that composed songs look like the songs.

    Songs are composed again and again, and after each time the numbers are corrected by what the songs lack. The vector
    is multiplied by a share from 0 to 1, so that songs begin as full as they shall: the number of keys grows
    exponentially with it. All quantiles of a width or a stretch move by the same amount, as not every song goes as far
    as it may. The echo is corrected by the logarithm of the repeats. The temperature is at most 1; the surprise grows
    as a power of it.

    Args:
        model: a trained model with a trained vector.
        songs: the training songs.
        valid: the validation songs.
        seed: the seed of all random numbers.
        check: called every second or so; see `Material`.

    Returns:
        How composed songs look before and after.
    """
    assert model.own is not None
    own, trained, per_quarter = model.own, model.own.clone(), songs[0].frames_per_quarter
    frames = min(COMPOSED[1], int(np.median([len(song) for song in songs])))
    seen = np.array([_shape(song[:frames]) for song in songs])
    nats = _surprise(model, [song[:frames] for song in valid], check)
    wanted = Look(*map(float, [*seen.mean(axis=0), nats]))
    count = min(COMPOSED[0], max(FRAMES // frames, 1))
    generator = torch.Generator(own.device).manual_seed(seed)
    kinds = [quantiles(torch.tensor(numbers)) for numbers in seen.T[:KINDS]]

    def compose(habits: Habits) -> Look:
        set_habits(model, habits)
        found = [PianoRoll(song, per_quarter) for song in _composed(model, generator, count, frames, check)]
        shape = np.mean([_shape(song) for song in found], axis=0)
        return Look(*map(float, [*shape, _surprise(model, found, check)]))

    own.zero_()
    before = compose(Habits.unknown())
    moved, share, echo, temperature = np.zeros(KINDS), 1.0, 0.0, 1.0

    def compose_again() -> Look:
        own.copy_(share * trained)
        of_songs = ((numbers + by).clamp(min=0) for numbers, by in zip(kinds, moved, strict=True))
        return compose(Habits(*of_songs, *map(torch.tensor, (echo, temperature))))

    first = after = compose_again()
    growth, slope = max(_log_ratio(first.opening, before.opening), LEAST_GROWTH), 2.0
    for gain in GAINS:
        share = min(max(share + gain * _log_ratio(wanted.opening, after.opening) / growth, 0.0), 1.0)
        moved[:MOVED] += gain * (np.array(wanted[:MOVED]) - np.array(after[:MOVED]))
        echo = min(max(echo + gain / 2 * _log_ratio(wanted.repeats, after.repeats), 0.0), LOUDEST)
        temperature *= math.exp(gain * _log_ratio(wanted.surprise, after.surprise) / slope)
        temperature = min(max(temperature, LOWEST), 1.0)
        after = compose_again()
        if temperature < 1:  # also moved by the other habits; hence the limits
            slope = float(np.clip(_log_ratio(after.surprise, first.surprise) / math.log(temperature), *SLOPES))
    return Fit(wanted, before, after, temperature)


def set_habits(model: TiedModel, habits: Habits) -> None:
    """Set the habits of a model that has some."""
    for name, numbers in habits._asdict().items():
        model.get_buffer(name).copy_(numbers)


def _log_ratio(one: float, other: float) -> float:
    return math.log(max(one, FEW) / max(other, FEW))


def _shape(song: PianoRoll) -> list[float]:
    """Return all of a `Look` but the surprise, for one song."""
    frames = song.frames
    still, loop = (longest_still(frames, period) for period in (STILL, PERIODS[-1]))
    silence, (again, windows) = longest_silence(song) * song.frames_per_quarter, repeated(song)
    full = frames.sum(axis=1)
    opening = full[: math.ceil(len(full) / 4)].mean()
    return [width(frames), still, loop, full.mean(), silence, opening, again / max(windows, 1)]


def _surprise(model: TiedModel, songs: Sequence[PianoRoll], check: Check) -> float:
    found = frame_log_probs(model, songs, progress=lambda *_: check())
    return float(np.mean([-log_probs.mean() for log_probs in found]))


def _composed(
    model: TiedModel, generator: torch.Generator, count: int, frames: int, check: Check
) -> np.typing.NDArray[np.bool_]:
    """Return composed songs, bool (songs, frames, 88)."""
    drawn = []
    for frame in islice(sample_frames(model, generator, songs=count), frames):
        check()
        drawn.append(frame)
    return torch.stack(drawn).bool().cpu().numpy().swapaxes(0, 1)
