"""What the study of capacity depends on: its protocol, and what a task measures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

SYNTHETIC = ("white noise", "structured")
SHORT, LONGER = "first lags", "trained longer"  # variants, at the size that is shown
VARIANTS = ("", LONGER, SHORT)


@dataclass(frozen=True)
class Training:
    """How RNN and LSTM are trained by gradient descent to hold the past."""

    sizes: tuple[int, ...] = (25, 100, 200)  # of their states
    seeds: int = field(default=3, repr=False)  # at the size that is shown; one at the others
    gains: tuple[float, ...] = (0.03, 0.3)  # root mean squares of an input, to choose from; small: a linear network
    rates: tuple[float, ...] = (1e-3, 3e-3)  # learning rates to choose from
    trial: int = 100  # steps of Adam after which gain and rate are chosen
    steps: int = 400  # of the training itself, along which the rate falls to 0 like half a cosine
    batch: int = 16  # pieces in a step
    lags: int = 8  # how many a step looks at, drawn anew out of all that are measured
    checks: int = 4  # how often the weights are validated, besides those before the first step
    first: int = 20  # at the size that is shown, memories are also made for the frames 0, ..., first - 1 steps back
    longer: int = 10  # on rolls the training is also so many times as long


@dataclass(frozen=True)
class Protocol:
    """All that the study depends on. The defaults are the full study.

    Songs are cut into pieces of as many frames as there are lags, each read as a song of its own, and synthetic
    sequences are as long: the autoencoder of long songs would spend its cells on lags that are not judged.
    """

    # Rolls, and hidden activations of the models that are shipped for them. No task depends on the other corpora.
    corpora: tuple[str, ...] = field(default=("jsb", "nottingham", "muse", "piano"), repr=False)
    sizes: tuple[int, ...] = (10, 25, 50, 100, 200, 400)  # of the memories
    seeds: int = field(default=3, repr=False)  # of random memories
    frames: int = 20_000  # of the training and of the test split, about, in whole songs
    lags: int = 100  # the most to read out
    shown: int = 100  # the size that is shown in detail
    noise_inputs: int = 8  # of white noise
    structured: tuple[int, int] = (16, 6)  # inputs and rank of the structured sequences
    ridge: float = 1e-8  # of the readouts; smaller than by default, for the sake of echo states, which lose most by it
    training: Training = Training()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the names of all that the memories are fed with."""
        return (*SYNTHETIC, *(f"{what} {corpus}" for what in ("rolls", "activations") for corpus in self.corpora))

    def part(self, corpora: tuple[str, ...], seeds: int | None) -> Protocol:
        """Return the protocol for these corpora alone, and so many seeds."""
        training = replace(self.training, seeds=seeds or self.training.seeds)
        return replace(self, corpora=corpora or self.corpora, seeds=seeds or self.seeds, training=training)


@dataclass(frozen=True)
class Spec:
    """What a task measures."""

    protocol: Protocol
    data: Path | None = field(repr=False)
    source: str  # the SHA-256 of what the input is made of, "" for synthetic sequences
    input: str
    memory: str
    size: int = 0  # of its state; 0 for all sizes at once
    seeds: int = 1
    variant: str = ""  # "", SHORT or LONGER

    @property
    def name(self) -> str:
        """Return the name of the task."""
        return ", ".join(map(str, filter(None, (self.input, self.memory, self.size, self.variant))))

    @property
    def lags(self) -> int:
        """Return how many lags the memory is made and chosen for."""
        lags = self.protocol.lags
        return min(self.protocol.training.first, lags) if self.variant == SHORT else lags
