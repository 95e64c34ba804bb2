"""How figures are kept: as PNG and SVG, the same files from the same results."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from lmn_music.files import replacing


def save(figure: Figure, path: Path) -> None:
    """Write the figure to `path` with .png and with .svg."""
    for kind, metadata in (("png", {}), ("svg", {"Date": None})):
        # Without the salt the names inside an SVG are random.
        with replacing(path.with_suffix(f".{kind}")) as temporary, mpl.rc_context({"svg.hashsalt": "lmn-music"}):
            figure.savefig(temporary, format=kind, dpi=100, metadata=metadata)
