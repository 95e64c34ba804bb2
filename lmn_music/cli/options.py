"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmn_music.errors import CorpusUnavailableError, UsageError

if TYPE_CHECKING:
    from lmn_music.corpora.corpus import Corpus
    from lmn_music.models.checkpoint import CorpusInfo

LARGEST_SEED = 2**63 - 1


class Split(StrEnum):
    """The three parts of a corpus."""

    train = "train"
    valid = "valid"
    test = "test"


class DeviceName(StrEnum):
    """What torch computes on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="FOLDER", help="Folder of the benchmark files (else LMN_MUSIC_DATA, the cache, a download)."
    ),
]
Device = Annotated[DeviceName, typer.Option("--device", help="Where to compute.")]

STAND_IN = (
    "NOTE: {reason}. Using the Bach chorales inside music21 instead: good music, but NOT the benchmark; no figure on "
    "it is comparable with published ones."
)


def check_seed(seed: int, count: int = 1) -> None:
    """Raise UsageError if torch cannot take the last of `count` seeds from `seed` on."""
    if seed + count - 1 > LARGEST_SEED:
        raise UsageError(f"--seed is at most {LARGEST_SEED - count + 1} here, not {seed}")


def resolve_device(name: DeviceName) -> str:
    """Return the torch device that `--device` means; UsageError if this machine lacks it."""
    import torch

    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name is DeviceName.auto:
        return next(device for device in ("cuda", "mps", "cpu") if available[device])
    if not available[name]:
        known = ", ".join(device for device, there in available.items() if there)
        raise UsageError(f"--device {name} is not available on this machine: choose auto or {known}")
    return name.value


def corpus_or_stand_in(
    name: str, data: Path | None, *, grid: int | None = None, to_c: bool = False, stand_in: bool = True
) -> Corpus:
    """Load a corpus; where the chorales' benchmark file is out of reach, say so loudly and take music21's chorales.

    grid, to_c: for folders only, UsageError otherwise. stand_in: whether there may be one.
    """
    from lmn_music.corpora import NAMES, load_corpus

    if name not in NAMES:
        with _reading() as progress:
            return load_corpus(name, data, frames_per_quarter=grid, transpose_to_c=to_c, progress=progress)
    try:
        return load_corpus(name, data, frames_per_quarter=grid, transpose_to_c=to_c)
    except CorpusUnavailableError as error:
        if name != "jsb" or not stand_in:
            raise
        typer.secho(STAND_IN.format(reason=str(error).split(". ")[0]), err=True, bold=True)
        return load_corpus("chorales")


def corpus_for_model(
    info: CorpusInfo, name: str | None, data: Path | None, *, advice: str, to_c: bool = False, stand_in: bool = True
) -> Corpus:
    """Load the corpus `name`, by default the one that a model was trained on, as the model reads music.

    advice: what to do where the folder that it was trained on has moved. to_c, stand_in: see `corpus_or_stand_in`.
    """
    from lmn_music.corpora import NAMES

    source = info.source if name is None else name
    if source in NAMES:  # has its own grid and key
        return corpus_or_stand_in(source, data, to_c=to_c, stand_in=stand_in)
    if name is None and not Path(source).is_dir():
        raise UsageError(f"the model was trained on the folder {source}, which is not there; if it has moved, {advice}")
    return corpus_or_stand_in(source, data, grid=info.frames_per_quarter, to_c=to_c or info.to_c)


@contextmanager
def _reading() -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows how many files are read: on a terminal's stderr, and nowhere else."""
    from tqdm import tqdm

    with tqdm(desc="reading", unit=" files", leave=False, disable=None) as bar:

        def progress(done: int, files: int) -> None:
            bar.total = files
            bar.update(done - bar.n)

        yield progress
