"""Fits the copy experts of a trained model, on songs that the model has not learned from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lmn_music.evaluation.likelihood import frame_log_probs, nll_per_frame
from lmn_music.evaluation.teacher_forcing import teacher_forced
from lmn_music.models.tied.experts import CopyExperts
from lmn_music.models.tied.model import TiedModel
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.training.autoencoders import some_songs
from lmn_music.training.family import Made, Material, extended
from lmn_music.training.sharing import seeded
from lmn_music.training.stopping import Check, go_on
from lmn_music.words import counted

FOLDS = 3
EPOCHS = 30
AT_HAND = 1_000_000  # frames of the training songs at hand at most, which take a few hundred bytes each
PATIENCE = 4  # epochs without a better likelihood of the songs held out
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


def with_experts(material: Material) -> Made:
    """Give a trained model copy experts, and fit them to the validation songs; see `fit_experts`.

    The experts of the song alone are one set of weights, those of the song and the training songs another.

    Args:
        material: what the model is made from. With fewer than FOLDS validation songs the experts change nothing.

    Returns:
        The model, and its cross-validated likelihood without the training songs.
    """
    model, valid = extended(material), material.valid
    if len(valid) < FOLDS:
        few = counted(len(valid), "validation song")
        return Made(model, unchanged=True, note=f"no copy experts: they need {FOLDS} validation songs, not {few}")
    alone = fit_experts(model, valid, material.seed, material.check)
    with_songs = model.with_songs(some_songs(material.songs, AT_HAND, material.generator()))
    assert with_songs is not None
    at_hand = fit_experts(with_songs, valid, material.seed, material.check)
    note = f"copy experts, with the training songs at hand {at_hand:.3f} in cross-validation"
    return Made(model, valid_nll=alone, figures={"valid_nll_songs_at_hand": at_hand}, note=note)


def fit_experts(model: TiedModel, songs: Sequence[PianoRoll], seed: int, check: Check = go_on) -> float:
    """Fit the copy experts that a model uses, those of the song alone or those of songs at hand too.

    All other weights stay as they are. They fit the training songs better than any other song, so on these the experts
    would look less useful than they are: they are fitted to songs that no other weight has learned from. The number of
    epochs is the best one in a cross-validation over songs, which also gives the likelihood that is returned.

    Args:
        model: a trained model with copy experts.
        songs: at least FOLDS songs that no weight has learned from.
        seed: the seed of all random numbers.
        check: called every second or so; see `Material`.

    Returns:
        The negative log-likelihood of the songs in nats per frame, exact: of each song under experts that were fitted
        to the songs of the other folds.
    """
    experts = model.experts
    drawn = deepcopy(experts.state_dict())
    rows = _rows(model, songs, check)
    fold = rows.song % FOLDS
    best, lowest, fitted = 0, math.inf, [drawn] * FOLDS
    trainings = [_epochs(deepcopy(experts), rows.select(fold != number), seed, check) for number in range(FOLDS)]
    held_out = [rows.select(fold == number) for number in range(FOLDS)]
    for epoch, each in enumerate(zip(*trainings, strict=True), start=1):
        nll = sum(_loss(*pair) for pair in zip(each, held_out, strict=True))
        if nll < lowest:
            best, lowest, fitted = epoch, nll, [deepcopy(averaged.state_dict()) for averaged in each]
        elif epoch - best == PATIENCE:
            break
    log_probs = []
    for number in range(FOLDS):
        experts.load_state_dict(fitted[number])
        log_probs += frame_log_probs(model, songs[number::FOLDS], progress=check)
    experts.load_state_dict(drawn)
    *_, last = islice(_epochs(experts, rows, seed, check), best)
    experts.load_state_dict(last.state_dict())
    return nll_per_frame(log_probs)


@torch.no_grad()
def _rows(model: TiedModel, songs: Sequence[PianoRoll], check: Check) -> Rows:
    generator = torch.Generator().manual_seed(0)
    output, parts = model.output, []
    for number, song in enumerate(songs):
        for span in teacher_forced(model, [song]):
            check()
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
            parts.append([*rows, torch.full((len(rows[0]),), number, device=logit.device)])
    return Rows(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _epochs(experts: CopyExperts, rows: Rows, seed: int, check: Check) -> Iterator[CopyExperts]:
    """Train the experts for at most EPOCHS, and yield the running average of their weights after each epoch."""
    optimizer = torch.optim.Adam(experts.parameters(), lr=RATE)
    average = AveragedModel(experts, multi_avg_fn=get_ema_multi_avg_fn(DECAY))
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(EPOCHS):
        order = torch.randperm(len(rows.logit), generator=generator)
        with seeded(seed + epoch, rows.logit.device):  # for dropout, which takes no generator
            experts.train()
            for batch in order.split(BATCH):
                check()
                optimizer.zero_grad()
                (_nll(experts, rows.select(batch)) / len(batch)).backward()
                nn.utils.clip_grad_norm_(experts.parameters(), 1.0)
                optimizer.step()
                average.update_parameters(experts)
        averaged = average.module.eval()
        assert isinstance(averaged, CopyExperts)
        yield averaged


def _nll(experts: CopyExperts, rows: Rows) -> Tensor:
    logit = rows.logit + experts(rows.evidence.float(), rows.hidden.float())
    return nn.functional.binary_cross_entropy_with_logits(logit, rows.sounds, rows.weight, reduction="sum")


@torch.no_grad()
def _loss(experts: CopyExperts, rows: Rows) -> float:
    parts = [_nll(experts, rows.select(part)) for part in torch.arange(len(rows.logit)).split(2**16)]
    return float(sum(parts))
