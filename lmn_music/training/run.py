"""A training run from beginning to end, in a folder from which it can go on after any interruption.

config.toml         what was asked for: recipe, corpus, seed, command
metrics.jsonl       one line of figures per epoch, and one per hand-over
best.safetensors    the model with the best validation likelihood so far; evaluation and generation need only this
last.safetensors    the model as it is now
state.pt            what resuming needs
.lock               while a process is at work
"""

from __future__ import annotations

import json
import pickle
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import tomli_w
import torch
from pydantic import ValidationError

from lmn_music.corpora.corpus import Corpus
from lmn_music.errors import CheckpointError, TrainingError, UsageError
from lmn_music.evaluation.likelihood import frame_log_probs, nll_per_frame
from lmn_music.files import alone, is_leftover, replacing
from lmn_music.models.build import build
from lmn_music.models.checkpoint import CorpusInfo, Header, save_checkpoint
from lmn_music.models.config import Settings
from lmn_music.models.dense import DenseModel
from lmn_music.models.memory_model import MemoryModel
from lmn_music.models.migrate import FORMAT, migrate
from lmn_music.training.config import Recipe, TrainingConfig
from lmn_music.training.pretraining import (
    fit_memory,
    hand_over,
    key_chances,
    some_songs,
    start_from_inputs,
    with_next_scale,
)
from lmn_music.training.trainer import Reporter, Silent, Trainer, require_songs

UNROLLED = "unrolled"


class RunConfig(Settings):
    """What config.toml holds: what was asked for.

    Attributes:
        format_version: of the file, as of a checkpoint; a file that does not state it is of format 1.
        command: the command line that asked for it.
        seed: of all random numbers.
        corpus: what the model is trained on.
        recipe: all else that the training depends on.
    """

    format_version: int = FORMAT
    command: str
    seed: int
    corpus: CorpusInfo
    recipe: Recipe


def corpus_info(corpus: Corpus, source: str, *, to_c: bool = False) -> CorpusInfo:
    """Return what a checkpoint says of the corpus that it was trained on; `source` and `to_c` load it again."""
    return CorpusInfo(
        name=corpus.name,
        source=source,
        to_c=to_c,
        sha256=corpus.sha256,
        provenance=corpus.provenance,
        comparable=corpus.comparable,
        frames_per_quarter=corpus.frames_per_quarter,
    )


def read_config(folder: Path) -> RunConfig:
    """Return what a run folder was asked to do, brought up to date if the folder is of an older format.

    Raises:
        CheckpointError: the folder is no run folder, or is damaged or of a newer format.
    """
    try:
        return RunConfig.model_validate(migrate(tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))))
    except CheckpointError as error:
        raise CheckpointError(f"{folder}/config.toml {error}") from error
    except OSError as error:
        raise CheckpointError(f"{folder} is not a run folder: it has no config.toml that can be read") from error
    except (ValidationError, ValueError) as error:  # not TOML, not UTF-8, not a configuration
        raise CheckpointError(f"{folder}/config.toml is damaged: {str(error).splitlines()[0]}") from error


@dataclass
class Run:
    """A run folder at work: `Run.start` makes one, `Run.resume` goes on with one, `run()` does the work."""

    folder: Path
    config: RunConfig
    corpus: Corpus
    device: torch.device
    reporter: Reporter

    @classmethod
    def start(
        cls, folder: Path, config: RunConfig, corpus: Corpus, *, device: str = "cpu", reporter: Reporter | None = None
    ) -> Run:
        """Make a new run folder; UsageError if there is something in it already."""
        if folder.exists() and not (folder.is_dir() and all(map(is_leftover, folder.iterdir()))):
            raise UsageError(f"{folder} exists and is not empty: choose another --out, or --resume {folder}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} cannot be made ({error.strerror}): choose another --out") from error
        with replacing(folder / "config.toml") as temporary:
            temporary.write_text(tomli_w.dumps(config.model_dump()), encoding="utf-8")
        return cls(folder, config, corpus, torch.device(device), reporter or Silent())

    @classmethod
    def resume(cls, folder: Path, corpus: Corpus, *, device: str = "cpu", reporter: Reporter | None = None) -> Run:
        """Go on with a run folder; UsageError if `corpus` is not what it was trained on."""
        config = read_config(folder)
        if corpus.sha256 != config.corpus.sha256:
            raise UsageError(
                f"{folder} was trained on {config.corpus.provenance}; {corpus.name} is another now: start afresh"
            )
        return cls(folder, config, corpus, torch.device(device), reporter or Silent())

    def run(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Train until the end: True; or until `stop()` says so, with everything saved: False.

        LmnMusicError if another process is at work in the folder.
        """
        with alone(self.folder / ".lock", f"another training is at work in {self.folder}"):
            return self._run(stop)

    def _run(self, stop: Callable[[], bool]) -> bool:
        self._check_songs()
        began = time.monotonic()
        state, stages = self._load_state(), self._stages()
        if state is not None and state["stage"] not in stages:
            raise self._foreign_state()
        first = stages.index(state["stage"]) if state else 0
        trainer = self._trainer(self._drawn(stages[first], fitted=state is None), stages[first], state)
        if state is None:
            trainer.progress.seconds = time.monotonic() - began  # an autoencoder may have been fitted
        for stage in stages[first + 1 :]:
            if not trainer.run(save=partial(self._save, trainer), stop=stop):
                return False
            began, seconds = time.monotonic(), trainer.progress.seconds
            model, valid = self._hand_over(trainer)
            trainer = self._trainer(model, stage, None)
            trainer.progress.best_valid = valid
            trainer.progress.seconds = seconds + time.monotonic() - began
            self._save(trainer)
        return trainer.run(save=partial(self._save, trainer), stop=stop)

    def _check_songs(self) -> None:
        """Raise TrainingError for a corpus that the recipe cannot be trained on."""
        require_songs(self.corpus.train, self.corpus.valid)
        scales, longest = self.config.recipe.model.scales, max(map(len, self.corpus.train))
        if scales > 1 and longest <= 2 ** (scales - 1):
            raise TrainingError(
                f"the slowest memory of model.scales={scales} hears a frame in {2 ** (scales - 1)}, and the longest "
                f"song to train on has {longest}: choose fewer scales"
            )

    def _foreign_state(self) -> CheckpointError:
        return CheckpointError(f"{self.folder}/state.pt does not belong to its config.toml: start afresh")

    def _stages(self) -> list[str]:
        """Return the stages in order: the last one, named after its network, trains the model of the recipe."""
        recipe, network = self.config.recipe, self.config.recipe.model.network
        if network == "ms-lmn":
            return [*(f"{number}. scale" for number in range(1, recipe.model.scales)), network]
        return [UNROLLED, network] if recipe.start == "laes" and network == "lmn" else [network]

    # --- models

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.config.seed)

    def _drawn(self, stage: str, *, fitted: bool = True) -> MemoryModel:
        """Return the model with which a stage begins if it is the first: fitted to the songs, or to be loaded."""
        recipe = self.config.recipe
        config, start = recipe.model, "orthogonal" if recipe.start == "laes" else recipe.start
        if stage == UNROLLED:
            config = config.model_copy(update={"network": "unrolled"})
        elif config.network == "ms-lmn":
            config = config.model_copy(update={"scales": self._stages().index(stage) + 1})
        model = build(config, self._generator(), start)
        if isinstance(model, DenseModel):
            model.start_from_chances(key_chances(self.corpus.train))
        if fitted and recipe.start == "laes" and recipe.model.network == "rnn":
            assert isinstance(model, DenseModel)
            songs = some_songs(self.corpus.train, recipe.laes_frames, self._generator())
            start_from_inputs(model, songs, centre=recipe.laes_centre, length=recipe.laes_length)
        return model

    def _trainer(self, model: MemoryModel, stage: str, state: dict[str, Any] | None) -> Trainer:
        trainer = Trainer(
            model.to(self.device),
            self.corpus.train,
            self.corpus.valid,
            self._training(stage),
            stage=stage,
            seed=self.config.seed,
            reporter=_Recorder(self.folder / "metrics.jsonl", self.reporter),
        )
        if state is not None:
            try:
                trainer.load_state_dict(state["trainer"])
            except (KeyError, TypeError, ValueError, RuntimeError) as error:
                raise self._foreign_state() from error
        return trainer

    def _training(self, stage: str) -> TrainingConfig:
        """Return how a stage is trained. The epochs of a multi-scale memory are shared out equally among its scales."""
        recipe = self.config.recipe
        if stage == UNROLLED:
            return recipe.pretraining
        if recipe.model.network != "ms-lmn":
            return recipe.training
        before = recipe.training.epochs // recipe.model.scales
        last = recipe.training.epochs - before * (recipe.model.scales - 1)
        return recipe.training.model_copy(update={"epochs": last if stage == "ms-lmn" else before})

    def _hand_over(self, trainer: Trainer) -> tuple[MemoryModel, float]:
        """Return the model that takes over from a trained one, and its validation likelihood."""
        recipe, source = self.config.recipe, trainer.model
        assert isinstance(source, MemoryModel)
        source.load_state_dict(trainer.best)
        generator = self._generator()
        songs = some_songs(self.corpus.train, recipe.laes_frames, generator)
        if recipe.model.network == "ms-lmn":
            assert isinstance(source, DenseModel)
            wider = with_next_scale(source, songs, centre=recipe.laes_centre, length=recipe.laes_length)
            return wider, trainer.progress.best_valid
        memory = fit_memory(
            source,
            songs,
            recipe.model.memory_size,
            centre=recipe.laes_centre,
            length=recipe.laes_length,
            generator=generator,
        )
        model = hand_over(source, memory, recipe.model)
        after = nll_per_frame(frame_log_probs(model, self.corpus.valid))
        _Recorder(self.folder / "metrics.jsonl", self.reporter).line(
            {
                "stage": "hand-over",
                "energy_kept": memory.explained_energy_,
                "valid_nll_before": trainer.progress.best_valid,
                "valid_nll_after": after,
            }
        )
        self.reporter.note(
            f"hand-over: a memory of {recipe.model.memory_size} keeps {memory.explained_energy_:.1%} of the energy; "
            f"validation {trainer.progress.best_valid:.3f} before, {after:.3f} after"
        )
        return model, after

    # --- files

    def _save(self, trainer: Trainer) -> None:
        p = trainer.progress
        if trainer.stage != UNROLLED:
            figures = {"valid_nll": p.best_valid, "best_epoch": p.best_epoch, "epochs": p.epoch, "seconds": p.seconds}
            header = Header(
                model=trainer.model.config,
                corpus=self.config.corpus,
                recipe=self.config.recipe.model_dump(mode="json"),
                seed=self.config.seed,
                command=self.config.command,
                figures=figures,
            )
            if p.best_epoch == p.epoch:
                save_checkpoint(self.folder / "best.safetensors", trainer.best, header)
            save_checkpoint(self.folder / "last.safetensors", trainer.model.state_dict(), header)
        metrics = self.folder / "metrics.jsonl"
        lines = len(metrics.read_text().splitlines()) if metrics.exists() else 0
        with replacing(self.folder / "state.pt") as temporary:
            torch.save({"stage": trainer.stage, "metrics_lines": lines, "trainer": trainer.state_dict()}, temporary)

    def _load_state(self) -> dict[str, Any] | None:
        path = self.folder / "state.pt"
        if not path.exists():
            (self.folder / "metrics.jsonl").unlink(missing_ok=True)
            return None
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            kept = int(state["metrics_lines"])
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path} is damaged: start afresh, or use best.safetensors as it is") from error
        # Lines that were written after the state was saved belong to work that is done again.
        metrics = self.folder / "metrics.jsonl"
        if metrics.exists():
            lines = metrics.read_text().splitlines(keepends=True)[:kept]
            with replacing(metrics) as temporary:
                temporary.write_text("".join(lines))
        return state


class _Recorder:
    """Passes everything on to the reporter, and writes each epoch's figures to metrics.jsonl."""

    def __init__(self, path: Path, reporter: Reporter) -> None:
        self._path, self._reporter = path, reporter
        self.batch, self.note = reporter.batch, reporter.note

    def epoch(self, metrics: dict[str, Any]) -> None:
        self.line(metrics)
        self._reporter.epoch(metrics)

    def line(self, metrics: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")
