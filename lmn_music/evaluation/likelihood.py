"""The exact likelihood of songs, frame by frame, and its averages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from lmn_music.corpora.corpus import lengths_of
from lmn_music.evaluation.progress import Progress, in_turn, no_progress
from lmn_music.evaluation.teacher_forcing import teacher_forced
from lmn_music.memory.sequences import FloatArray
from lmn_music.models.interface import SequenceModel
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.processes import Processes

_BLOCK = 4096  # songs whose frames are kept at a time, where all that is wanted is a mean


@torch.no_grad()
def frame_log_probs(
    model: SequenceModel, songs: Sequence[PianoRoll], *, batch_songs: int = 16, progress: Progress = no_progress
) -> list[FloatArray]:
    """Return the exact log-likelihood of each frame of each song, given all frames before it.

    Args:
        model: what reads the songs; it is left in eval mode.
        songs: what the model reads.
        batch_songs: how many songs are read side by side; this changes nothing but the time.
        progress: is called with the songs done and the songs in all.

    Returns:
        For each song, in their order, float64 (time,) in nats, summed over the 88 keys.
    """
    result = [np.empty(length) for length in lengths_of(songs).tolist()]
    for span in teacher_forced(model, songs, batch_songs=batch_songs, progress=progress):
        values = model.output.log_prob(span.frames, span.context).cpu().double().numpy()
        for column, (number, count) in enumerate(zip(span.songs, span.mask.sum(dim=0).tolist(), strict=True)):
            result[number][span.start : span.start + count] = values[:count, column]
    return result


def nll_per_frame(log_probs: Sequence[FloatArray], *, first_frame: bool = True) -> float:
    """Return the mean negative log-likelihood over all frames of all songs in one flat list.

    Args:
        log_probs: for each song the log-likelihoods of its frames, as `frame_log_probs` returns them.
        first_frame: count the first frame of each song, as Boulanger-Lewandowski et al. 2012 do; Bai et al. 2018 leave
            it out.

    Returns:
        Nats per frame; NaN if no frame is left.
    """
    values = np.concatenate([np.zeros(0), *(song[0 if first_frame else 1 :] for song in log_probs)])
    return float(-values.mean()) if len(values) else float("nan")


def shared_nll(
    model: SequenceModel, songs: Sequence[PianoRoll], processes: Processes, *, progress: Progress = no_progress
) -> float:
    """Return the mean negative log-likelihood over all frames of all songs, of which each process reads a share.

    Args:
        model: what reads the songs, the same in every process.
        songs: all songs.
        processes: who shares the work.
        progress: is called with the songs done and the songs of this process.

    Returns:
        Nats per frame, the same in every process.
    """
    own = songs[processes.rank :: processes.size]
    if processes.size == 1 and len(own) <= _BLOCK:  # added up in one go, the last digits are those of `evaluate`
        return nll_per_frame(frame_log_probs(model, own, progress=progress))
    blocks = [own[first : first + _BLOCK] for first in range(0, len(own), _BLOCK)] or [own]
    found = np.zeros(2)
    for block, each in zip(blocks, in_turn(progress, [len(block) for block in blocks]), strict=True):
        log_probs = frame_log_probs(model, block, progress=each)
        values = np.concatenate([np.zeros(0), *log_probs])
        found += -values.sum(), len(values)
    total, count = processes.total(found)
    return float(total / count) if count else float("nan")


def bootstrap_interval(log_probs: Sequence[FloatArray], *, resamples: int = 2000, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile interval of `nll_per_frame` under resampling of whole songs.

    Args:
        log_probs: for each song the log-likelihoods of its frames, as `frame_log_probs` returns them.
        resamples: how many corpora of as many songs are drawn, with replacement.
        seed: the seed of the drawing.

    Returns:
        The lower and the upper end, in nats per frame; NaN if there are no songs.
    """
    if not log_probs:
        return float("nan"), float("nan")
    sums = np.array([song.sum() for song in log_probs])
    counts = np.array([len(song) for song in log_probs])
    draws = np.random.default_rng(seed).integers(len(sums), size=(resamples, len(sums)))
    low, high = np.percentile(-sums[draws].sum(axis=1) / counts[draws].sum(axis=1), [2.5, 97.5])
    return float(low), float(high)
