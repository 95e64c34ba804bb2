"""Studies that train the same model under several conditions and seeds: the declaration, and how it becomes tasks."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from lmn_music.errors import UsageError
from lmn_music.training.config import Recipe
from lmn_music.training.recipe import load_recipe
from lmn_music.training.stages import stages_of
from studies.engine import Row, Step
from studies.networks import registered
from studies.training_task import SpeedTask, TrainingTask, Yardstick, corpus_of

Condition = tuple[str, ...]  # one level of each factor
RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class TrainingStudy:
    """What is varied, and how each training is made.

    Attributes:
        name: the name of the study and of its table of results.
        about: what it asks, in one line.
        factors: what the levels of a condition are levels of, such as ("model", "start").
        conditions: the changes of the recipe that each condition stands for, such as "start=delay training.epochs=5";
            by corpus where they differ, or where a condition is not for all corpora.
        recipes: by corpus, a recipe (its name, or the name of a file in studies/recipes) and the changes that all
            conditions share.
        seeds: how many, by corpus; they count from 1.
        test: whether the test split is read, once at the end of each training that is reported.
        grid: settings to choose from, by corpus: each is tried with seed 1, and the one with the best validation
            likelihood is trained with all seeds. Empty: nothing is chosen.
        seconds: the length of each training on one core, by corpus. It is turned into epochs beforehand, by a
            measurement of the speed of each model (the first factor), so that what else the machine does changes no
            figure. Empty: the recipe says how many epochs.
        timing: the epochs by which the speed of a model is measured, and how often.
        yardsticks: by model (the first factor) and corpus, changes of the recipe for a model whose seconds of an epoch
            are known from earlier measurements, and these seconds, so that the time is the same on another machine.
        make_tables: makes the tables out of the trainings that are reported.
        make_figures: draws them into a folder.
        beside: names of the studies whose trainings stand in the same tables.
        only: if not empty, conditions with none of these levels are left out.
    """

    name: str
    about: str
    factors: tuple[str, ...]
    conditions: Mapping[Condition, str | Mapping[str, str]]
    recipes: Mapping[str, str]
    seeds: Mapping[str, int]
    test: bool = False
    grid: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    timing: tuple[int, int] = (3, 2)
    yardsticks: Mapping[tuple[str, str], tuple[str, float]] = field(default_factory=dict)
    make_tables: Callable[[pd.DataFrame], dict[str, str]] = lambda _: {}
    make_figures: Callable[[pd.DataFrame, Path], None] = lambda _, __: None
    beside: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    def tables(self, rows: Sequence[Row]) -> dict[str, str]:
        """Return the tables, see `Study`."""
        return self.make_tables(self._reported(rows))

    def draw(self, rows: Sequence[Row], out: Path) -> None:
        """Draw the figures, see `Study`."""
        self.make_figures(self._reported(rows), out)

    def _reported(self, rows: Sequence[Row]) -> pd.DataFrame:
        """Return the trainings that are reported, in the order of the declaration."""
        places = {condition: place for place, condition in enumerate(self.conditions)}
        found = pd.DataFrame([row for row in rows if row["kind"] == "reported"])
        levels = [tuple(row) for row in found[list(self.factors)].to_numpy()] if len(found) else []
        found["place"] = [places.get(level, len(places)) for level in levels]
        return found.sort_values(["corpus", "place", "seed"], ignore_index=True) if len(found) else found

    def recipe(self, corpus: str, condition: Condition, setting: str = "", epochs: int | None = None) -> Recipe:
        """Return the recipe of one training."""
        own = self.conditions[condition]
        words = [own if isinstance(own, str) else own[corpus]]
        words += [self.grid[corpus][setting]] if setting else []
        return self._recipe(corpus, *words, f"training.epochs={epochs}" if epochs else "")

    def yardstick(self, corpus: str, condition: Condition) -> Yardstick | None:
        """Return what the speed of a model is measured beside."""
        if (condition[0], corpus) not in self.yardsticks:
            return None
        changes, seconds = self.yardsticks[condition[0], corpus]
        return Yardstick(self._recipe(corpus, changes, f"training.epochs={self.timing[0]}"), seconds)

    @registered()
    def _recipe(self, corpus: str, *changes: str) -> Recipe:
        name, *words = " ".join((self.recipes[corpus], *changes)).split()
        file = RECIPES / f"{name}.toml"
        return load_recipe(file if file.exists() else name, words)

    def steps(self, out: Path, data: Path | None) -> tuple[Sequence[Step], int]:
        """Return, corpus by corpus, the measurements of speed, the trials and the trainings that are reported."""
        plans = [_Plan(self, corpus, corpus_of(corpus, data).sha256, out / self.name, data) for corpus in self.seeds]
        return [step for plan in plans for step in (plan.timings, plan.trials, plan.finals)], sum(map(len, plans))


class _Plan:
    """What a study has to do on one corpus."""

    @registered()
    def __init__(self, study: TrainingStudy, corpus: str, sha256: str, folder: Path, data: Path | None) -> None:
        self.study, self.corpus, self.sha256, self.folder, self.data = study, corpus, sha256, folder, data
        self.settings = tuple(study.grid.get(corpus, ("",)))
        here = [c for c, own in study.conditions.items() if isinstance(own, str) or corpus in own]
        self.conditions = [c for c in here if not study.only or {*c} & {*study.only}]
        # The first condition of a model is timed for all of them, others if there is something before their last stage.
        self.first = {c: next(other for other in here if other[0] == c[0]) for c in self.conditions}
        self.staged = {c for c in self.conditions if len(stages_of(study.recipe(corpus, c, self.settings[0]))) > 1}
        timed = [*self.first.values(), *(c for c in self.conditions if c in self.staged)]
        self.timed = tuple(dict.fromkeys(timed)) if corpus in study.seconds else ()

    def __len__(self) -> int:
        trials = len(self.settings) if self.study.grid else 0
        return len(self.timed) + len(self.conditions) * (trials + self.study.seeds[self.corpus])

    def _name(self, condition: Condition, last: str) -> str:
        return ", ".join((self.corpus, *condition, last))

    def _levels(self, condition: Condition) -> dict[str, str]:
        return {"corpus": self.corpus, **dict(zip(self.study.factors, condition, strict=True))}

    def timings(self, _: Sequence[Row]) -> dict[str, SpeedTask]:
        """Return the measurements of speed."""
        found = {}
        for condition in self.timed:
            recipe = self.study.recipe(self.corpus, condition, self.settings[0], self.study.timing[0])
            yardstick = self.study.yardstick(self.corpus, condition)
            found[self._name(condition, "speed")] = SpeedTask(
                self._levels(condition), self.sha256, recipe, self.study.timing[1], self.data, yardstick
            )
        return found

    def trials(self, rows: Sequence[Row]) -> dict[str, TrainingTask]:
        """Return the trainings among which the settings are chosen."""
        return {
            self._name(condition, setting): self._training(rows, condition, setting)
            for condition in self.conditions
            for setting in (self.settings if self.study.grid else ())
        }

    def finals(self, rows: Sequence[Row]) -> dict[str, TrainingTask]:
        """Return the trainings that are reported: every seed with the best setting."""
        reached = {row["task"]: row["valid_nll"] for row in rows if row.get("valid_nll") is not None}
        found = {}
        for condition in self.conditions:
            # A trial that broke off in its first epoch has reached nothing.
            tried = {setting: reached.get(self._name(condition, setting), math.inf) for setting in self.settings}
            setting = min(tried, key=tried.__getitem__)
            for seed in range(1, self.study.seeds[self.corpus] + 1):
                found[self._name(condition, f"seed {seed}")] = self._training(rows, condition, setting, seed)
        return found

    def _training(
        self, rows: Sequence[Row], condition: Condition, setting: str, seed: int | None = None
    ) -> TrainingTask:
        """Return a training; a trial if there is no seed."""
        before, epoch, epochs = self._speed(rows, condition)
        return TrainingTask(
            levels=self._levels(condition),
            setting=setting,
            seed=seed or 1,
            sha256=self.sha256,
            recipe=self.study.recipe(self.corpus, condition, setting, epochs),
            before=before,
            epoch=epoch,
            test=self.study.test and seed is not None,
            reported=seed is not None,
            folder=self.folder / re.sub(r"[^\w.]+", "-", self._name(condition, f"{setting} {seed or 1}")),
            data=self.data,
        )

    def _speed(self, rows: Sequence[Row], condition: Condition) -> tuple[float | None, float | None, int | None]:
        """Return the planned seconds before the first epoch of the last stage and of each epoch, and their number."""
        if not self.timed:
            return None, None, None
        timed, before = {row["task"]: row for row in rows}, 0.0
        epoch = timed[self._name(self.first[condition], "speed")]["epoch_seconds"]
        if condition in self.staged:
            own = timed[self._name(condition, "speed")]
            # In epochs of its own measurement: the machine may have been faster or slower in the other.
            before = round(epoch * own["before_seconds"] / own["epoch_seconds"], 4)
        epochs = int((self.study.seconds[self.corpus] - before) / epoch)
        if epochs < 1:
            raise UsageError(
                f"{self.study.seconds[self.corpus]:g} seconds on {self.corpus} are over before {', '.join(condition)} "
                "has had an epoch"
            )
        return before, epoch, epochs
