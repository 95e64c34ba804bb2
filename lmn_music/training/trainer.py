"""One training loop, for every model and every stage."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lmn_music.corpora.batches import batch_plan, collate, randomly_transposed
from lmn_music.errors import TrainingError
from lmn_music.evaluation.likelihood import frame_log_probs, nll_per_frame
from lmn_music.models.interface import SequenceModel
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.training.config import TrainingConfig

# Those of the memory, and the unrolled model's feedback: each hidden unit adds up hundreds of its numbers, and steps of
# the usual size drive it into the flat ends of tanh.
MEMORY_WEIGHTS = ("W_hm", "W_mm", "b_m", "initial_memory", "W_hh")


@dataclass
class Progress:
    """Where a stage stands, in numbers that JSON can hold. Likelihoods in nats per frame.

    epoch: finished epochs. batch: finished batches of the epoch under way, and their sums. best_valid, best_epoch: the
    best validation likelihood so far. bad_epochs: epochs without a better one since then, or since the learning rate
    last fell.
    """

    epoch: int = 0
    batch: int = 0
    nll_sum: float = 0.0
    frames: int = 0
    best_valid: float = math.inf
    best_epoch: int = 0
    bad_epochs: int = 0
    learning_rate: float = 0.0
    seconds: float = 0.0


class Reporter(Protocol):
    """What watches a training: the command line's display, or nothing."""

    def batch(self, stage: str, progress: Progress, batches: int, epochs: int) -> None:
        """A batch is done; `batches` in this epoch, at most `epochs` in the stage."""

    def epoch(self, metrics: dict[str, Any]) -> None:
        """An epoch is done, with these figures."""

    def note(self, text: str) -> None:
        """Something worth a line happened."""


class Silent:
    """A reporter that says nothing."""

    def batch(self, stage: str, progress: Progress, batches: int, epochs: int) -> None:
        """Say nothing."""

    def epoch(self, metrics: dict[str, Any]) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


def require_songs(train: Sequence[PianoRoll], valid: Sequence[PianoRoll]) -> None:
    """Raise TrainingError if there is nothing to train on or nothing to validate on."""
    if not train or not valid:
        raise TrainingError("training needs at least one song to train on and one to validate on; add songs")


def _is_memory(name: str) -> bool:
    """Whether a parameter of this name is one of the memory's own."""
    return name.rpartition(".")[2] in MEMORY_WEIGHTS


class Trainer:
    """Trains one model in one stage, and can stop after any batch and go on as if it had not.

    Every batch seeds its own randomness from (seed, stage, epoch, batch), so nothing but the weights, the optimiser and
    `progress` is needed to resume.
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
    ) -> None:
        self.model, self.train, self.valid, self.config = model, train, valid, config
        self.stage, self.seed, self.reporter = stage, seed, reporter or Silent()
        self.device = next(model.parameters()).device
        if not config.memory_rate:
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(parameter.requires_grad and not _is_memory(name))
        self.optimizer = torch.optim.Adam(self._groups(), lr=config.learning_rate, weight_decay=config.weight_decay)
        self.average = (
            AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay)) if config.ema_decay else None
        )
        self.best = deepcopy(model.state_dict())
        self.progress = Progress(learning_rate=config.learning_rate)

    def _groups(self) -> list[dict[str, Any]]:
        """Return the weights to train, those of the memory with a learning rate of their own."""
        groups: dict[float, list[nn.Parameter]] = {}
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                rate = self.config.learning_rate * (self.config.memory_rate if _is_memory(name) else 1.0)
                groups.setdefault(rate, []).append(parameter)
        return [{"params": parameters, "lr": rate} for rate, parameters in groups.items()]

    @property
    def finished(self) -> bool:
        """Whether the stage is over: all epochs done, or too long without a better validation likelihood."""
        p = self.progress
        return p.epoch >= self.config.epochs or p.epoch - p.best_epoch >= self.config.stop

    def run(self, *, save: Callable[[], None] = lambda: None, stop: Callable[[], bool] = lambda: False) -> bool:
        """Train until the stage is over, calling `save` after each epoch; True if it is, False if `stop()` asked to
        leave.

        Afterwards `best` holds the weights of the best validation likelihood. TrainingError if the loss is not finite.
        """
        require_songs(self.train, self.valid)
        if math.isinf(self.progress.best_valid):  # nothing is kept that is worse than the start
            self.progress.best_valid = nll_per_frame(frame_log_probs(self.model, self.valid))
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
                if stop():
                    p.seconds += time.monotonic() - clock
                    save()
                    return False
            self._end_epoch(clock)
            save()
        return True

    def _anneal(self, done: float) -> None:
        """Set the learning rates for when this share of the stage is done."""
        p = self.progress
        p.learning_rate = self.config.learning_rate * (1 + math.cos(math.pi * done)) / 2
        for group, rate in zip(self.optimizer.param_groups, self._groups(), strict=True):
            group["lr"] = rate["lr"] * p.learning_rate / self.config.learning_rate

    def _train_batch(self, songs: list[int]) -> None:
        p, config = self.progress, self.config
        generator = self._generator(p.epoch, p.batch + 1)
        rolls = [randomly_transposed(self.train[song], config.transpose, generator) for song in songs]
        batch = collate(rolls, range(len(rolls)), self.device)
        self.model.train()
        with torch.random.fork_rng():
            torch.manual_seed(generator.initial_seed())  # dropout
            state = self.model.training_state(batch.frames, generator)
            for frames, mask in batch.chunks(config.chunk):
                log_prob, state = self.model(frames, state.select(slice(frames.shape[1])))
                state = state.detached()
                nll = -(log_prob * mask).sum()
                count = int(mask.sum())
                value = float(nll.detach())
                self._check_finite(value)
                self.optimizer.zero_grad()
                (nll / count).backward()
                self._check_finite(float(nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)))
                self.optimizer.step()
                try:
                    self.model.constrain()
                except RuntimeError:  # no singular values: a weight is not finite
                    self._check_finite(math.nan)
                if self.average is not None:
                    self.average.update_parameters(self.model)
                p.nll_sum += value
                p.frames += count

    def _end_epoch(self, clock: float) -> None:
        p, config = self.progress, self.config
        candidate = self.model if self.average is None else cast(SequenceModel, self.average.module)
        valid = nll_per_frame(frame_log_probs(candidate, self.valid))
        self._check_finite(valid)
        p.epoch += 1
        if valid < p.best_valid:
            p.best_valid, p.best_epoch, p.bad_epochs = valid, p.epoch, 0
            self.best = deepcopy(candidate.state_dict())
        else:
            p.bad_epochs += 1
        learning_rate = p.learning_rate
        if p.bad_epochs >= config.patience and not config.anneal:
            p.learning_rate, p.bad_epochs = p.learning_rate * config.decay, 0
            for group in self.optimizer.param_groups:
                group["lr"] *= config.decay
        p.seconds += time.monotonic() - clock
        metrics = {
            "stage": self.stage,
            "epoch": p.epoch,
            "train_nll": p.nll_sum / p.frames,
            "valid_nll": valid,
            "best": p.best_epoch == p.epoch,
            "learning_rate": learning_rate,
            "seconds": round(p.seconds, 3),
        }
        p.batch, p.nll_sum, p.frames = 0, 0.0, 0
        self.reporter.epoch(metrics)

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
            "average": None if self.average is None else self.average.state_dict(),
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "progress": asdict(self.progress),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where `state_dict` was taken."""
        self.model.load_state_dict(state["model"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.best = state["best"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
