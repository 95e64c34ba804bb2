"""A training run from beginning to end, in a folder from which it can resume after any interruption."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from lmn_music.corpora.corpus import Corpus
from lmn_music.errors import CheckpointError, UsageError, WritingError
from lmn_music.evaluation.likelihood import shared_nll
from lmn_music.files import clean
from lmn_music.models.build import build
from lmn_music.models.config import fault_of
from lmn_music.models.memory_model import MemoryModel
from lmn_music.models.shapes import check_shapes, shapes_of
from lmn_music.processes import ALONE, Processes
from lmn_music.training.family import Material, Stage, ahead
from lmn_music.training.folder import Recorder, RunConfig, locked, make_folder, read_config, save_models
from lmn_music.training.reporter import Reporter, Silent
from lmn_music.training.stages import check_recipe, stages_of
from lmn_music.training.state import load_state, save_state
from lmn_music.training.stopping import Check, StoppedError, checking
from lmn_music.training.trainer import Trainer, check_splits


@dataclass
class Run:
    """A run folder at work: `Run.start` makes one, `Run.resume` opens one again, `run()` does the work.

    Attributes:
        folder: where everything is written.
        config: what was asked for.
        corpus: what the model is trained on.
        device: where it is trained.
        reporter: what shows the training.
        processes: who shares the work; the first one writes the files.
    """

    folder: Path
    config: RunConfig
    corpus: Corpus
    device: torch.device
    reporter: Reporter
    processes: Processes = ALONE

    @classmethod
    def start(
        cls,
        folder: Path,
        config: RunConfig,
        corpus: Corpus,
        *,
        device: str = "cpu",
        reporter: Reporter | None = None,
        processes: Processes = ALONE,
    ) -> Run:
        """Make a new run folder.

        Args:
            folder: a path where nothing is yet, or an empty folder.
            config: what is asked for.
            corpus: what to train on.
            device: where to train.
            reporter: what shows the training; nothing if not given.
            processes: who shares the work.

        Returns:
            The run, of which nothing is trained yet.

        Raises:
            UsageError: there is something in the folder already, it cannot be made, or no training can follow the
                recipe.
        """
        check_recipe(config.recipe)
        if processes.first:
            make_folder(folder, config, corpus.rejected + corpus.in_part)
        return cls(folder, config, corpus, torch.device(device), reporter or Silent(), processes)

    @classmethod
    def resume(
        cls,
        folder: Path,
        corpus: Corpus,
        *,
        device: str = "cpu",
        reporter: Reporter | None = None,
        processes: Processes = ALONE,
    ) -> Run:
        """Open a run folder again.

        Args:
            folder: the run folder.
            corpus: what it was trained on.
            device: where to train; it may be another one than before.
            reporter: what shows the training; nothing if not given.
            processes: who shares the work.

        Returns:
            The run, which resumes where it was saved.

        Raises:
            UsageError: the corpus is another one than before.
            CheckpointError: see `read_config`; or no training can follow the recipe.
        """
        config = read_config(folder)
        try:
            check_recipe(config.recipe)
        except UsageError as error:
            raise CheckpointError(f"{folder}/config.toml is damaged: {error}") from error
        if corpus.sha256 != config.corpus.sha256:
            raise UsageError(
                f"{folder} was trained on {config.corpus.provenance}; {corpus.name} is another now: start afresh"
            )
        return cls(folder, config, corpus, torch.device(device), reporter or Silent(), processes)

    def run(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Train until the end, or until it is asked to stop.

        Args:
            stop: asked after each batch, and every second or so between stages; True: save everything and return.

        Returns:
            Whether the training is over; if not, everything is saved.

        Raises:
            LmnMusicError: another process is at work in the folder.
            WritingError: something cannot be saved; what was saved before is kept.
            TrainingError: the corpus does not fit, or the loss is not finite.
            CheckpointError: what was saved is damaged, or does not belong to config.toml.
        """
        try:
            with self.processes.noticing_losses():
                if not self.processes.first:
                    return self._run(stop)
                with locked(self.folder):
                    clean(self.folder)
                    return self._run(stop)
        except StoppedError:  # between two stages: what the one before has learned is saved
            return False
        except WritingError as error:
            raise WritingError(error.fault, f"mend this, then `resume` {self.folder}") from error

    def _run(self, stop: Callable[[], bool]) -> bool:
        check_splits(self.corpus.train, self.corpus.valid)  # here too: the first model may be made from the songs
        stages, state = (
            stages_of(self.config.recipe),
            self.processes.in_turn(lambda: load_state(self.folder, repair=self.processes.first)),
        )
        if state is not None:
            names = [stage.name for stage in stages]
            if state.stage not in names:
                raise self._foreign_state("its stage is none of the recipe's")
            stages = stages[names.index(state.stage) :]
        else:
            self.reporter.note(ahead(stages))
        self.reporter.begin(stages)
        check = checking(stop, self.processes)
        trainer = self._first(stages[0], check) if state is None else self._resumed(stages[0], state.trainer)
        for stage in stages[1:]:
            if not trainer.run(save=partial(self._save, trainer), stop=stop):
                return False
            trainer = self._next(trainer, stage, check)
        return trainer.run(save=partial(self._save, trainer), stop=stop)

    # --- from stage to stage

    def _first(self, stage: Stage, check: Check) -> Trainer:
        """Return the trainer of the first stage."""
        began = time.monotonic()
        trainer = self._trainer(stage, stage.make_model(self._material(stage, check)).model)
        trainer.progress.seconds = time.monotonic() - began  # an autoencoder may have been fitted
        return trainer

    def _resumed(self, stage: Stage, state: dict[str, Any]) -> Trainer:
        """Return the trainer of the stage that was under way."""
        try:
            found = {name: tuple(weight.shape) for name, weight in state["model"].items()}
            check_shapes(found, shapes_of(stage.config))  # before a model of any size is made
            trainer = self._trainer(stage, build(stage.config, torch.Generator()))
            trainer.load_state_dict(state)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            fault = fault_of(error) if isinstance(error, ValidationError) else str(error)
            raise self._foreign_state(fault) from error
        return trainer

    def _next(self, trainer: Trainer, stage: Stage, check: Check) -> Trainer:
        """Return the trainer of the stage that follows a finished one, whose best model is handed over."""
        began, p = time.monotonic(), trainer.progress
        trainer.model.load_state_dict(trainer.best)
        assert isinstance(trainer.model, MemoryModel)
        made = stage.make_model(self._material(stage, check, trainer.model))
        valid = p.best_valid
        if not made.unchanged:
            measured = partial(shared_nll, made.model, self.corpus.valid, self.processes, progress=check)
            valid = measured() if made.valid_nll is None else made.valid_nll
            line = {"stage": "hand-over", **made.figures, "valid_nll_before": p.best_valid, "valid_nll_after": valid}
            self._recorder().line(line)
            note = f"hand-over: {made.note}; " if made.note else "hand-over: "
            self.reporter.note(f"{note}validation {p.best_valid:.3f} before, {valid:.3f} after")
        elif made.note:
            self.reporter.note(made.note)
        following = self._trainer(stage, made.model)
        following.progress.best_valid = valid
        following.progress.seconds = p.seconds + time.monotonic() - began
        self._save(following)
        return following

    def _material(self, stage: Stage, check: Check, before: MemoryModel | None = None) -> Material:
        songs, config = self.corpus, self.config
        return Material(
            stage.config, config.recipe, songs.train, songs.valid, config.seed, before, check, self.processes
        )

    def _trainer(self, stage: Stage, model: MemoryModel) -> Trainer:
        return Trainer(
            model.to(self.device),
            self.corpus.train,
            self.corpus.valid,
            stage.training,
            stage=stage.name,
            seed=self.config.seed,
            reporter=self._recorder(),
            processes=self.processes,
        )

    def _recorder(self) -> Recorder:
        return Recorder(self.folder if self.processes.first else None, self.reporter)

    def _foreign_state(self, fault: str) -> CheckpointError:
        return CheckpointError(
            f"{self.folder}/state.pt is damaged or does not belong to its config.toml ({fault}): start afresh"
        )

    def _save(self, trainer: Trainer) -> None:
        if self.processes.first:
            save_models(self.folder, self.config, trainer)
            save_state(self.folder, trainer.stage, trainer.state_dict())
