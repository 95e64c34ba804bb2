"""The two accuracies of the literature: different quantities with different names."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lmn_music.evaluation.progress import Progress, no_progress
from lmn_music.evaluation.teacher_forcing import teacher_forced
from lmn_music.models.interface import SequenceModel
from lmn_music.music.pianoroll import PianoRoll

SAMPLES = 10


def sampled_accuracy(predicted: Tensor, frames: Tensor) -> Tensor:
    """Return TP / max(notes played, notes predicted) of each frame; 1 where both are silent.

    Boulanger-Lewandowski et al. 2012 report its mean over frames, for a sample of the model; inferred, as their text
    does not define it.

    Args:
        predicted: (..., 88) of zeros and ones.
        frames: the notes played, of the same shape.

    Returns:
        (...), from 0 to 1.
    """
    most = torch.maximum(predicted.sum(dim=-1), frames.sum(dim=-1))
    return torch.where(most > 0, (predicted * frames).sum(dim=-1) / most.clamp(min=1), 1.0)


def thresholded_accuracy(predicted: Tensor, frames: Tensor) -> Tensor:
    """Return TP / (TP + FP + FN) of each frame; NaN where both are silent, which leaves the frame out.

    The LMN papers report its mean over frames, the first frame of each song left out, for the keys whose probability is
    above 0.5.

    Args:
        predicted: (..., 88) of zeros and ones.
        frames: the notes played, of the same shape.

    Returns:
        (...), from 0 to 1 or NaN.
    """
    either = torch.maximum(predicted, frames).sum(dim=-1)
    return torch.where(either > 0, (predicted * frames).sum(dim=-1) / either.clamp(min=1), torch.nan)


@torch.no_grad()
def accuracies(
    model: SequenceModel,
    songs: Sequence[PianoRoll],
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    progress: Progress = no_progress,
) -> tuple[float, float]:
    """Return the sampled and the thresholded accuracy of a model.

    The first is estimated from frames that are drawn given the true past. The second takes a key as predicted if its
    probability in this frame, whatever the other keys do, is above 0.5; where the keys depend on each other this
    probability is an estimate, from the same samples (`Output.draw`).

    Args:
        model: what predicts.
        songs: what the model reads.
        samples: how many frames are drawn for each frame.
        seed: the seed of the drawing.
        progress: is called with the songs done and the songs in all.

    Returns:
        Each between 0 and 1; NaN if no frame counts.
    """
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    sampled, thresholded = [], []
    for span in teacher_forced(model, songs, progress=progress):
        chance = torch.zeros_like(span.frames)
        for _ in range(samples):
            drawn, chances, _ = model.output.draw(span.context, generator=generator)
            sampled.append(sampled_accuracy(drawn, span.frames)[span.mask])
            chance += chances / samples
        likely = (chance > 0.5).to(span.frames)
        later = span.mask[1:] if span.start == 0 else span.mask
        thresholded.append(thresholded_accuracy(likely, span.frames)[len(likely) - len(later) :][later])
    return float(torch.cat(sampled).nanmean()), float(torch.cat(thresholded).nanmean())
