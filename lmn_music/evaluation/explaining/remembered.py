"""What a model's memory still holds of the past of a song: the frames that can be read out of it, linearly.

The readout of lag k, x_{t-k} ~ W_k' m_t + c_k, is the best linear guess under the model itself: it is fitted by ridge
regression to songs that the model composes, and then reads the memory of any song. So the training songs need not be
at hand. A model with a memory for each key has one readout for all keys: x_{t-k,j} ~ w_k' m_{t,j} + c_k.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch
from scipy import linalg
from threadpoolctl import threadpool_limits
from torch import Tensor

from lmn_music.generation.sampler import sample_frames
from lmn_music.models.memory_model import MemoryModel
from lmn_music.music.pianoroll import KEYS, PianoRoll

Array = npt.NDArray[np.float64]

SONGS, CHOOSING, FRAMES = (
    16,
    4,
    64,
)  # songs that the model composes, those of them that choose the penalty, their length
PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # on the squared weights, relative to the mean variance of the memory
LAGS = 32


@dataclass(frozen=True, eq=False)
class Remembered:
    """What can be read out of the memory while a model reads a song.

    Attributes:
        roll: the song with the model's frames, in its own key.
        transposition: how far up the model reads it, in semitones.
        states: (time, sequences, size + 1), the memory after each frame, and a 1.
        weights: (size + 1, lags, width), the readout.
        mean: (88,), how often each key sounds in the songs that the readout was fitted to.
    """

    roll: PianoRoll
    transposition: int
    states: Array
    weights: Array
    mean: Array

    def at(self, frame: int) -> Array:
        """Return the frames that the memory holds after a frame, (lags, 88), each key from 0 to 1; row 0 is the frame.

        Args:
            frame: its number.
        """
        guess = np.tensordot(self.states[frame], self.weights, 1)  # (sequences, lags, width)
        keys = guess.transpose(1, 0, 2).reshape(guess.shape[1], KEYS)
        return np.roll(keys, -self.transposition, axis=1).clip(0, 1)

    @cached_property
    def shares(self) -> Array:
        """Return how much of the past is held, (lags,): the share of the variance of x_{t-k} over all frames t.

        1 - sum |x_{t-k} - guess|^2 / sum |x_{t-k} - mean|^2 over the frames t >= k; 0 where this is negative, and for
        lags that the song is too short for.
        """
        frames = np.roll(self.roll.frames, self.transposition, axis=1).astype(np.float64)
        shares = np.zeros(self.weights.shape[1])
        for lag in range(min(len(shares), len(frames))):
            guess = np.tensordot(self.states[lag:], self.weights[:, lag], 1).reshape(-1, KEYS)
            then = frames[: len(frames) - lag]
            shares[lag] = 1 - np.square(then - guess).sum() / np.square(then - self.mean).sum()
        return shares.clip(min=0)


@dataclass(frozen=True, eq=False)
class MemoryReader:
    """A readout of the past from a model's memory; `fit` makes one.

    Attributes:
        model: whose memory is read.
        weights: (size + 1, lags, width), see `Remembered`.
        mean: (88,), see `Remembered`.
    """

    model: MemoryModel
    weights: Array
    mean: Array

    @classmethod
    def fit(cls, model: MemoryModel, *, lags: int = LAGS) -> MemoryReader:
        """Fit a readout to songs that the model composes, always the same ones.

        Args:
            model: whose memory is read; it is left in eval mode.
            lags: how many frames are read out, the present one included.
        """
        device = next(model.parameters()).device
        generator = torch.Generator(device).manual_seed(0)
        songs = torch.stack(list(islice(sample_frames(model, generator, songs=SONGS), FRAMES)))
        states, frames = _states(model, songs), songs.cpu().double().numpy()
        with threadpool_limits(1, user_api="blas"):  # another number of threads would add up in another order
            fitted, judged = (
                _Moments.of(states[:, some], frames[:, some], lags)
                for some in (slice(CHOOSING, None), slice(0, CHOOSING))
            )
            weights = min((fitted.readout(penalty) for penalty in PENALTIES), key=judged.error)
        return cls(model, weights, frames.mean(axis=(0, 1)))

    def read(self, roll: PianoRoll, transposition: int = 0) -> Remembered:
        """Return what the memory holds while the model reads a song.

        Args:
            roll: the song, with the model's frames.
            transposition: how far up the model reads it, in semitones.

        Raises:
            ValueError: a note would leave the keyboard.
        """
        frames = torch.from_numpy(roll.transposed(transposition).frames.astype(np.float32)).unsqueeze(1)
        states = _states(self.model, frames.to(next(self.model.parameters()).device))
        return Remembered(roll, transposition, states[:, 0], self.weights, self.mean)


@torch.no_grad()
def _states(model: MemoryModel, frames: Tensor) -> Array:
    """Return the memory after each frame of songs, and a 1: (time, songs, sequences, size + 1).

    Args:
        model: what reads.
        frames: (time, songs, 88).
    """
    model.eval()
    state, found = model.initial_state(frames.shape[1]), []
    # A model reads a frame when the next one comes: the last one is followed by silence.
    for frame in torch.cat([frames, torch.zeros_like(frames[:1])]).split(1):
        _, state = model.recur(frame, state)
        found.append(state.memory.flatten(1, -2) if state.memory.ndim > 2 else state.memory.unsqueeze(1))
    memory = torch.stack(found[1:]).cpu().double().numpy()
    return np.concatenate([memory, np.ones((*memory.shape[:3], 1))], axis=3)


@dataclass(frozen=True)
class _Moments:
    """Sums over all frames and sequences: of y y' (p, p), of y x_{t-k}' (p, lags, width), of |x_{t-k}|^2."""

    states: Array
    cross: Array
    energy: float
    rows: int

    @classmethod
    def of(cls, states: Array, frames: Array, lags: int) -> _Moments:
        """Add up; before its start, a song counts as silent.

        Args:
            states: (time, songs, sequences, p).
            frames: (time, songs, 88).
            lags: how many.
        """
        time, songs, sequences, size = states.shape
        past = frames.reshape(time, songs * sequences, KEYS // sequences)
        y = states.reshape(time, songs * sequences, size)
        cross = np.zeros((size, lags, past.shape[2]))
        energy = 0.0
        for lag in range(min(lags, time)):
            then = past[: time - lag].reshape(-1, past.shape[2])
            cross[:, lag] = y[lag:].reshape(-1, size).T @ then
            energy += float(np.square(then).sum())
        rows = y.reshape(-1, size)
        return cls(rows.T @ rows, cross, energy, len(rows))

    def readout(self, penalty: float) -> Array:
        """Return the weights of the ridge regression, (p, lags, width); the last, which is multiplied by 1, is free."""
        size, sums = len(self.states) - 1, self.states[-1, :-1]
        variance = float(self.states.diagonal()[:-1].sum() - sums @ sums / self.rows) / size
        costs = np.full(size + 1, penalty * max(variance, 1e-12))
        costs[-1] = 0
        solved = linalg.solve(self.states + np.diag(costs), self.cross.reshape(size + 1, -1), assume_a="pos")
        return np.asarray(solved.reshape(self.cross.shape))

    def error(self, weights: Array) -> float:
        """Return the sum of squared errors of a readout."""
        flat, cross = weights.reshape(len(self.states), -1), self.cross.reshape(len(self.states), -1)
        return self.energy - 2 * float((flat * cross).sum()) + float((flat * (self.states @ flat)).sum())
