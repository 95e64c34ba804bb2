"""One layer on one problem: how long a step takes, which rate is best, and what every seed reaches."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import nn

from lmn_music.memory.laes import fit_autoencoder
from lmn_music.models.networks.lmn import LMN
from lmn_music.models.networks.unrolled import Unrolled
from studies.engine import Row
from studies.memory.layers import FITTED, LAYERS, Model, count, make
from studies.memory.problem import Problem, Split
from studies.memory.protocol import Protocol, load

AT_ONCE = 128  # sequences that are read at once where nothing is learned
WARM, TIMED = 2, 6  # steps
SCALES = (1.0, 3.0, 10.0, 30.0)


@dataclass(frozen=True)
class Trained:
    """What came out of a training.

    Attributes:
        model: with the weights of the best validation.
        start: the test score before the first step, where the readout alone is fitted.
        curve: the score of each validation, the first before the first step.
        steps: of the optimiser, in all.
        seconds: of the processor, planned: what was measured beforehand, by the steps made.
    """

    model: Model
    start: float
    curve: list[float]
    steps: int
    seconds: float = 0.0


@dataclass(frozen=True)
class Cell:
    """Measure a layer on a problem."""

    protocol: Protocol
    problem: str
    layer: str
    data: Path | None = field(repr=False)

    @property
    def name(self) -> str:
        """The name of the task."""
        return f"{self.problem}, {self.layer}"

    def measure(self) -> list[Row]:
        """Return one row: the size and the speed of the layer, and lists with a number for each seed.

        start, valid, test: scores; the first is the test score before the first step. level_steps, level_seconds: when
        the validation first reached the level of the problem, None if never.
        """
        problem, plan = load(self.problem, self.data), self.protocol
        begun = time.process_time()
        model = make(LAYERS[self.layer], problem, plan.parameters, 0)
        fit_readout(model, problem)
        before = time.process_time() - begun
        step = seconds_of_step(model, problem, plan.batch)
        tried = {rate: max(self._trained(problem, rate, 0, step, before, plan.trial).curve) for rate in plan.rates}
        rate = max(tried, key=tried.__getitem__)
        row: Row = {"problem": self.problem, "layer": self.layer, "parameters": count(model), "rate": rate}
        row["step_ms"] = round(1e3 * step, 3)
        of_seeds: list[Row] = []
        for seed in range(1, plan.seeds + 1):
            found = self._trained(problem, rate, seed, step, before, plan.seconds)
            level = next((i for i, valid in enumerate(found.curve) if valid >= problem.level), None)
            made = None if level is None else round(level / plan.checks * found.steps)
            spent = None if made is None else round(found.seconds - (found.steps - made) * step, 2)
            scores = {"start": found.start, "valid": max(found.curve), "test": score(found.model, problem.test)}
            one = {"seed": seed} | {name: round(value, 3) for name, value in scores.items()}
            of_seeds.append(one | {"level_steps": made, "level_seconds": spent})
        return [row | {name: [one[name] for one in of_seeds] for name in of_seeds[0]}]

    def _trained(self, problem: Problem, rate: float, seed: int, step: float, before: float, seconds: float) -> Trained:
        layer, plan = LAYERS[self.layer], self.protocol
        model = make(layer, problem, plan.parameters, seed)
        if layer.specialised:
            before += plan.first * seconds
            unrolled = _unrolled(model, problem, plan.window)
            fit_readout(unrolled, problem)
            steps = max(1, int(plan.first * seconds / seconds_of_step(unrolled, problem, plan.batch)))
            learned = train(unrolled, problem, rate, seed, steps, plan)
            _hand_over(learned, model, problem)
        fit_readout(model, problem)
        steps = max(plan.checks, int((seconds - before) / step))
        found = train(model, problem, rate, seed, steps, plan)
        return replace(found, seconds=before + steps * step)


def train(model: Model, problem: Problem, rate: float, seed: int, steps: int, plan: Protocol) -> Trained:
    """Train by Adam, the rate falling to zero like half a cosine, and keep the weights of the best validation.

    Args:
        model: changed in place.
        problem: what is learned.
        rate: the learning rate at first.
        seed: of the batches.
        steps: of the optimiser.
        plan: the batch, and how often is validated.
    """
    groups = [{"params": weights, "lr": rate * share} for share, weights in model.parameters_by_rate().items()]
    optimizer = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    generator = torch.Generator().manual_seed(seed)
    checks = {-(-steps * i // plan.checks) for i in range(1, plan.checks + 1)}
    start, curve, kept = score(model, problem.test), [score(model, problem.valid)], copy.deepcopy(model.state_dict())
    for number in range(1, steps + 1):
        step_of(model, problem, optimizer, plan.batch, generator)
        schedule.step()
        if number in checks:
            curve.append(score(model, problem.valid))
            if curve[-1] > max(curve[:-1]):
                kept = copy.deepcopy(model.state_dict())
    model.load_state_dict(kept)
    return Trained(model, start, curve, steps)


def step_of(
    model: Model, problem: Problem, optimizer: torch.optim.Optimizer, batch: int, generator: torch.Generator
) -> None:
    """Learn from one batch."""
    part = problem.train.select(torch.randint(len(problem.train), (batch,), generator=generator))
    optimizer.zero_grad()
    part.loss(model(part.x)).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    model.constrain()


def seconds_of_step(model: Model, problem: Problem, batch: int) -> float:
    """Return the least seconds of a processor that a step takes, of some; the model stays as it is."""
    trial, generator, found = copy.deepcopy(model), torch.Generator().manual_seed(0), []
    optimizer = torch.optim.Adam([w for w in trial.parameters() if w.requires_grad], lr=1e-4)
    for _ in range(WARM + TIMED):
        begun = time.process_time()
        step_of(trial, problem, optimizer, batch, generator)
        found.append(time.process_time() - begun)
    return max(1e-5, min(found[WARM:]))


@torch.no_grad()
def score(model: nn.Module, split: Split) -> float:
    """Return the score of a model on a split; a model whose numbers are not finite has none, -1."""
    parts = [model(split.x[:, first : first + AT_ONCE]) for first in range(0, len(split), AT_ONCE)]
    predicted = torch.cat(parts, dim=1)
    return split.score(predicted) if predicted.isfinite().all() else -1.0


@torch.no_grad()
def fit_readout(model: Model, problem: Problem, ridge: float = 1e-4) -> None:
    """Fit the readout alone, by ridge regression: so every training begins, whatever the layer.

    Of classes the regression is on ones and zeros, times the one of SCALES that gives the least cross-entropy.

    Args:
        model: as it starts.
        problem: whose training split the readout is fitted to.
        ridge: the penalty, relative to the mean square of what the layer puts out.
    """
    split = problem.train.select(slice(256))
    features = model.layer(split.x)[0][split.scored].double()
    right = split.y[split.scored]
    target = nn.functional.one_hot(right, problem.outputs).double() if right.dim() == 1 else right.double()
    features = torch.cat([features, torch.ones(len(features), 1, dtype=torch.float64)], dim=1)
    square = features.T @ features
    square += ridge * square.diagonal().mean() * torch.eye(len(square), dtype=torch.float64)
    weights = torch.linalg.solve(square, features.T @ target)
    if right.dim() == 1:
        said = features @ weights
        weights *= min(SCALES, key=lambda scale: float(nn.functional.cross_entropy(scale * said, right)))
    model.readout.weight.copy_(weights[:-1].T)
    model.readout.bias.copy_(weights[-1])


class _Window(nn.Module):
    """The unrolled model of an LMN without feedback: the hidden states of the last frames side by side."""

    def __init__(self, layer: LMN, window: int) -> None:
        super().__init__()
        self.network = Unrolled(layer.input_size, layer.hidden_size, window, feedback=False)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.network.advance(x, self.network.initial_state(x.shape[1]))


def _unrolled(model: Model, problem: Problem, window: int) -> Model:
    assert isinstance(model.layer, LMN)
    made = _Window(model.layer, window)
    return Model(made, made.network.output_size, problem.outputs)


@torch.no_grad()
def _hand_over(learned: Trained, model: Model, problem: Problem) -> None:
    """Let the LMN have the hidden units that the unrolled model has learned, and their autoencoder as its memory."""
    source, layer = learned.model.layer, model.layer
    assert isinstance(source, _Window)
    assert isinstance(layer, LMN)
    layer.W_xh.copy_(source.network.W_xh)
    layer.b_h.copy_(source.network.b_h)
    h, _ = layer.run(problem.train.x[:, :FITTED], layer.initial_state(min(FITTED, len(problem.train))))
    layer.load_autoencoder(fit_autoencoder(list(h.transpose(0, 1).numpy()), layer.memory_size))
