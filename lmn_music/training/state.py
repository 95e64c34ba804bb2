"""state.pt of a run folder: what resuming needs."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field

from lmn_music.errors import CheckpointError
from lmn_music.files import read_regular, replacing
from lmn_music.models.config import Settings


class SavedState(Settings):
    """What state.pt holds.

    Attributes:
        stage: the name of the stage under way.
        metrics_lines: how many lines metrics.jsonl had.
        trainer: what the trainer of the stage needs to resume.
    """

    stage: str
    metrics_lines: Annotated[int, Field(ge=0)]
    trainer: dict[str, Any]


def save_state(folder: Path, stage: str, trainer: dict[str, Any]) -> None:
    """Write state.pt, whole or not at all.

    Args:
        folder: the run folder.
        stage: the name of the stage under way.
        trainer: what its trainer needs to resume.
    """
    metrics = folder / "metrics.jsonl"
    lines = len(read_regular(metrics).splitlines()) if metrics.exists() else 0
    data = io.BytesIO()
    torch.save({"stage": stage, "metrics_lines": lines, "trainer": trainer}, data)
    with replacing(folder / "state.pt") as temporary:
        temporary.write_bytes(data.getbuffer())


def load_state(folder: Path, *, repair: bool = True) -> SavedState | None:
    """Read state.pt, and take back the lines of metrics.jsonl that were written after it: that work is done again.

    Args:
        folder: the run folder.
        repair: whether lines are taken back; of several processes one does it.

    Returns:
        What was saved; None if nothing has been saved yet. Whether it fits the run is not checked here.

    Raises:
        CheckpointError: one of the files is damaged.
    """
    path, metrics = folder / "state.pt", folder / "metrics.jsonl"
    if not path.exists():
        if repair:
            metrics.unlink(missing_ok=True)
        return None
    try:
        state = _read_state(path)
    except Exception as error:  # zipfile, pickle and torch each have errors of their own for damaged data
        raise CheckpointError(f"{path} is damaged: start afresh, or use best.safetensors as it is") from error
    if repair and metrics.exists():
        try:
            lines = read_regular(metrics).splitlines(keepends=True)[: state.metrics_lines]
        except OSError as error:
            raise CheckpointError(f"{metrics} cannot be read ({error.strerror}): remove it") from error
        with replacing(metrics) as temporary:
            temporary.write_bytes(b"".join(lines))
    return state


def _read_state(path: Path) -> SavedState:
    """Return what state.pt holds; an exception of any kind if it is damaged."""
    data = read_regular(path)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:  # torch would make room for whatever size an entry claims
        if sum(entry.file_size for entry in archive.infolist()) > len(data):
            raise ValueError("its entries claim more bytes than it has")
    return SavedState.model_validate(torch.load(io.BytesIO(data), map_location="cpu", weights_only=True))
