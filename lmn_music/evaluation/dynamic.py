"""Dynamic evaluation: the model continues to learn from each song while it reads the song."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor

from lmn_music.corpora.batches import collate
from lmn_music.errors import UsageError
from lmn_music.evaluation.likelihood import nll_per_frame
from lmn_music.evaluation.progress import Progress, in_turn, no_progress
from lmn_music.memory.sequences import FloatArray
from lmn_music.models.interface import SequenceModel
from lmn_music.music.pianoroll import PianoRoll

STEP = 4  # frames that are read between two steps
RATES = (1e-4, 2e-4, 4e-4, 8e-4)
DAMPING = 0.1
SCALE_FRAMES = 10_000
CHOICE_FRAMES = 5_000


class DynamicEvaluation:
    """Reads songs with a model that takes a gradient step after every 4 frames, and forgets all at each song's end.

    A chunk is scored with the weights that the chunks before it have left, so no frame is predicted with any knowledge
    of itself or of a later frame: the sum over a song is an exact sequential log-likelihood. The step on a chunk whose
    mean negative log-likelihood has the gradient g is

        theta <- theta - rate min(1, 1 / rms(s)) s,   s = g / (G + 0.1 mean(G))

    with G the root mean square of each weight's g over training songs, and rms and mean over all weights: a weight
    moves as far as its gradient is unusual, and no chunk moves the weights farther than a typical one would.

    Source: Krause, Kahembwe, Murray, Renals, "Dynamic evaluation of neural sequence models", ICML 2018. Their decay
    towards the trained weights did not help and is left out; the bound on the step is ours.

    Args:
        model: what reads; it is copied and never changes itself.
        train: the songs on which G is measured: every n-th one, about SCALE_FRAMES frames.
        progress: is called with the songs done and the songs in all of this measurement.

    Raises:
        UsageError: if there are no training songs.
    """

    def __init__(self, model: SequenceModel, train: Sequence[PianoRoll], progress: Progress = no_progress) -> None:
        self._model = deepcopy(model).eval()
        # Before the first step a song is past its initial state.
        first = {id(weight) for weight in self._model.initial_weights()}
        self._weights = [w for w in self._model.parameters() if w.requires_grad and id(w) not in first]
        self._trained = [weight.detach().clone() for weight in self._weights]
        squares, chunks = [torch.zeros_like(weight) for weight in self._trained], 0
        for song in _counted(every_nth(train, SCALE_FRAMES), progress):
            for log_prob in self._read(song):
                for square, gradient in zip(squares, self._gradient(log_prob), strict=True):
                    square += gradient.square()
                chunks += 1
        if not chunks:
            raise UsageError("dynamic evaluation needs training songs, to know how far to move, and there are none")
        typical = [(square / chunks).sqrt() for square in squares]
        damping = DAMPING * _flat(typical).mean()
        self._scale = [1 / (size + damping) for size in typical]

    def choose_rate(self, valid: Sequence[PianoRoll], progress: Progress = no_progress) -> float:
        """Return the learning rate among RATES that is best on validation songs.

        Args:
            valid: the songs; every n-th one is read, about CHOICE_FRAMES frames, once with each rate.
            progress: is called with the songs done and the songs in all, the rates taken together.

        Raises:
            UsageError: if there are no validation songs.
        """
        songs = every_nth(valid, CHOICE_FRAMES)
        if not sum(map(len, songs)):
            raise UsageError("dynamic evaluation chooses its learning rate on validation songs, and there are none")
        passes = dict(zip(RATES, in_turn(progress, [len(songs)] * len(RATES)), strict=True))
        return min(RATES, key=lambda rate: nll_per_frame(self.frame_log_probs(songs, rate, passes[rate])))

    def frame_log_probs(
        self, songs: Sequence[PianoRoll], rate: float, progress: Progress = no_progress
    ) -> list[FloatArray]:
        """Return the log-likelihood of each frame of each song given all frames before it.

        Args:
            songs: what the model reads.
            rate: the learning rate.
            progress: is called with the songs done and the songs in all.

        Returns:
            For each song, in their order, float64 (time,) in nats, summed over the 88 keys.
        """
        return [self._song_log_probs(song, rate) for song in _counted(songs, progress)]

    def _song_log_probs(self, song: PianoRoll, rate: float) -> FloatArray:
        result, start = np.empty(len(song)), 0
        try:
            for log_prob in self._read(song):
                result[start : start + len(log_prob)] = log_prob.detach().cpu().double().numpy()
                start += len(log_prob)
                if start < len(song):
                    self._step(self._gradient(log_prob), rate)
        finally:
            self._forget()
        return result

    def _read(self, song: PianoRoll) -> Iterator[Tensor]:
        """Yield the frames' log-likelihoods, (time,), chunk by chunk, each with the weights as they are by then."""
        state = self._model.initial_state(1)
        for frames, _ in collate([song], [0], self._trained[0].device).chunks(STEP):
            log_prob, state = self._model(frames, state)
            state = state.detached()
            yield log_prob[:, 0]

    def _gradient(self, log_prob: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(-log_prob.mean(), self._weights, materialize_grads=True)

    @torch.no_grad()
    def _step(self, gradient: Sequence[Tensor], rate: float) -> None:
        steps = [g * scale for g, scale in zip(gradient, self._scale, strict=True)]
        size = rate / _flat(steps).square().mean().sqrt().clamp(min=1)
        for weight, step in zip(self._weights, steps, strict=True):
            weight.sub_(size * step)
        self._model.constrain()

    @torch.no_grad()
    def _forget(self) -> None:
        for weight, trained in zip(self._weights, self._trained, strict=True):
            weight.copy_(trained)


def songs_to_adapt(train: Sequence[PianoRoll], valid: Sequence[PianoRoll]) -> tuple[int, int]:
    """Return how many songs are read to measure G, and how many to choose the learning rate."""
    return len(every_nth(train, SCALE_FRAMES)), len(RATES) * len(every_nth(valid, CHOICE_FRAMES))


def every_nth(songs: Sequence[PianoRoll], frames: int) -> Sequence[PianoRoll]:
    """Return about so many frames of whole songs, every n-th one; all if there are no more."""
    return songs[:: max(1, round(sum(map(len, songs)) / frames))]


def _counted(songs: Sequence[PianoRoll], progress: Progress) -> Iterator[PianoRoll]:
    for done, song in enumerate(songs, start=1):
        yield song
        progress(done, len(songs))


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])
