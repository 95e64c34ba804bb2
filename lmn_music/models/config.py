"""What a model is made of. A checkpoint carries this, and rebuilds its model from nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Size = Annotated[int, Field(ge=1, le=65536)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Probability = Annotated[float, Field(ge=0, lt=1)]


class Settings(BaseModel):
    """Base of all configuration: frozen, and unknown keys are refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def fault_of(error: ValidationError) -> str:
    """Return the first fault that pydantic has found, in one line: the place, and what is wrong there."""
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    text = fault["msg"].removeprefix("Value error, ")
    return (f"{place}: {text}" if place else text)[:200]


class ModelConfig(Settings):
    """What a sequence model is made of.

    What a network can do with these values, and what a training can, is checked where this is known:
    `lmn_music.models.build.network_type`, `lmn_music.training.stages.check_recipe`.

    Attributes:
        architecture: `dense`, one network that reads whole frames; `tied`, one small network that runs over time for
            each key, with the same weights for all keys (output `nade` only).
        network: a name in `lmn_music.models.build.NETWORKS`. `lmn` and `gated-lmn`; `unrolled` and `gated-unrolled`,
            the first stage of their own training algorithm; `ms-lmn`, with a memory for each of `scales` time scales;
            the baselines `rnn`, `gru` and `lstm`.
        output: p(frame | past). `bernoulli` takes the 88 keys as independent, `nade` takes each key given the keys
            below it.
        output_hidden_size: rectified units between the readout and the output. 0 means none, as in the papers; only
            `bernoulli` works without them.
        hidden_size: units of the functional component; in the tied architecture, of each key.
        memory_size: cells of the memory; in the tied architecture, of each key; of an ms-lmn, of each scale.
        scales: the number of memories of an ms-lmn.
        readout: what the output reads of the network: its memory (LMN-B), its hidden units (LMN-A), or both.
        window: the frames that the unrolled network keeps.
        feedback: whether the unrolled network's hidden states depend on the hidden states before them. W_mh of the LMN
            is made of these weights; without them it starts at zero.
        metre: the network also reads the frame's number modulo each of these.
        absolute_pitch: (tied) each key has weights for its own number; without, a song and its transposition are
            equally likely.
        recall: (tied) each key also reads what followed the places of the song that resemble its present end.
        copies: (tied) with copy experts, which read what followed the places that equal the song's present end.
        copies_hidden_size: (tied) units of each of the two hidden layers of the copy experts.
        own_past: (tied) with a vector that enters every key while the frames that are read are the model's own.
        voices: (tied) every key also reads the mean of a linear readout from the memories of the sounding keys.
        input_dropout: (dense) on the network's input, in training.
        dropout: on the network's output and in the output model, in training.
    """

    architecture: Literal["dense", "tied"] = "dense"
    network: Annotated[str, Field(max_length=40)] = "lmn"
    output: Literal["bernoulli", "nade"] = "bernoulli"
    output_hidden_size: Annotated[int, Field(ge=0, le=65536)] = 0
    hidden_size: Size = 256
    memory_size: Size = 256
    scales: Annotated[int, Field(ge=1, le=16)] = 1
    readout: Literal["memory", "hidden", "both"] = "memory"
    window: Annotated[int, Field(ge=1, le=512)] = 8
    feedback: bool = False
    metre: Annotated[tuple[Size, ...], Field(max_length=16)] = ()
    absolute_pitch: bool = True
    recall: bool = True
    voices: bool = True
    copies: bool = False
    copies_hidden_size: Size = 32
    own_past: bool = False
    input_dropout: Probability = 0.0
    dropout: Probability = 0.0

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Leave out the size of copy experts that the model has not."""
        return [(name, value) for name, value in super().__repr_args__() if self.copies or name != "copies_hidden_size"]

    @model_validator(mode="after")
    def _fits_together(self) -> ModelConfig:
        if self.architecture == "tied" and self.output != "nade":
            raise ValueError('architecture "tied" needs output "nade"')
        if self.output == "nade" and not self.output_hidden_size:
            raise ValueError('output "nade" needs an output_hidden_size of at least 1')
        if self.architecture == "tied" and self.input_dropout:
            raise ValueError('architecture "tied" has no input_dropout')
        tied = not (self.absolute_pitch and self.recall and self.voices) or self.copies or self.own_past
        if self.architecture == "dense" and tied:
            raise ValueError('absolute_pitch, recall, voices, copies and own_past belong to architecture "tied"')
        return self
