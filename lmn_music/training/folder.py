"""The files of a run folder, from which a training can resume after any interruption.

config.toml         what was asked for: recipe, corpus, seed, command
left_out.txt        the files of the corpus that were left out or read in part, and why; only if there are any
metrics.jsonl       one line of figures per epoch, and one per hand-over
best.safetensors    the model with the best validation likelihood so far; evaluation and generation need only this
last.safetensors    the model as it is now
state.pt            what resuming needs
.lock               while a process is at work
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from lmn_music.corpora.corpus import Corpus, Rejected
from lmn_music.errors import CheckpointError, UsageError
from lmn_music.files import LOCK, alone, append, is_leftover, read_regular, replacing
from lmn_music.models.checkpoint import CorpusInfo, Header, save_checkpoint
from lmn_music.models.config import Seed, Settings, fault_of
from lmn_music.models.migrate import FORMAT, migrate
from lmn_music.music.tonality import mean_top_key
from lmn_music.training.config import Recipe
from lmn_music.training.recipe import LONGEST, parse_toml
from lmn_music.training.reporter import Reporter
from lmn_music.training.trainer import Trainer


class RunConfig(Settings):
    """What config.toml holds: what was asked for.

    Attributes:
        format_version: the format of the file, as in a checkpoint; a file that does not state it is of format 1.
        command: the command line that asked for it.
        seed: the seed of all random numbers.
        corpus: what the model is trained on.
        recipe: all else that the training depends on.
    """

    format_version: int = FORMAT
    command: str
    seed: Seed
    corpus: CorpusInfo
    recipe: Recipe


def corpus_info(corpus: Corpus) -> CorpusInfo:
    """Return what a checkpoint says of the corpus that it was trained on."""
    return CorpusInfo(
        name=corpus.name,
        source=corpus.source,
        to_c=corpus.to_c,
        sha256=corpus.sha256,
        provenance=corpus.provenance,
        comparable=corpus.comparable,
        frames_per_quarter=corpus.frames_per_quarter,
        mean_top_key=_mean_top_key(corpus),
    )


def _mean_top_key(corpus: Corpus) -> float | None:
    if corpus.mean_top_key is not None:
        return corpus.mean_top_key
    return mean_top_key(corpus.train) if any(song.notes for song in corpus.train) else None


def read_config(folder: Path) -> RunConfig:
    """Return what a run folder was asked to do, brought up to date if the folder is of an older format.

    Args:
        folder: the run folder.

    Returns:
        The configuration; whether a training can follow its recipe is not checked here.

    Raises:
        CheckpointError: the folder is no run folder, or is damaged or of a newer format.
    """
    try:
        text = read_regular(folder / "config.toml", LONGEST).decode()
        config = RunConfig.model_validate(migrate(parse_toml(text)))
    except CheckpointError as error:
        raise CheckpointError(f"{folder}/config.toml {error}") from error
    except OSError as error:
        raise CheckpointError(f"{folder} is not a run folder: it has no config.toml that can be read") from error
    except (ValidationError, ValueError) as error:  # not TOML, not UTF-8, not a configuration
        fault = fault_of(error) if isinstance(error, ValidationError) else error
        raise CheckpointError(f"{folder}/config.toml is damaged: {fault}") from error
    return config


def free_folder(name: str) -> Path:
    """Make runs/NAME, or the first of runs/NAME-2, -3, ... that does not exist: no two runs share a folder.

    Args:
        name: the name of the corpus.

    Raises:
        UsageError: the folder cannot be made.
    """
    for number in count(1):
        folder = Path("runs") / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageError(f"{folder} cannot be made ({error.strerror}): name another folder as `out`") from error
        break
    return folder


def make_folder(folder: Path, config: RunConfig, left_out: Sequence[Rejected]) -> None:
    """Make a run folder, with what is known before the training.

    Args:
        folder: a path where nothing is yet, or an empty folder.
        config: what is asked for.
        left_out: the files of the corpus that were left out or read in part; left_out.txt lists each with its reason.

    Raises:
        UsageError: there is something in the folder already, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made ({error.strerror}): choose another `out`") from error
    with locked(folder):  # of several trainings that begin at once in one folder, one writes, and the others see it
        if not all(map(is_leftover, folder.iterdir())):
            raise UsageError(f"{folder} exists and is not empty: choose another `out`, or `resume` {folder}")
        with replacing(folder / "config.toml") as temporary:
            temporary.write_text(tomli_w.dumps(config.model_dump(exclude_none=True)), encoding="utf-8")
        if left_out:
            with replacing(folder / "left_out.txt") as temporary:
                text = "".join(f"{file.path}: {file.reason}\n" for file in left_out)
                temporary.write_text(text, encoding="utf-8")


def locked(folder: Path) -> AbstractContextManager[None]:
    """Keep other trainings out of a run folder while the block runs.

    Args:
        folder: the run folder.

    Raises:
        LmnMusicError: another training is at work in it.
    """
    return alone(folder / LOCK, f"another training is at work in {folder}")


def save_models(folder: Path, config: RunConfig, trainer: Trainer) -> None:
    """Write last.safetensors and, if the last epoch was the best, best.safetensors.

    A stage whose model is not what the recipe asks for has none.

    Args:
        folder: the run folder.
        config: what was asked for.
        trainer: the training of the stage under way.
    """
    p, recipe = trainer.progress, config.recipe
    if trainer.model.config.network != recipe.model.network:
        return
    header = Header(
        model=trainer.model.config,
        corpus=config.corpus,
        recipe=recipe.model_dump(mode="json"),
        seed=config.seed,
        command=config.command,
        figures={"valid_nll": p.best_valid, "best_epoch": p.best_epoch, "epochs": p.epoch, "seconds": p.seconds},
    )
    if p.best_epoch == p.epoch:
        save_checkpoint(folder / "best.safetensors", trainer.best, header)
    save_checkpoint(folder / "last.safetensors", trainer.model.state_dict(), header)


class Recorder:
    """A reporter that writes the figures of each epoch to metrics.jsonl, and passes everything on to another.

    Args:
        folder: the run folder; None: another process writes the figures.
        reporter: the other.
    """

    def __init__(self, folder: Path | None, reporter: Reporter) -> None:
        self._path, self._reporter = None if folder is None else folder / "metrics.jsonl", reporter
        self.begin, self.batch, self.note = reporter.begin, reporter.batch, reporter.note

    def epoch(self, metrics: dict[str, Any]) -> None:
        """Write the figures, and pass them on.

        Args:
            metrics: see `Reporter.epoch`.
        """
        self.line(metrics)
        self._reporter.epoch(metrics)

    def line(self, metrics: dict[str, Any]) -> None:
        """Write figures of something else than an epoch.

        Args:
            metrics: numbers and text, for one line of metrics.jsonl.
        """
        if self._path is not None:
            append(self._path, json.dumps(metrics) + "\n")


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of metrics.jsonl that are whole; none if there is no such file yet.

    Args:
        folder: the run folder, which may be at work.
    """
    try:
        lines = read_regular(folder / "metrics.jsonl").decode().splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    found = []
    for line in lines:
        with suppress(ValueError, RecursionError):  # the last line may be half written
            found.append(json.loads(line))
    return [line for line in found if isinstance(line, dict)]
