"""What a sweep tries: a corpus, a recipe, and values of the recipe to choose from, as a TOML file says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from lmn_music.errors import LmnMusicError, UsageError
from lmn_music.files import read_regular
from lmn_music.models.config import Seed, Settings, fault_of
from lmn_music.training.recipe import LONGEST, parse_toml

if TYPE_CHECKING:
    import optuna

MISSING = "a sweep needs optuna: install it with `pip install 'lmn-music[scale]'`"
Count = Annotated[int, Field(ge=1, le=10**6)]


class Range(Settings):
    """The values of a number that are tried.

    Attributes:
        low, high: the smallest and the largest value; whole numbers if both are written so.
        log: whether values are spread evenly over the logarithm.
        step: the distance between two values; any if not given.
    """

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @model_validator(mode="after")
    def _has_values(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, not {self.low} and {self.high}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log needs a low above 0 and no step")
        return self

    def suggest(self, name: str, trial: optuna.Trial) -> int | float:
        """Return the value that a trial is to have."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, step=int(self.step or 1), log=self.log)
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)


def _with_ranges(search: object) -> object:
    """Let a table be a range, so that what is wrong in it is told of a range alone."""
    if not isinstance(search, dict):
        return search
    return {name: Range.model_validate(value) if isinstance(value, dict) else value for name, value in search.items()}


class SweepConfig(Settings):
    """What a sweep tries. The validation likelihood decides; the test split is never read.

    Attributes:
        corpus: a name or a folder, as `train` takes it.
        recipe: a recipe's name or a .toml file; the corpus's own if not given.
        changes: values of the recipe that all trials share, each as "KEY=VALUE".
        epochs: at most so many in each stage; as the recipe says if not given.
        trials: how many trainings.
        seed: of all trainings, and of the sampler.
        warmup: no trial is given up in its first epochs of the last stage, so many.
        search: by the name of a value of the recipe, a list of values or a `Range`.
    """

    corpus: str
    recipe: str | None = None
    changes: tuple[str, ...] = ()
    epochs: Count | None = None
    trials: Count
    seed: Seed = 1
    warmup: Annotated[int, Field(ge=0)] = 5
    search: Annotated[
        dict[str, tuple[str | bool | int | float, ...] | Range], Field(min_length=1), BeforeValidator(_with_ranges)
    ]

    def suggest(self, trial: optuna.Trial) -> list[str]:
        """Return the changes of the recipe that a trial is to have."""
        values: dict[str, Any] = {
            name: choice.suggest(name, trial)
            if isinstance(choice, Range)
            else trial.suggest_categorical(name, list(choice))
            for name, choice in self.search.items()
        }
        return [f"{name}={_written(value)}" for name, value in values.items()]


def read_sweep(path: Path) -> SweepConfig:
    """Read a sweep from a TOML file.

    Args:
        path: the file.

    Raises:
        UsageError: it cannot be read, or says something that cannot be; the message names it.
    """
    try:
        return SweepConfig.model_validate(parse_toml(read_regular(path, LONGEST).decode()))
    except ValidationError as error:
        raise UsageError(f"{path}: {fault_of(error)}") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is no TOML file that can be read ({error})") from error


def load_optuna() -> Any:
    """Return optuna, which says warnings only.

    Raises:
        LmnMusicError: it is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise LmnMusicError(MISSING) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _written(value: str | bool | float) -> str:
    """Return a value as TOML writes it."""
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)
