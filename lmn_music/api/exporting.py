"""Exporting: a trained model as a file that other runtimes read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.loading import load_model

if TYPE_CHECKING:
    from lmn_music.models.checkpoint import Checkpoint


def export_onnx(model: str | Path | Checkpoint, out: str | Path) -> None:
    """Write one step of a dense model as an ONNX file.

    Args:
        model: see `load_model`.
        out: the file; see `lmn_music.models.exporting.export_model` for its inputs and outputs.

    Raises:
        CheckpointError: there is no such model.
        UsageError: the model is not dense, or its network is neither an LMN nor a gated one.
        LmnMusicError: onnx is missing.

    Example:
        >>> export_onnx("runs/dense", "dense.onnx")  # doctest: +SKIP
    """
    from lmn_music.models.exporting import export_model

    export_model(load_model(model, device="cpu").model, Path(out))
