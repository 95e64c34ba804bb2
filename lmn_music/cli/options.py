"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmn_music.errors import CorpusUnavailableError, UsageError

if TYPE_CHECKING:
    from lmn_music.corpora.corpus import Corpus

Data = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the benchmark files (else LMN_MUSIC_DATA, the cache, a download)."),
]
Device = Annotated[str, typer.Option("--device", help="Where to compute: auto, cpu, cuda or mps.")]

STAND_IN = (
    "NOTE: the benchmark file of the chorales is not here and cannot be downloaded. Using the Bach chorales inside "
    "music21 instead: good music, but NOT the benchmark; no figure on it is comparable with published ones."
)


def resolve_device(name: str) -> str:
    """Return the torch device that `--device` means; UsageError if this machine lacks it."""
    import torch

    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if available[device])
    if not available.get(name):
        known = ", ".join(device for device, there in available.items() if there)
        raise UsageError(f"--device {name} is not available on this machine: choose auto or {known}")
    return name


def corpus_or_stand_in(name: str, data: Path | None, *, grid: int = 2, to_c: bool = False) -> Corpus:
    """Load a corpus; where the chorales' benchmark file is out of reach, say so loudly and take music21's chorales."""
    from lmn_music.corpora import NAMES, load_corpus

    if name not in NAMES:
        return load_corpus(name, data, frames_per_quarter=grid, transpose_to_c=to_c)
    try:
        return load_corpus(name, data)
    except CorpusUnavailableError:
        if name != "jsb":
            raise
        typer.secho(STAND_IN, err=True, bold=True)
        return load_corpus("chorales")
