"""What a model is made of. A checkpoint carries this, and rebuilds its model from nothing else."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Size = Annotated[int, Field(ge=1, le=65536)]
Probability = Annotated[float, Field(ge=0, lt=1)]


class Settings(BaseModel):
    """Base of all configuration: frozen, and unknown keys are refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ModelConfig(Settings):
    """The shape of a sequence model.

    architecture: `dense`, one network over whole frames.
    network: `lmn`, or `unrolled`, the first stage of the LMN's own training algorithm.
    output: p(frame | past); `bernoulli` takes the 88 keys as independent.
    output_hidden_size: rectified units between the readout and the output; 0 for none, as in the papers.
    hidden_size, memory_size: the LMN's two components. readout: what the output sees of them (LMN-B: memory, LMN-A:
    hidden). window, feedback: of the unrolled network, and so of the hand-over.
    metre: the network also hears the frame's number modulo each of these.
    input_dropout, dropout: on the network's input and on its output, while training.
    """

    architecture: Literal["dense"] = "dense"
    network: Literal["lmn", "unrolled"] = "lmn"
    output: Literal["bernoulli"] = "bernoulli"
    output_hidden_size: Annotated[int, Field(ge=0, le=65536)] = 0
    hidden_size: Size = 256
    memory_size: Size = 256
    readout: Literal["memory", "hidden", "both"] = "memory"
    window: Annotated[int, Field(ge=1, le=512)] = 8
    feedback: bool = False
    metre: tuple[Size, ...] = ()
    input_dropout: Probability = 0.0
    dropout: Probability = 0.0
