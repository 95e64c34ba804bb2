"""What every other function begins with: a device, a model, a corpus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

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
        raise UsageError(f"--device {name} is not available on this machine: choose auto or {known}")
    return name


def check_seed(seed: int, count: int = 1) -> None:
    """Check that torch takes `count` seeds: `seed`, `seed + 1`, and so on.

    Args:
        seed: the first of them.
        count: how many.

    Raises:
        UsageError: one of them is too large or negative.
    """
    if not 0 <= seed <= LARGEST_SEED - count + 1:
        raise UsageError(f"--seed is a number from 0 to {LARGEST_SEED - count + 1} here, not {seed}")


def load_model(model: str | Path | Checkpoint, *, device: str = "auto") -> Checkpoint:
    """Load a trained model.

    Args:
        model: the name of a shipped model ("jsb", "nottingham", "muse", "piano"), a run folder, whose best model is
            taken, or a .safetensors file. A Checkpoint is returned as it is.
        device: see `resolve_device`.

    Returns:
        The checkpoint: `.model` computes, `.header` says how the model was made, `.name` is what it was called here.

    Raises:
        CheckpointError: there is no such model, or its file is damaged or of another version.

    Example:
        >>> load_model("jsb").header.corpus.name
        'jsb'
    """
    from lmn_music.models.checkpoint import Checkpoint, load_checkpoint

    return model if isinstance(model, Checkpoint) else load_checkpoint(model, resolve_device(device))


def open_corpus(
    corpus: str | Path | Corpus,
    data: str | Path | None = None,
    *,
    frames_per_quarter: int | None = None,
    to_c: bool = False,
    stand_in: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Corpus:
    """Load a corpus as `lmn_music.load_corpus` does, or return the one that is given.

    Args:
        corpus: a name, a folder, or a corpus that is loaded already.
        data: see `lmn_music.load_corpus`, also for the other arguments.
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
            frames_per_quarter=frames_per_quarter,
            to_c=to_c,
            stand_in=stand_in,
            progress=progress,
        )
    if frames_per_quarter is not None or to_c:
        raise UsageError(
            "a corpus that is loaded already has its frames and its key: leave out frames_per_quarter, to_c"
        )
    return corpus


def open_corpus_of(
    info: CorpusInfo,
    corpus: str | Path | Corpus | None,
    data: str | Path | None = None,
    *,
    advice: str,
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
        to_c: transpose a folder's songs to C, even if the songs in training were not transposed.
        stand_in: see `lmn_music.load_corpus`.
        progress: see `lmn_music.load_corpus`.

    Returns:
        The corpus; a folder's songs have the frames per quarter note of the model.

    Raises:
        UsageError: the folder that the model was trained on is not there, or there is no such corpus.
    """
    from lmn_music.corpora import NAMES, Corpus

    source = info.source if corpus is None else corpus
    if corpus is None and not source:
        raise UsageError(f"the model was trained on songs that are in no file: {advice}")
    if corpus is None and source not in NAMES and not Path(info.source).is_dir():
        raise UsageError(f"the model was trained on the folder {source}, which is not there; if it has moved, {advice}")
    if isinstance(source, Corpus) or source in NAMES:  # has its own frames and key
        return open_corpus(source, data, to_c=to_c, stand_in=stand_in)
    return open_corpus(
        source, data, frames_per_quarter=info.frames_per_quarter, to_c=to_c or info.to_c, progress=progress
    )
