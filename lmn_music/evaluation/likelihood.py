"""The exact likelihood of songs, frame by frame, and its averages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from lmn_music.evaluation.teacher_forcing import teacher_forced
from lmn_music.models.interface import SequenceModel
from lmn_music.music.pianoroll import PianoRoll

Array = npt.NDArray[np.float64]


@torch.no_grad()
def frame_log_probs(model: SequenceModel, rolls: Sequence[PianoRoll], *, batch_songs: int = 16) -> list[Array]:
    """Return for each song the log-likelihood of each frame given all before it, in nats, in the songs' order."""
    result = [np.empty(len(roll)) for roll in rolls]
    for span in teacher_forced(model, rolls, batch_songs=batch_songs):
        values = model.output.log_prob(span.frames, span.context).cpu().double().numpy()
        for column, (song, count) in enumerate(zip(span.songs, span.mask.sum(dim=0).tolist(), strict=True)):
            result[song][span.start : span.start + count] = values[:count, column]
    return result


def nll_per_frame(log_probs: Sequence[Array], *, first_frame: bool = True) -> float:
    """Return the mean negative log-likelihood over all frames of all songs in one flat list, in nats.

    With `first_frame` the convention of Boulanger-Lewandowski et al. 2012; without, that of Bai et al. 2018, who leave
    out the first frame of each song. NaN if no frame is left.
    """
    values = np.concatenate([song[0 if first_frame else 1 :] for song in log_probs])
    return float(-values.mean()) if len(values) else float("nan")


def bootstrap_interval(log_probs: Sequence[Array], *, resamples: int = 2000, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile interval of `nll_per_frame` under resampling of whole songs."""
    sums = np.array([song.sum() for song in log_probs])
    counts = np.array([len(song) for song in log_probs])
    draws = np.random.default_rng(seed).integers(len(sums), size=(resamples, len(sums)))
    low, high = np.percentile(-sums[draws].sum(axis=1) / counts[draws].sum(axis=1), [2.5, 97.5])
    return float(low), float(high)
