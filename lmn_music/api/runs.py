"""Run folders seen from outside: how a training proceeds, while it is at work and after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmn_music.errors import CheckpointError, LmnMusicError

MOST = 200  # run folders of a list


@dataclass(frozen=True)
class RunStatus:
    """How far the training of a run folder has come.

    Attributes:
        name: the run folder, as seen from the folder that was searched: "mine" or "pieces/mine".
        corpus: the name of what it is trained on.
        network: such as "lmn".
        seed: the seed.
        at_work: whether a process is training it now.
        composes: whether it has a model that can compose.
        metrics: the lines of its metrics.jsonl: one for each epoch of each stage, and one for each hand-over.
    """

    name: str
    corpus: str
    network: str
    seed: int
    at_work: bool
    composes: bool
    metrics: list[dict[str, Any]]


def list_runs(folder: str | Path) -> list[RunStatus]:
    """Return the run folders in a folder and in its folders, those at work first, then the latest first.

    Args:
        folder: where to search; it need not exist.

    Returns:
        At most 200 of them; what is no run folder, or damaged, is left out.

    Example:
        >>> list_runs("no/such/folder")
        []
    """
    folder = Path(folder)
    found = []
    for config in [*folder.glob("*/config.toml"), *folder.glob("*/*/config.toml")]:
        try:
            changed = max(path.stat().st_mtime for path in (config, config.with_name("metrics.jsonl")) if path.exists())
            found.append((changed, run_status(folder, config.parent.relative_to(folder).as_posix())))
        except (LmnMusicError, OSError, ValueError):
            continue
    found.sort(key=lambda run: (run[1].at_work, run[0]), reverse=True)
    return [status for _, status in found[:MOST]]


def run_status(folder: str | Path, name: str) -> RunStatus:
    """Return how far the training of one run folder has come.

    Args:
        folder: the folder that was searched.
        name: see `RunStatus`.

    Returns:
        What its files say now.

    Raises:
        CheckpointError: there is no such run folder, or it is damaged.
    """
    from lmn_music.files import is_held
    from lmn_music.training.folder import read_config, read_metrics

    run = _inside(Path(folder), name)
    config = read_config(run)
    return RunStatus(
        name,
        config.corpus.name,
        config.recipe.model.network,
        config.seed,
        is_held(run / ".lock"),
        (run / "best.safetensors").is_file(),
        read_metrics(run),
    )


def last_checkpoint(folder: str | Path, name: str) -> Path:
    """Return the file of a run's model as it is now, also while it is trained: a training replaces it whole.

    Args:
        folder: the folder that was searched.
        name: see `RunStatus`.

    Returns:
        The path of last.safetensors.

    Raises:
        CheckpointError: there is no such run folder, or no such file yet.
    """
    last = _inside(Path(folder), name) / "last.safetensors"
    if not last.is_file():
        raise CheckpointError(f"{name} has no model that can compose yet: wait for the first epoch of its last stage")
    return last


def _inside(folder: Path, name: str) -> Path:
    """Return a folder below another one; a name that leads elsewhere is refused."""
    run = folder / name
    try:
        inside = run.resolve().is_relative_to(folder.resolve()) and (run / "config.toml").is_file()
    except (OSError, ValueError):  # a name too long, or with a null character
        inside = False
    if not inside:
        raise CheckpointError(f"there is no run folder {name[:100]!r}: choose one of the list")
    return run
