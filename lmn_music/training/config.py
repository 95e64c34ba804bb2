"""All values that a training depends on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lmn_music.models.config import ModelConfig, Settings

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=10**9)]


class TrainingConfig(Settings):
    """How one stage is trained. Likelihoods are in nats per frame; an epoch is one pass over the training split.

    Attributes:
        epochs: at most so many.
        batch_songs: songs side by side.
        chunk: frames between two steps of truncated back-propagation.
        learning_rate: the learning rate of Adam.
        memory_rate: the memory's own weights, and the feedback of the unrolled model, learn at this share of the
            learning rate; 0: they are frozen. Their entries are small (1/16 in an orthogonal matrix of 256), and steps
            of the size that suits the others soon undo what the memory was made to hold.
        weight_decay: the weight decay of Adam.
        clip: largest norm of a gradient.
        decay: the learning rate is multiplied by this number after `patience`.
        patience: epochs without a better validation likelihood before the learning rate falls.
        stop: epochs without a better validation likelihood before the stage ends.
        anneal: instead of waiting, let the learning rate fall to nothing along half a cosine over all `epochs`.
        transpose: augmentation by up to so many semitones.
        ema_decay: decay per step of the running average of the weights that is validated and kept; 0 for none.
    """

    epochs: Annotated[int, Field(ge=0, le=10**9)] = 200
    batch_songs: Count = 16
    chunk: Count = 100
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2e-3
    memory_rate: Annotated[float, Field(ge=0, le=1)] = 0.1
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    clip: Positive = 1.0
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.4
    patience: Count = 4
    stop: Count = 12
    anneal: bool = False
    transpose: Annotated[int, Field(ge=0, le=11)] = 0
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Recipe(Settings):
    """A whole training: the model, what its memory starts as, and how each stage is trained.

    What fits together depends on the network, see `lmn_music.training.stages.check_recipe`.

    Attributes:
        model: what is trained.
        start: what the memory starts as. `laes` trains the unrolled model first (`pretraining`), fits the autoencoder
            to its activations and carries everything over; the others start the LMN from drawn weights, and its memory
            from one that knows nothing of the data (see `LMN.reset`). Of other networks, `laes` starts an rnn from the
            autoencoder of its inputs, and `orthogonal` and `random` say how recurrent weights are drawn. Each network
            names its own (`Network.starts`), and its family those that need more than a network (`Family.starts`).
        laes_centre: subtract the mean activation before the autoencoder is fitted.
        laes_frames: fit it to so many frames of whole training songs, drawn by the seed (on a large corpus more change
            little and take long).
        laes_length: cut these songs into pieces of so many frames, each read as a song of its own; 0: whole songs.
            Short pieces lose less at the hand-over, whole songs hold what is long past.
        pretraining: how the unrolled model is trained.
        training: how the model itself is trained.
    """

    model: ModelConfig = ModelConfig()
    start: Annotated[str, Field(max_length=40)] = "laes"
    laes_centre: bool = True
    laes_frames: Count = 20_000
    laes_length: Annotated[int, Field(ge=0, le=10**9)] = 0
    pretraining: TrainingConfig = TrainingConfig()
    training: TrainingConfig = TrainingConfig()
