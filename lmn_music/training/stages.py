"""The stages in which each family of models is trained, and what the model of each stage is made from."""

from __future__ import annotations

from itertools import compress

from lmn_music.corpora.corpus import lengths_of
from lmn_music.errors import TrainingError, UsageError
from lmn_music.models.build import network_type
from lmn_music.models.dense import DenseModel
from lmn_music.training.autoencoders import fit_memory, some_songs, start_from_inputs
from lmn_music.training.config import Recipe, TrainingConfig
from lmn_music.training.copy_experts import with_experts
from lmn_music.training.family import Family, Made, Material, Stage, drawn, one_stage
from lmn_music.training.hand_over import hand_over, with_next_scale
from lmn_music.training.own_past import with_own_past

UNROLLED = {"lmn": "unrolled", "gated-lmn": "gated-unrolled"}  # the network of the first stage


def check_recipe(recipe: Recipe) -> None:
    """Check that a training can follow the recipe.

    Raises:
        UsageError: there is no network of that name, or values do not fit together.
    """
    network = recipe.model.network
    if network not in FAMILIES:  # the unrolled networks are in NETWORKS, but are no models to ask for
        raise UsageError(f'model.network cannot be "{network}": choose {", ".join(FAMILIES)}')
    family = FAMILIES[network]
    starts = (*family.starts, *network_type(recipe.model).starts)
    if recipe.start not in starts:
        raise UsageError(f'start "{recipe.start}" is not for network "{network}": choose {", ".join(starts)}')
    family.check(recipe)


def stages_of(recipe: Recipe) -> list[Stage]:
    """Return the stages of a training in order; the last one makes the model of the recipe."""
    model = recipe.model
    nothing = TrainingConfig(epochs=0)
    last = [
        Stage("copies", "copy experts", model.model_copy(update={"own_past": False}), with_experts, nothing),
        Stage("own past", "vector of the own past", model, with_own_past, nothing),
    ]
    without = model.model_copy(update={"copies": False, "own_past": False})
    stages = FAMILIES[model.network].stages(recipe.model_copy(update={"model": without}))
    return stages + list(compress(last, (model.copies, model.own_past)))


# --- lmn, gated-lmn: with the start `laes` the unrolled model first, whose hidden states the memory is then fitted to


def _lmn(recipe: Recipe) -> list[Stage]:
    if recipe.start != "laes":
        return one_stage(recipe)
    config = recipe.model.model_copy(update={"network": UNROLLED[recipe.model.network]})
    unrolled = Stage("unrolled", "unrolled model", config, drawn, recipe.pretraining)
    return [unrolled, *one_stage(recipe, _from_unrolled)]


def _check_lmn(recipe: Recipe) -> None:
    start, model = recipe.start, recipe.model
    _check_one_scale(recipe)
    if start in ("delay", "legendre") and model.memory_size < model.hidden_size:
        raise UsageError(f'start "{start}" needs a memory_size of at least hidden_size')
    if start == "legendre" and model.memory_size > 100 * model.hidden_size:
        raise UsageError('start "legendre" needs a memory_size of at most 100 times hidden_size')


def _check_one_scale(recipe: Recipe) -> None:
    if recipe.model.scales != 1:
        raise UsageError('model.scales belongs to network "ms-lmn"')


def _from_unrolled(material: Material) -> Made:
    unrolled, recipe, generator = material.before, material.recipe, material.generator()
    assert unrolled is not None
    size, songs = recipe.model.memory_size, some_songs(material.songs, recipe.laes_frames, generator)
    memory = fit_memory(
        unrolled,
        songs,
        size,
        centre=recipe.laes_centre,
        length=recipe.laes_length,
        generator=generator,
        processes=material.sharing,
    )
    kept = memory.explained_energy_
    note = f"a memory of {size} keeps {kept:.1%} of the energy"
    return Made(hand_over(unrolled, memory, material.config), figures={"energy_kept": kept}, note=note)


# --- ms-lmn: one memory after the other is put in, and gets an equal share of the epochs


def _multiscale(recipe: Recipe) -> list[Stage]:
    scales = recipe.model.scales
    share = recipe.training.epochs // scales
    stages = []
    for number in range(1, scales + 1):
        name = recipe.model.network if number == scales else f"{number}. scale"
        epochs = recipe.training.epochs - share * (scales - 1) if number == scales else share
        stages.append(
            Stage(
                name,
                name.upper() if number == scales else name,
                recipe.model.model_copy(update={"scales": number}),
                _first_scale if number == 1 else _next_scale,
                recipe.training.model_copy(update={"epochs": epochs}),
            )
        )
    return stages


def _check_multiscale(recipe: Recipe) -> None:
    if recipe.model.architecture != "dense":
        raise UsageError('network "ms-lmn" can be trained in architecture "dense" only')
    if recipe.training.epochs < recipe.model.scales:
        raise UsageError("training.epochs must be at least model.scales: each scale gets an equal share")


def _first_scale(material: Material) -> Made:
    scales, longest = material.recipe.model.scales, int(lengths_of(material.songs).max())
    if scales > 1 and longest <= 2 ** (scales - 1):
        raise TrainingError(
            f"the slowest memory of model.scales={scales} reads one frame in {2 ** (scales - 1)}, and the longest "
            f"song to train on has {longest}: choose fewer scales"
        )
    return drawn(material)


def _next_scale(material: Material) -> Made:
    model, recipe = material.before, material.recipe
    assert isinstance(model, DenseModel)
    songs = some_songs(material.songs, recipe.laes_frames, material.generator())
    wider = with_next_scale(model, songs, centre=recipe.laes_centre, length=recipe.laes_length, process=material.alone)
    return Made(wider, unchanged=True)


# --- rnn: with the start `laes` it begins as the autoencoder of its inputs


def _check_rnn(recipe: Recipe) -> None:
    _check_recurrent(recipe)
    if recipe.start == "laes" and recipe.model.architecture != "dense":
        raise UsageError('network "rnn" can start as an autoencoder in architecture "dense" only')


def _rnn(recipe: Recipe) -> list[Stage]:
    return one_stage(recipe, _autoencoder if recipe.start == "laes" else drawn)


def _check_recurrent(recipe: Recipe) -> None:
    _check_one_scale(recipe)
    if recipe.model.readout != "memory":
        network = recipe.model.network
        raise UsageError(f'model.readout belongs to networks with a linear memory, not to "{network}"')


def _autoencoder(material: Material) -> Made:
    recipe, model = material.recipe, drawn(material).model
    assert isinstance(model, DenseModel)
    songs = some_songs(material.songs, recipe.laes_frames, material.generator())
    start_from_inputs(model, songs, centre=recipe.laes_centre, length=recipe.laes_length, process=material.alone)
    return Made(model)


# By `ModelConfig.network`. A new network is an entry here and one in `lmn_music.models.build.NETWORKS`.
FAMILIES: dict[str, Family] = {
    "lmn": Family(_lmn, ("laes",), _check_lmn),
    "gated-lmn": Family(_lmn, ("laes",), _check_lmn),
    "ms-lmn": Family(_multiscale, check=_check_multiscale),
    "rnn": Family(_rnn, ("laes",), _check_rnn),
    "gru": Family(one_stage, check=_check_recurrent),
    "lstm": Family(one_stage, check=_check_recurrent),
}
