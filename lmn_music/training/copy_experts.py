"""Fits the copy experts of a trained model: to the songs it has learned from first, then to songs it has not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
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

AT_HAND = 1_000_000  # frames of the training songs at hand, in whole songs: 2 kB each
READ = 80_000  # frames of the training songs that the experts are fitted to, in whole songs: up to 30 kB each
GROUPS = 8  # of these songs; while one is read, the others are at hand
FIRST_RATES = (2e-3, 1.6e-3, 1.2e-3, 8e-4, 4e-4, 1e-4)  # of each epoch on the training songs; more learn little more
FOLDS = 3  # of the validation songs
EPOCHS = 30  # on the validation songs at most
PATIENCE = 4  # epochs without a better likelihood of the songs held out
BATCH = 4096  # rows
RATE = 2e-3  # on the validation songs
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
        """Return some of the rows, by their numbers."""
        numbers = rows.to(self.logit.device)
        return Rows(*(column.index_select(0, numbers) for column in self))


def with_experts(material: Material) -> Made:
    """Give a trained model copy experts, and fit them to training songs and then to the validation songs.

    The experts of the song alone are one set of weights, those of the song and the training songs another.

    Args:
        material: what the model is made from. With fewer than FOLDS validation songs the experts change nothing. A
            single training song teaches them nothing: nothing else is at hand while it is read.

    Returns:
        The model, and its cross-validated likelihood without the training songs.
    """
    model, valid, seed, check = extended(material), material.valid, material.seed, material.check
    if len(valid) < FOLDS:
        few = counted(len(valid), "validation song")
        return Made(model, unchanged=True, note=f"no copy experts: they need {FOLDS} validation songs, not {few}")
    at_hand = some_songs(material.songs, AT_HAND, material.generator())
    read = some_songs(at_hand, READ, material.generator())
    start_experts(model.output.experts, others_at_hand(model, read, at_hand), seed, check)
    alone = fit_experts(model, valid, seed, check)
    together = fit_experts(_with_songs(model, at_hand), valid, seed, check)
    note = f"copy experts, with the training songs at hand {together:.3f} in cross-validation"
    return Made(model, valid_nll=alone, figures={"valid_nll_songs_at_hand": together}, note=note)


def _with_songs(model: TiedModel, songs: Sequence[PianoRoll]) -> TiedModel:
    reader = model.with_songs(songs)
    assert reader is not None
    return reader


def others_at_hand(
    model: TiedModel, read: Sequence[PianoRoll], at_hand: Sequence[PianoRoll]
) -> Iterator[tuple[TiedModel, Sequence[PianoRoll]]]:
    """Yield songs in groups, each with a model that has all songs at hand but those of the group.

    Another song with the same frames stays at hand, as it would for a song that is new.

    Args:
        model: a model with copy experts.
        read: songs to read, among those at hand.
        at_hand: the songs at hand.
    """
    for number in range(GROUPS):
        group = read[number::GROUPS]
        own = {id(song) for song in group}
        others = [song for song in at_hand if id(song) not in own]
        if group and others:
            yield _with_songs(model, others), group


def start_experts(
    sets: Iterable[nn.Module], read: Iterable[tuple[TiedModel, Sequence[PianoRoll]]], seed: int, check: Check = go_on
) -> None:
    """Fit copy experts to the songs that the other weights of their model have learned from.

    There they learn what can be copied, from many songs. How far the model is to be trusted beside them they learn
    from `fit_experts`: of these songs it knows too much.

    Args:
        sets: the experts of a trained model that are fitted, each by itself.
        read: parts of the songs, each with the model that reads them, which has none of them at hand.
        seed: the seed of all random numbers.
        check: called every second or so; see `Material`.
    """
    columns = list(zip(*(_rows(reader, songs, check) for reader, songs in read), strict=True))
    if columns:
        rows = Rows(*(torch.cat(columns.pop(0)) for _ in Rows._fields))  # one after the other: they are large
        for experts in sets:
            assert isinstance(experts, CopyExperts)
            # What followed places of the song itself comes first; the experts of the song alone read no more.
            own = rows._replace(evidence=rows.evidence[:, : experts.evidence_size])
            *_, last = _epochs(experts, own, FIRST_RATES, seed, check)
            experts.load_state_dict(last.state_dict())


def fit_experts(model: TiedModel, songs: Sequence[PianoRoll], seed: int, check: Check = go_on) -> float:
    """Fit the copy experts that a model uses, those of the song alone or those of songs at hand too.

    It starts from their present weights; all other weights stay as they are. They fit the training songs better than
    any other song, so on these the experts look less useful than they are: here they are fitted to songs that no weight
    has learned from. The number of epochs is the best one in a cross-validation over songs, which also gives the
    likelihood that is returned.

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
    start = deepcopy(experts.state_dict())
    rows = _rows(model, songs, check)
    best = _cross_validated(experts, rows, seed, check)
    log_probs = []
    for number in range(FOLDS):
        experts.load_state_dict(best.fitted[number])
        log_probs += frame_log_probs(model, songs[number::FOLDS], progress=check)
    experts.load_state_dict(start)
    *_, last = experts, *_epochs(experts, rows, [RATE] * best.epochs, seed, check)
    experts.load_state_dict(last.state_dict())
    return nll_per_frame(log_probs)


class _Validation(NamedTuple):
    """What a cross-validation has found: the likelihood of the songs held out, in how many epochs, and the weights."""

    nll: float
    epochs: int
    fitted: list[dict[str, Tensor]]


def _cross_validated(experts: CopyExperts, rows: Rows, seed: int, check: Check) -> _Validation:
    fold = rows.song % FOLDS
    held_out = [rows.select((fold == number).nonzero().squeeze(1)) for number in range(FOLDS)]
    read = [rows.select((fold != number).nonzero().squeeze(1)) for number in range(FOLDS)]
    trainings = [_epochs(deepcopy(experts), each, [RATE] * EPOCHS, seed, check) for each in read]
    nll = sum(_loss(experts, each) for each in held_out)
    best = _Validation(nll, 0, [deepcopy(experts.state_dict())] * FOLDS)
    for epoch, each in enumerate(zip(*trainings, strict=True), start=1):
        nll = sum(_loss(*pair) for pair in zip(each, held_out, strict=True))
        if nll < best.nll:
            best = _Validation(nll, epoch, [deepcopy(averaged.state_dict()) for averaged in each])
        elif epoch - best.epochs == PATIENCE:
            break
    return best


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
            places = taken.flatten().nonzero().squeeze(1)
            rows = [column.flatten(0, taken.dim() - 1).index_select(0, places) for column in columns]
            parts.append([*rows, torch.full((len(rows[0]),), number, device=logit.device)])
    return Rows(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _epochs(experts: CopyExperts, rows: Rows, rates: Sequence[float], seed: int, check: Check) -> Iterator[CopyExperts]:
    """Train the experts for an epoch at each rate, and yield the running average of their weights after each."""
    optimizer = torch.optim.Adam(experts.parameters(), fused=True)  # the weights are few, and steps many
    average = AveragedModel(experts, multi_avg_fn=get_ema_multi_avg_fn(DECAY))
    generator = torch.Generator().manual_seed(seed)
    for epoch, rate in enumerate(rates):
        optimizer.param_groups[0]["lr"] = rate
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
