"""One file holds a model: weights as safetensors, everything else as JSON in the header."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field, ValidationError, field_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lmn_music.errors import CheckpointError, LmnMusicError, UsageError
from lmn_music.files import replacing
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig, Seed, Settings, fault_of
from lmn_music.models.interface import SequenceModel
from lmn_music.models.migrate import FORMAT, migrate
from lmn_music.models.shapes import check_finite, check_shapes, shapes_of
from lmn_music.music.pianoroll import KEYS
from lmn_music.resources import resource
from lmn_music.version import __version__

_KEY = "lmn_music"
_LONGEST_HEADER = 1_000_000  # characters


class CorpusInfo(Settings):
    """What a model was trained on.

    Attributes:
        name: the name of the corpus.
        source: the corpus's name, or its folder.
        to_c: whether a folder's songs were transposed to C.
        sha256: the SHA-256 of the corpus, see `Corpus`.
        provenance: one line on what the corpus was read from.
        comparable: may a likelihood on this corpus stand beside the published figures?
        frames_per_quarter: how many frames a quarter note lasts.
        mean_top_key: the mean of the highest keys of its training songs, see
            `lmn_music.music.tonality`; None if it is not known.
    """

    name: str
    source: str
    to_c: bool = False
    sha256: str
    provenance: str
    comparable: bool
    frames_per_quarter: Annotated[int, Field(ge=1, le=1000)]
    mean_top_key: Annotated[float, Field(ge=0, lt=KEYS)] | None = None


class Header(Settings):
    """All that is known of a checkpoint besides its weights.

    Attributes:
        format_version: the format of the file.
        package_version: the version of lmn-music that wrote the file.
        model: what the model is made of.
        corpus: what it was trained on.
        recipe, seed, command: how it was made.
        figures: what was measured while training (nats per frame, epochs, seconds).
    """

    format_version: int = FORMAT
    package_version: str = __version__
    model: ModelConfig
    corpus: CorpusInfo
    recipe: dict[str, Any]
    seed: Seed
    command: str
    figures: dict[str, float]

    @field_validator("figures")
    @classmethod
    def _has_been_validated(cls, figures: dict[str, float]) -> dict[str, float]:
        if "valid_nll" not in figures:
            raise ValueError("valid_nll is missing")
        return figures


@dataclass(frozen=True)
class Checkpoint:
    """A model and what is known of it.

    Attributes:
        name: how the user named it.
        model: in evaluation mode, on the device that it was loaded to.
        header: all that is known besides the weights.
    """

    name: str
    model: SequenceModel
    header: Header

    def __repr__(self) -> str:
        network, corpus = self.header.model.network, self.header.corpus.name
        return f"<Checkpoint {self.name!r}: {network} trained on {corpus}>"

    @property
    def device(self) -> torch.device:
        """Return where the model computes."""
        return next(self.model.parameters()).device


def save_checkpoint(path: Path, weights: dict[str, Tensor], header: Header) -> None:
    """Write weights and header to a file, whole or not at all.

    Args:
        path: the file, which is replaced if there is one.
        weights: the model's `state_dict()`.
        header: all else.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    data = save(tensors, metadata={_KEY: header.model_dump_json()})
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def find_checkpoint(name: str | Path) -> Path:
    """Return the checkpoint file that a name means.

    Args:
        name: a shipped name such as "jsb", which as a text always means the shipped model ("./jsb" and Path("jsb") are
            the folder of that name); a run folder, which means its best epoch; or a file.

    Raises:
        CheckpointError: there is no such file.
    """
    if isinstance(name, str) and name in shipped_names():
        return resource("checkpoints", f"{name}.safetensors")
    path = Path(name)
    if str(name) and path.is_dir():
        best = path / "best.safetensors"
        if not best.is_file():
            if not (path / "config.toml").is_file():
                raise CheckpointError(f"{path} holds no best.safetensors: it is not a run folder")
            raise CheckpointError(
                f"{path} holds no best.safetensors yet: its last stage has finished no epoch; resume it"
            )
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
    """Load a model, in evaluation mode.

    Args:
        name: see `find_checkpoint`.
        device: where the model is to compute.

    Returns:
        The model and its header, which is brought up to date if the file is of an older format.

    Raises:
        CheckpointError: there is no such file, or it is damaged or of a newer format.
    """
    path = find_checkpoint(name)
    try:
        with safe_open(path, framework="pt") as file:
            header = _header(file.metadata() or {})
            names = file.keys()  # nothing is made of the header before the shapes in it are those in the file
            found = {key: file.get_slice(key) for key in names}
            check_shapes({key: tuple(part.get_shape()) for key, part in found.items()}, shapes_of(header.model))
            if types := {part.get_dtype() for part in found.values()} - {"F32", "F16"}:
                raise ValueError(f"it has weights of the type {types.pop()}")
            weights = {key: file.get_tensor(key) for key in names}
        model = build(header.model)
        model.load_state_dict(weights)
    except CheckpointError as error:
        raise CheckpointError(f"{path} {error}") from error
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is no checkpoint, or is damaged: {error}") from error
    except (ValidationError, UsageError, ValueError) as error:
        fault = fault_of(error) if isinstance(error, ValidationError) else error
        raise CheckpointError(f"{path} needs another version of lmn-music than {__version__}: {fault}") from error
    try:
        check_finite(weights.items())
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
    return Checkpoint(str(name), model.to(device).eval(), header)


def _header(metadata: dict[str, str]) -> Header:
    """Return the header of a file, brought up to date."""
    text = metadata.get(_KEY)
    if text is None:
        raise CheckpointError("was not written by lmn-music: it has no header of ours")
    try:
        values = json.loads(text) if len(text) <= _LONGEST_HEADER else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise CheckpointError("is damaged: its header is none")
    return Header.model_validate(migrate(values))
