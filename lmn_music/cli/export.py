"""`lmn-music export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmn_music import api
from lmn_music.cli.printing import say


def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A run folder or a .safetensors file of a dense model.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The ONNX file.")] = Path("model.onnx"),
) -> None:
    """Write one step of a dense model as an ONNX file.

    It takes a frame, the frame before, the memory and the number of the frame, and returns the log-likelihood of the
    frame and the memory before the next one.
    """
    api.export_onnx(model, out)
    say(f"written to {out}")
