"""What a stage of a training is, and how a family of models says which stages it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from lmn_music.models.build import build, network_type
from lmn_music.models.config import ModelConfig
from lmn_music.models.dense import DenseModel
from lmn_music.models.memory_model import MemoryModel
from lmn_music.models.tied.model import TiedModel
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.processes import ALONE, Processes
from lmn_music.training.autoencoders import key_chances
from lmn_music.training.config import Recipe, TrainingConfig
from lmn_music.training.stopping import Check, Watched, go_on
from lmn_music.words import counted


@dataclass(frozen=True)
class Material:
    """What the model of a stage is made from.

    Attributes:
        config: what this model is made of.
        recipe: the recipe of the whole training.
        songs: the training split.
        valid: the validation split.
        seed: the seed of the whole training.
        before: the model of the stage before, with its best weights; None in the first stage.
        check: called by long work every second or so; raises StoppedError when the user has asked to stop.
        processes: who makes the model; all make the same one, and may share the work.
    """

    config: ModelConfig
    recipe: Recipe
    songs: Sequence[PianoRoll]
    valid: Sequence[PianoRoll]
    seed: int
    before: MemoryModel | None = None
    check: Check = go_on
    processes: Processes = ALONE

    def generator(self) -> torch.Generator:
        """Return the random numbers of the seed, from the first one on."""
        return torch.Generator().manual_seed(self.seed)

    @property
    def alone(self) -> Processes:
        """Return this process alone, which calls `check` in the middle of fitting an autoencoder."""
        return Watched(self.check)

    @property
    def sharing(self) -> Processes:
        """Return who fits an autoencoder together; a process that has no others calls `check` meanwhile."""
        return self.processes if self.processes.size > 1 else self.alone


@dataclass(frozen=True)
class Made:
    """The model that a stage begins with.

    Attributes:
        model: the model.
        unchanged: whether its likelihoods equal the likelihoods of the model before, so that nothing has to be
            measured again.
        valid_nll: the validation likelihood, where validation songs have made the model and it was cross-validated;
            None: it is to be measured.
        figures: what there is to say of the hand-over, for metrics.jsonl.
        note: the same in words, for the user.
    """

    model: MemoryModel
    unchanged: bool = False
    valid_nll: float | None = None
    figures: dict[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Stage:
    """A part of a training, in which one model is trained.

    Attributes:
        name: in files; the random numbers of the stage depend on it.
        title: for the user.
        config: what the model of the stage is made of. A stage whose network is the recipe's own has checkpoints.
        make_model: makes the model that the stage begins with.
        training: how it is trained; no epochs if `make_model` does all there is to do.
    """

    name: str
    title: str
    config: ModelConfig
    make_model: Callable[[Material], Made]
    training: TrainingConfig


@dataclass(frozen=True)
class Family:
    """How the models of one network are trained.

    Attributes:
        stages: makes the list of stages for a recipe; the last one trains the model of the recipe.
        starts: the values that `Recipe.start` may have besides the network's own `starts`.
        check: raises UsageError if values of a recipe do not fit together for this network.
    """

    stages: Callable[[Recipe], list[Stage]]
    starts: tuple[str, ...] = ()
    check: Callable[[Recipe], None] = lambda _: None


def drawn(material: Material) -> Made:
    """Make a model with drawn weights; the `make_model` of most stages.

    The keys of a dense model are as likely at first as they are in the songs.

    Args:
        material: what it is made from. Where the network has no such start as the recipe's, as with `laes`, recurrent
            weights are orthogonal.

    Returns:
        The model.
    """
    start = material.recipe.start
    known = start in network_type(material.config).starts
    model = build(material.config, material.generator(), start if known else "orthogonal")
    if isinstance(model, DenseModel):
        model.start_from_chances(key_chances(material.songs))
    return Made(model)


def extended(material: Material) -> TiedModel:
    """Return the model of the stage before with what its configuration did not have, drawn; on the same device.

    Args:
        material: what the model is made from.
    """
    before, model = material.before, build(material.config, material.generator())
    assert before is not None
    assert isinstance(model, TiedModel)
    model.load_state_dict(model.state_dict() | before.state_dict())
    return model.to(next(before.parameters()).device).eval()


def one_stage(recipe: Recipe, make_model: Callable[[Material], Made] = drawn) -> list[Stage]:
    """Return the one stage of a family that needs no other, named after its network.

    Args:
        recipe: the recipe of the training.
        make_model: makes the model that the stage begins with.

    Returns:
        A list of one stage, which trains the model of the recipe.
    """
    network = recipe.model.network
    return [Stage(network, network.upper(), recipe.model, make_model, recipe.training)]


def ahead(stages: Sequence[Stage]) -> str:
    """Return in one line what a training will do at most, for the user.

    Args:
        stages: the stages of the training.
    """
    parts = [
        f"{stage.title}, at most {counted(stage.training.epochs, 'epoch')}" if stage.training.epochs else stage.title
        for stage in stages
    ]
    return f"{counted(len(stages), 'stage')}: {'; '.join(parts)}"
