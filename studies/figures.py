"""How figures are kept: as small PNG files, the same files from the same results."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from lmn_music.files import replacing

DPI = 64
COLOURS = 32  # of a file; lines and text look the same with them, and take a fifth of the bytes


def save(figure: Figure, path: Path, colours: int = COLOURS) -> None:
    """Write the figure to a PNG file of so many colours."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    few = Image.open(drawn).convert("RGB").quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    with replacing(path) as temporary:
        few.save(temporary, format="png", optimize=True)
