"""Fits the copy experts of a trained model, on songs that the model has not learned from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lmn_music.evaluation.likelihood import frame_log_probs, nll_per_frame
from lmn_music.evaluation.teacher_forcing import teacher_forced
from lmn_music.models.tied.experts import CopyExperts
from lmn_music.models.tied.model import TiedModel
from lmn_music.models.tied.song_index import SongIndex
from lmn_music.music.pianoroll import PianoRoll

FOLDS = 3
EPOCHS = 24
BATCH = 4096  # rows
RATE = 2e-3
DECAY = 0.99  # of the running average of the weights, per step
LIKELY = -8.0  # nats: a key below this chance is read in one frame out of RARELY, and counts so often
RARELY = 8


class Rows(NamedTuple):
    """Keys of frames, one in each row.

    Attributes:
        evidence: what the copy experts read of the places, half precision.
        hidden: what they read of the NADE, half precision.
        logit: the log-odds of the model without experts.
        sounds: whether the key sounds.
        weight: how often the row counts.
        song: the number of the song.
    """

    evidence: Tensor
    hidden: Tensor
    logit: Tensor
    sounds: Tensor
    weight: Tensor
    song: Tensor

    def select(self, rows: Tensor) -> Rows:
        """Return some of the rows."""
        return Rows(*(column[rows] for column in self))


def fit_experts(
    model: TiedModel, songs: Sequence[PianoRoll], *, seed: int, progress: Callable[[str], None] = lambda _: None
) -> float:
    """Fit the copy experts that the model uses now, those of the song alone or those of the songs at hand too.

    All other weights stay as they are. They fit the training songs better than any other song, so on these the experts
    would look less useful than they are: they are fitted to songs that no other weight has learned from. The number of
    epochs is the best one in a cross-validation over songs, which also gives the likelihood that is returned.

    Args:
        model: a model with copy experts, trained.
        songs: the validation songs, at least FOLDS.
        seed: the seed of all random numbers.
        progress: receives a line on what was found.

    Returns:
        The negative log-likelihood per frame of the songs in nats, exact: of each song under experts that were fitted
        to the songs of the other folds.
    """
    experts = model.output.experts[0 if model.at_hand is None else 1]
    assert isinstance(experts, CopyExperts)
    drawn = deepcopy(experts.state_dict())
    rows = _rows(model, songs)
    fold = rows.song % FOLDS
    curves, stages = torch.zeros(EPOCHS, dtype=torch.float64), []
    for number in range(FOLDS):
        experts.load_state_dict(drawn)
        held_out = rows.select(fold == number)
        stages.append([])
        for epoch, averaged in enumerate(_epochs(experts, rows.select(fold != number), EPOCHS, seed)):
            curves[epoch] += _loss(averaged, held_out)
            stages[-1].append(deepcopy(averaged.state_dict()))
    best = int(curves.argmin())
    log_probs = []
    for number in range(FOLDS):
        experts.load_state_dict(stages[number][best])
        log_probs += frame_log_probs(model, songs[number::FOLDS])
    experts.load_state_dict(drawn)
    *_, last = _epochs(experts, rows, best + 1, seed)
    experts.load_state_dict(last.state_dict())
    valid = nll_per_frame(log_probs)
    progress(f"copy experts: validation {valid:.3f} in cross-validation, {best + 1} epochs")
    return valid


@torch.no_grad()
def _rows(model: TiedModel, songs: Sequence[PianoRoll]) -> Rows:
    generator = torch.Generator().manual_seed(0)
    output, parts = model.output, []
    for number, song in enumerate(songs):
        for span in teacher_forced(model, [song]):
            *read, evidence = output.read(span.frames, span.context)
            assert evidence is not None
            hidden = output.hidden(*read)
            logit, sounds = output.logit(hidden).squeeze(-1), span.frames > 0
            likely = (logit > LIKELY) | sounds
            few = torch.rand(likely.shape, generator=generator).to(logit) < 1 / RARELY
            taken = likely | few
            weight = torch.where(likely, 1.0, float(RARELY))
            columns = (evidence.half(), hidden.half(), logit, sounds.to(logit), weight)
            rows = [column[taken] for column in columns]
            parts.append(Rows(*rows, torch.full((len(rows[0]),), number, device=logit.device)))
    return Rows(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _epochs(experts: CopyExperts, rows: Rows, epochs: int, seed: int):
    """Train the experts, and yield the running average of their weights after each epoch."""
    optimizer = torch.optim.Adam(experts.parameters(), lr=RATE)
    average = AveragedModel(experts, multi_avg_fn=get_ema_multi_avg_fn(DECAY))
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(epochs):
        order = torch.randperm(len(rows.logit), generator=generator)
        with torch.random.fork_rng():
            torch.manual_seed(seed + epoch)  # for dropout, which takes no generator
            experts.train()
            for batch in order.split(BATCH):
                optimizer.zero_grad()
                (_nll(experts, rows.select(batch)) / len(batch)).backward()
                nn.utils.clip_grad_norm_(experts.parameters(), 1.0)
                optimizer.step()
                average.update_parameters(experts)
        yield average.module.eval()


def _nll(experts: CopyExperts, rows: Rows) -> Tensor:
    logit = rows.logit + experts(rows.evidence.float(), rows.hidden.float())
    return nn.functional.binary_cross_entropy_with_logits(logit, rows.sounds, rows.weight, reduction="sum")


@torch.no_grad()
def _loss(experts: CopyExperts, rows: Rows) -> float:
    parts = [_nll(experts, rows.select(part)) for part in torch.arange(len(rows.logit)).split(2**16)]
    return float(sum(parts))
