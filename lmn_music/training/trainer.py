"""One training loop, for every model and every stage."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lmn_music.corpora.batches import batch_plan, randomly_transposed
from lmn_music.errors import TrainingError
from lmn_music.evaluation.likelihood import shared_nll
from lmn_music.models.interface import SequenceModel
from lmn_music.models.shapes import check_weights
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.processes import ALONE, Processes
from lmn_music.training.config import TrainingConfig
from lmn_music.training.progress import StageProgress, progress_of
from lmn_music.training.reporter import Reporter, Silent
from lmn_music.training.sharing import Loss, seeded, share_of
from lmn_music.training.stopping import Check, StoppedError, checking
from lmn_music.training.weights import learning_weights, restore

SAVE_EVERY = 300  # seconds; an epoch of a large corpus may take hours


class Trainer:
    """Trains one model in one stage; may stop after any batch, and resumes as if it had not stopped.

    Every batch seeds its own randomness from (seed, stage, epoch, batch), so nothing but the weights, the optimiser and
    `progress` is needed to resume.

    Args:
        model: what is trained, on the device where it is trained.
        train: the songs to train on.
        valid: the songs to validate on.
        config: how it is trained.
        stage: the stage's name.
        seed: the seed of all random numbers.
        reporter: what shows the training; nothing if not given.
        processes: who shares each batch and the validation; all train the same model.

    Raises:
        TrainingError: see `check_splits`.

    Attributes:
        ema: the running average of the weights, None if the config asks for none.
        best: the weights of the best validation likelihood so far.
        progress: how far the training has come.
    """

    def __init__(
        self,
        model: SequenceModel,
        train: Sequence[PianoRoll],
        valid: Sequence[PianoRoll],
        config: TrainingConfig,
        *,
        stage: str,
        seed: int,
        reporter: Reporter | None = None,
        processes: Processes = ALONE,
    ) -> None:
        check_splits(train, valid)
        self.model, self.train, self.valid, self.config = model, train, valid, config
        self.stage, self.seed, self.reporter, self.processes = stage, seed, reporter or Silent(), processes
        self.device = next(model.parameters()).device
        if not config.memory_rate:  # frozen for good: `constrain` leaves it as it is, too
            for weight in model.memory_weights():
                weight.requires_grad_(False)
        groups = learning_weights(model, config)
        self._rates = [group["lr"] for group in groups]
        self.optimizer = torch.optim.Adam(groups, lr=config.learning_rate, weight_decay=config.weight_decay)
        average = get_ema_multi_avg_fn(config.ema_decay)
        self.ema = AveragedModel(model, multi_avg_fn=average) if config.ema_decay else None
        self.best = deepcopy(model.state_dict())
        self.progress = StageProgress(learning_rate=config.learning_rate)

    def run(self, *, save: Callable[[], None] = lambda: None, stop: Callable[[], bool] = lambda: False) -> bool:
        """Train until the stage is over.

        Args:
            save: called before the first epoch, after each epoch, every SAVE_EVERY seconds of an epoch, and when
                `stop` has asked to leave.
            stop: asked after each batch, and every second or so of a validation; True: leave.

        Returns:
            Whether the stage is over.

        Raises:
            TrainingError: the loss is not finite.
            StoppedError: `stop` has asked to leave before anything was trained or saved.
        """
        check = checking(stop, self.processes)
        if math.isinf(self.progress.best_valid):  # nothing is kept that is worse than the start
            self.progress.best_valid = shared_nll(self.model, self.valid, self.processes, progress=check)
            save()
        while not self.finished:
            p, clock = self.progress, time.monotonic()
            plan = batch_plan(self.train, self.config.batch_songs, self._generator(p.epoch))
            while p.batch < len(plan):
                if self.config.anneal:
                    self._anneal((p.epoch + p.batch / len(plan)) / self.config.epochs)
                self._train_batch(plan[p.batch])
                p.batch += 1
                self.reporter.batch(self.stage, p, len(plan), self.config.epochs)
                leaving = self.processes.any(stop())
                if leaving or time.monotonic() - clock > SAVE_EVERY:
                    p.seconds, clock = p.seconds + time.monotonic() - clock, time.monotonic()
                    save()
                if leaving:
                    return False
            try:
                self._end_epoch(clock, check)
            except StoppedError:  # all batches are done, and the validation is done again
                p.seconds += time.monotonic() - clock
                save()
                return False
            save()
        return True

    @property
    def finished(self) -> bool:
        """Whether the stage is over: all epochs done, or too long without a better validation likelihood."""
        p = self.progress
        return p.epoch >= self.config.epochs or p.epoch - p.best_epoch >= self.config.stop

    def _train_batch(self, numbers: list[int]) -> None:
        p, config = self.progress, self.config
        generator = self._generator(p.epoch, p.batch + 1)
        songs = [randomly_transposed(self.train[number], config.transpose, generator) for number in numbers]
        batch, lengths = share_of(songs, self.processes, self.device), np.array([len(song) for song in songs])
        self.model.train()
        with seeded(generator.initial_seed() + self.processes.rank, self.device):
            # Of the same numbers as dropout, which takes no generator: other ones would change what a seed trains.
            state = self.model.training_state(batch.frames, torch.default_generator)
            for start, (frames, mask) in enumerate(batch.chunks(config.chunk)):
                nll, state = self._loss(frames, mask, state.select(slice(frames.shape[1])))
                count = int((lengths - start * config.chunk).clip(0, config.chunk).sum())  # of all processes
                value = float(self.processes.total(np.array([float(nll.detach())]))[0])
                self._check_finite(value)
                self.optimizer.zero_grad()
                (nll / (count / self.processes.size)).backward()  # of which the mean over all processes is taken
                self._check_finite(float(nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)))
                self.optimizer.step()
                try:
                    self.model.constrain()
                except RuntimeError:  # no singular values: a weight is not finite
                    self._check_finite(math.nan)
                if self.ema is not None:
                    self.ema.update_parameters(self.model)
                p.nll_sum += value
                p.frames += count

    @cached_property
    def _loss(self) -> nn.Module:
        return self.processes.parallel(Loss(self.model))

    def _end_epoch(self, clock: float, check: Check) -> None:
        p, config = self.progress, self.config
        candidate = self.model if self.ema is None else cast(SequenceModel, self.ema.module)
        valid = shared_nll(candidate, self.valid, self.processes, progress=check)
        self._check_finite(valid)
        p.epoch += 1
        if valid < p.best_valid:
            p.best_valid, p.best_epoch, p.bad_epochs = valid, p.epoch, 0
            self.best = deepcopy(candidate.state_dict())
        else:
            p.bad_epochs += 1
        metrics = {"stage": self.stage, "epoch": p.epoch, "train_nll": p.nll_sum / p.frames, "valid_nll": valid}
        metrics |= {"best": p.best_epoch == p.epoch, "learning_rate": p.learning_rate}
        if p.bad_epochs >= config.patience and not config.anneal:
            p.learning_rate, p.bad_epochs = p.learning_rate * config.decay, 0
            for group in self.optimizer.param_groups:
                group["lr"] *= config.decay
        p.seconds += time.monotonic() - clock
        p.batch, p.nll_sum, p.frames = 0, 0.0, 0
        self.reporter.epoch(metrics | {"seconds": round(p.seconds, 3)})

    def _anneal(self, done: float) -> None:
        """Set the learning rates for when this share of the stage is done."""
        self.progress.learning_rate = self.config.learning_rate * (1 + math.cos(math.pi * done)) / 2
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * self.progress.learning_rate / self.config.learning_rate

    def _check_finite(self, value: float) -> None:
        if not math.isfinite(value):
            p = self.progress
            raise TrainingError(
                f"the loss is not finite in epoch {p.epoch + 1} of stage {self.stage}; the best model so far, of epoch "
                f"{p.best_epoch}, is kept; try a smaller learning rate (now {p.learning_rate:g})"
            )

    def _generator(self, epoch: int, batch: int = 0) -> torch.Generator:
        stage = int.from_bytes(self.stage.encode()[:4], "big")
        seed = np.random.SeedSequence([self.seed, stage, epoch, batch]).generate_state(1, np.uint64)[0]
        return torch.Generator().manual_seed(int(seed >> np.uint64(1)))

    def state_dict(self) -> dict[str, Any]:
        """Return all that resuming needs: tensors, numbers and text only."""
        return {
            "model": self.model.state_dict(),
            "average": None if self.ema is None else self.ema.state_dict(),  # not "ema": older folders say so
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "progress": asdict(self.progress),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Return to where `state_dict` was taken.

        Args:
            state: what was read, with values of any type.

        Raises:
            ValueError: it is the state of another training, or damaged; a KeyError or TypeError, too.
        """
        weights = self.model.state_dict()
        check_weights(state["model"], weights)
        check_weights(state["best"], weights)
        if self.ema is not None:
            check_weights(state["average"], self.ema.state_dict())
            self.ema.load_state_dict(state["average"])
        restore(self.optimizer, state["optimizer"])
        self.model.load_state_dict(state["model"])
        self.best, self.progress = state["best"], progress_of(state["progress"])


def check_splits(train: Sequence[PianoRoll], valid: Sequence[PianoRoll]) -> None:
    """Check that there is something to train on.

    Args:
        train: the songs to train on.
        valid: the songs to validate on.

    Raises:
        TrainingError: there is no song in one of them.
    """
    if not train or not valid:
        raise TrainingError("training needs at least one song to train on and one to validate on; add songs")
