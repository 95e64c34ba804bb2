"""What the study of layers on sequences depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from studies.memory import recorded, synthetic
from studies.memory.layers import LAYERS
from studies.memory.problem import Problem

COUNTS = (2000, 200, 500)  # sequences of the splits of a task that is drawn
LAGS, TIMES = (10, 30, 100, 300, 1000), (50, 200, 1000)


def _without_files(make: Callable[[], Problem], _: Path | None) -> Problem:
    return make()


PROBLEMS: Mapping[str, Callable[[Path | None], Problem]] = {
    **{f"copy {lag}": partial(_without_files, partial(synthetic.copying, lag, COUNTS)) for lag in LAGS},
    **{f"adding {time}": partial(_without_files, partial(synthetic.adding, time, COUNTS)) for time in TIMES},
    "wave": lambda _: synthetic.wave(),
    "Mackey-Glass": lambda _: synthetic.mackey_glass(),
    "laser": lambda _: recorded.laser(),
    "digits": lambda _: recorded.digits(permuted=False),
    "permuted digits": lambda _: recorded.digits(permuted=True),
    "line digits": lambda _: recorded.mnist_1d(),
    "vowels": recorded.vowels,
    "words": lambda _: synthetic.words(COUNTS),
    # Of files that a user has; not among those of a study unless they are named.
    "MNIST": partial(recorded.mnist, permuted=False),
    "permuted MNIST": partial(recorded.mnist, permuted=True),
    "TIMIT": recorded.timit,
}
OF_FILES = ("MNIST", "permuted MNIST", "TIMIT")


@dataclass(frozen=True)
class Protocol:
    """All that the study depends on. The defaults are the whole study.

    Every model has about the same number of parameters and the same seconds of a processor: the seconds of a step are
    measured first, and say how many steps there are. What an autoencoder takes, or the training of an unrolled model,
    is a part of them.
    """

    problems: tuple[str, ...] = field(default=tuple(name for name in PROBLEMS if name not in OF_FILES), repr=False)
    layers: tuple[str, ...] = field(default=tuple(LAYERS), repr=False)
    parameters: int = 10_000
    seconds: float = 8.0  # of a training
    trial: float = 2.0  # of a training after which the learning rate is chosen, by validation
    rates: tuple[float, ...] = (0.003, 0.01, 0.03)
    seeds: int = 3
    batch: int = 16
    checks: int = 10  # validations of a training; the best of them is what is judged
    window: int = 10  # frames of the unrolled model
    first: float = 0.25  # its share of the seconds


QUICK = Protocol(
    problems=(
        *("copy 10", "copy 100", "vowels", "permuted digits"),
        *("words", "adding 50", "Mackey-Glass", "copy 30"),
    ),
    layers=(
        *("LMN, laes", "LMN, orthogonal", "LMN, delay", "LMN, legendre", "LMN, laes, frozen", "LMN, specialised"),
        *("gated LMN, laes", "MS-LMN", "LMN stack, laes", "RNN", "GRU", "LSTM", "LRU", "S4D"),
    ),
    parameters=5000,
    seconds=0.8,
    trial=0.25,
    rates=(0.003, 0.01),
    checks=5,
)


@cache
def load(name: str, data: Path | None) -> Problem:
    """Return a problem by name, made once in each process.

    Args:
        name: one of PROBLEMS.
        data: the folder of files that a user has.
    """
    return PROBLEMS[name](data)
