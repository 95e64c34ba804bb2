"""What every other function begins with: a device, a model, a corpus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex

from lmn_music.api.arguments import whole_number
from lmn_music.errors import UsageError

if TYPE_CHECKING:
    from lmn_music.corpora import Corpus
    from lmn_music.models.checkpoint import Checkpoint, CorpusInfo

LARGEST_SEED = 2**63 - 1


def resolve_device(name: str = "auto") -> str:
    """Return the torch device to compute on.

    Args:
        name: "cpu", "cuda" or "mps"; "auto" is the best one that this machine has.

    Returns:
        "cpu", "cuda" or "mps".

    Raises:
        UsageError: this machine lacks the device.

    Example:
        >>> resolve_device("cpu")
        'cpu'
    """
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(device for device, there in available.items() if there)
    if not available.get(name):
        known = ", ".join(device for device, there in available.items() if there)
        raise UsageError(f"`device` {name} is not available on this machine: choose auto or {known}")
    return name


def check_seed(seed: SupportsIndex, count: int = 1) -> int:
    """Return a seed, and check that torch takes `count` seeds: `seed`, `seed + 1`, and so on.

    Args:
        seed: the first of them.
        count: how many.

    Raises:
        UsageError: one of them is no whole number, too large or negative.
    """
    return whole_number("seed", seed, 0, LARGEST_SEED - count + 1)


def load_model(model: str | Path | Checkpoint, *, device: str = "auto") -> Checkpoint:
    """Load a trained model.

    Args:
        model: the name of a shipped model ("jsb", "nottingham", "muse", "piano"), a run folder, whose best model is
            taken, or a .safetensors file. Only a text is the name of a shipped model: Path("jsb") is a run folder. A
            Checkpoint is returned as it is.
        device: see `resolve_device`; a Checkpoint stays where it is if this is "auto", and moves otherwise.

    Returns:
        The checkpoint: `.model` computes, `.header` says how the model was made, `.name` is what it was called here.

    Raises:
        CheckpointError: there is no such model, or its file is damaged or of another version.

    Example:
        >>> load_model("jsb").header.corpus.name
        'jsb'
    """
    from lmn_music.models.checkpoint import Checkpoint, load_checkpoint

    if not isinstance(model, Checkpoint):
        return load_checkpoint(model, resolve_device(device))
    if device != "auto":
        model.model.to(resolve_device(device))
    return model


def shipped_models() -> list[str]:
    """Return the names of the models that come with the package.

    Example:
        >>> shipped_models()
        ['jsb', 'muse', 'nottingham', 'piano']
    """
    from lmn_music.models.checkpoint import shipped_names

    return shipped_names()


def open_corpus(
    corpus: str | Path | Corpus,
    data: str | Path | None = None,
    *,
    download: bool = True,
    frames_per_quarter: int | None = None,
    to_c: bool = False,
    stand_in: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Corpus:
    """Load a corpus as `lmn_music.load_corpus` does, or return the one that is given.

    Args:
        corpus: a name, a folder, or a corpus that is loaded already.
        data: see `lmn_music.load_corpus`, also for the other arguments.
        download: whether a benchmark corpus may be downloaded.
        frames_per_quarter: for folders only.
        to_c: for folders only.
        stand_in: called with the reason why the chorales are taken in the place of JSB Chorales.
        progress: called with (files read, files in all) while a folder is read.

    Returns:
        The corpus.

    Raises:
        UsageError: there is no such corpus, or an argument does not fit it.
        CorpusError: it cannot be read.

    Example:
        >>> open_corpus("chorales").name
        'chorales'
    """
    from lmn_music.corpora import Corpus, load_corpus

    if not isinstance(corpus, Corpus):
        return load_corpus(
            corpus,
            data,
            download=download,
            frames_per_quarter=frames_per_quarter,
            to_c=to_c,
            stand_in=stand_in,
            progress=progress,
        )
    if frames_per_quarter is not None or to_c:
        raise UsageError(
            "a corpus that is loaded already has its frames and its key: leave out `frames_per_quarter` and `to_c`"
        )
    return corpus


def open_corpus_of(
    info: CorpusInfo,
    corpus: str | Path | Corpus | None,
    data: str | Path | None = None,
    *,
    advice: str = "name the `corpus`",
    download: bool = True,
    to_c: bool = False,
    stand_in: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Corpus:
    """Load a corpus as a model reads music, by default the one that the model was trained on.

    Args:
        info: what the model was trained on.
        corpus: another corpus.
        data: see `lmn_music.load_corpus`.
        advice: what to do where the folder that the model was trained on has moved.
        download: whether a benchmark corpus may be downloaded.
        to_c: transpose a folder's songs to C, even if the songs in training were not transposed.
        stand_in: see `lmn_music.load_corpus`.
        progress: see `lmn_music.load_corpus`.

    Returns:
        The corpus; a folder's songs have the frames per quarter note of the model.

    Raises:
        UsageError: the folder that the model was trained on is not there, or there is no such corpus.
    """
    source = info.source if corpus is None else corpus
    if corpus is None and not source:
        raise UsageError(f"the model was trained on songs that are in no file: {advice}")
    if corpus is None and is_gone(info):
        raise UsageError(f"the model was trained on the folder {source}, which is not there; if it has moved, {advice}")
    if not is_folder(source):  # has its own frames and key
        return open_corpus(source, data, download=download, to_c=to_c, stand_in=stand_in)
    return open_corpus(
        source, data, frames_per_quarter=info.frames_per_quarter, to_c=to_c or info.to_c, progress=progress
    )


def is_folder(corpus: str | Path | Corpus) -> bool:
    """Return whether a corpus is given as a folder, whose frames and key can be chosen."""
    from lmn_music.corpora import NAMES

    return isinstance(corpus, Path) or (isinstance(corpus, str) and corpus not in NAMES)


def is_gone(info: CorpusInfo) -> bool:
    """Return whether what a model was trained on is in no file, or in a folder that is not there."""
    return is_folder(info.source) and not (info.source and Path(info.source).is_dir())
