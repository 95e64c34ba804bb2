"""One file holds a model: weights as safetensors, everything else as JSON in the header."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from lmn_music import __version__
from lmn_music.errors import CheckpointError, LmnMusicError
from lmn_music.files import replacing
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig, Settings
from lmn_music.models.interface import SequenceModel
from lmn_music.resources import resource

FORMAT = 1
_KEY = "lmn_music"


class CorpusInfo(Settings):
    """What a model was trained on.

    source: the corpus's name, or its folder. to_c: whether a folder's songs were transposed to C. comparable: may its
    likelihood stand beside the published figures?
    """

    name: str
    source: str
    to_c: bool = False
    sha256: str
    provenance: str
    comparable: bool
    frames_per_quarter: int


class Header(Settings):
    """All that is known of a checkpoint besides its weights.

    recipe, seed, command: how it was made. figures: what was measured while training (nats per frame, epochs, seconds).
    """

    format_version: int = FORMAT
    package_version: str = __version__
    model: ModelConfig
    corpus: CorpusInfo
    recipe: dict[str, Any]
    seed: int
    command: str
    figures: dict[str, float]


@dataclass(frozen=True)
class Checkpoint:
    """A model and what is known of it. name: how the user named it."""

    name: str
    model: SequenceModel
    header: Header


def save_checkpoint(path: Path, weights: dict[str, Tensor], header: Header) -> None:
    """Write weights and header to `path`, whole or not at all."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={_KEY: header.model_dump_json()})


def find_checkpoint(name: str | Path) -> Path:
    """Return the checkpoint file that `name` means: a shipped one such as `jsb`, a run folder's best, or a file.

    A shipped name always means the shipped model; `./jsb` is the folder of that name.
    """
    if str(name) in shipped_names():
        return resource("checkpoints", f"{name}.safetensors")
    path = Path(name)
    if str(name) and path.is_dir():
        best = path / "best.safetensors"
        if not best.is_file():
            raise CheckpointError(f"{path} holds no best.safetensors: no epoch has been finished there yet; resume it")
        return best
    if path.is_file():
        return path
    shipped = ", ".join(shipped_names()) or "none"
    raise CheckpointError(
        f"there is no model {str(name)!r}: give a run folder, a .safetensors file, or a shipped name ({shipped})"
    )


def shipped_names() -> list[str]:
    """Return the names of the checkpoints that come with the package."""
    try:
        folder = resource("checkpoints", ".")
    except LmnMusicError:
        return []
    return sorted(path.stem for path in folder.glob("*.safetensors"))


def load_checkpoint(name: str | Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Load a model, in evaluation mode. CheckpointError if there is none, or it is damaged or of another format."""
    path = find_checkpoint(name)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is no checkpoint, or is damaged: {error}") from error
    if _KEY not in metadata:
        raise CheckpointError(f"{path} was not written by lmn-music: it has no header of ours")
    try:
        if (version := json.loads(metadata[_KEY])["format_version"]) != FORMAT:
            raise CheckpointError(f"{path} has format {version}; this lmn-music ({__version__}) reads format {FORMAT}")
        header = Header.model_validate_json(metadata[_KEY])
        model = build(header.model)
        model.load_state_dict(weights)
    except (ValidationError, RuntimeError, ValueError, KeyError) as error:
        first = str(error).splitlines()[0]
        raise CheckpointError(f"{path} needs another version of lmn-music than {__version__}: {first}") from error
    return Checkpoint(str(name), model.to(device).eval(), header)
