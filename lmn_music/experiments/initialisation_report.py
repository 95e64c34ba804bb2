"""Tables and figures of the experiment on starts, from its stored results."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from lmn_music.corpora import BENCHMARKS
from lmn_music.evaluation.published import TAGS, Definition, published_accuracies
from lmn_music.experiments.figures import save
from lmn_music.experiments.initialisation import MODELS, SECONDS, STARTS, Start
from lmn_music.experiments.page import paired_interval, spread, table
from lmn_music.experiments.store import Result

Runs = dict[int, Result]  # by seed
Cells = dict[tuple[str, str], dict[Start, Runs]]  # by corpus and model
LMNS = ("LMN-A", "LMN-B", "LMN-NADE", "tied")


def cells(results: Mapping[str, Result]) -> Cells:
    """Return the trainings that read the test split, sorted as they were planned."""
    found: Cells = {}
    for result in results.values():
        if result.get("curve"):
            key = result["corpus"], result["model"]
            found.setdefault(key, {}).setdefault(result["start"], {})[result["seed"]] = result
    corpora, models = [*SECONDS], [*MODELS, "tied"]
    places = {key: (_place(key[0], corpora), _place(key[1], models)) for key in found}
    return {
        key: {start: dict(sorted(found[key][start].items())) for start in STARTS if start in found[key]}
        for key in sorted(found, key=lambda key: places[key])
    }


def _place(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)


def values(runs: Runs, figure: str) -> list[float]:
    """Return a figure of all seeds."""
    return [float(result[figure]) for result in runs.values()]


def tables(results: Mapping[str, Result]) -> dict[str, str]:
    """Return every table as Markdown, by the name of its mark; those without results are left out."""
    found = cells(results)
    starts = {key: runs for key, runs in found.items() if key[1] in LMNS}
    rows: dict[str, list[dict[str, Any]]] = {
        "starts": [
            {"corpus": corpus, "model": model, "seeds": len(next(iter(runs.values())))}
            | {start: spread(values(runs[start], "test_nll")) if start in runs else "" for start in STARTS}
            for (corpus, model), runs in starts.items()
        ],
        "starts-valid": [
            {"corpus": corpus, "model": model}
            | {start: spread(values(runs[start], "valid_nll")) if start in runs else "" for start in STARTS}
            for (corpus, model), runs in starts.items()
        ],
        "paired": [row for key, runs in starts.items() for row in _paired(key, runs)],
        "speed": [row for key, runs in starts.items() for row in _speed(key, runs)],
        "baselines": [
            {
                "corpus": corpus,
                "model": name,
                "parameters": next(iter(seeds.values()))["parameters"],
                "validation": spread(values(seeds, "valid_nll")),
                "test": spread(values(seeds, "test_nll")),
                "first frame out": spread(values(seeds, "first_frame_excluded")),
            }
            for (corpus, model), runs in found.items()
            if model != "tied"
            for name, seeds in _beside_others(model, runs)
        ],
        "accuracy-threshold": list(_accuracies(found, "threshold")),
        "accuracy-sampled": list(_accuracies(found, "sampled")),
        "settings": [
            {
                "corpus": corpus,
                "model": model,
                "start": start,
                "setting": next(iter(seeds.values()))["setting"] or "its recipe",
                "epochs": statistics.mean(values(seeds, "epochs")),
                "seconds": statistics.mean(values(seeds, "seconds")),
                "broken off": sum(result["failed"] is not None for result in seeds.values()),
            }
            for (corpus, model), runs in found.items()
            for start, seeds in runs.items()
        ],
    }
    return {name: table(lines) for name, lines in rows.items() if lines}


def _beside_others(model: str, starts: dict[Start, Runs]) -> Iterator[tuple[str, Runs]]:
    """Yield, by name, what of a model stands beside other networks: of an LMN the first two starts."""
    for start in STARTS[:2] if model in LMNS else starts:
        if start in starts:
            yield f"{model}, {start}" if model in LMNS else model, starts[start]


def _accuracies(found: Cells, definition: Definition) -> Iterator[dict[str, Any]]:
    """Yield the accuracies by one definition, in percent, of every model on every corpus, then the published ones."""
    figure = {"threshold": "accuracy_thresholded", "sampled": "accuracy_sampled"}[definition]
    rows: dict[str, dict[str, str]] = {}
    for (corpus, model), starts in found.items():
        for name, seeds in _beside_others(model, starts):
            rows.setdefault(name, {})[corpus] = spread([100 * value for value in values(seeds, figure)], 1)
    corpora = [corpus for corpus in BENCHMARKS if any(corpus in row for row in rows.values())]
    if not corpora:
        return
    sources = dict.fromkeys(rows, "measured")
    for published in published_accuracies(definition):
        percent = ((corpus, published.figure(corpus)) for corpus in corpora)
        rows[published.model] = {corpus: str(value) for corpus, value in percent if value is not None}
        sources[published.model] = TAGS[published.tag]
    for name, row in rows.items():
        yield {"model": name, **{corpus: row.get(corpus, "") for corpus in corpora}, "source": sources[name]}


def _paired(key: tuple[str, str], runs: dict[Start, Runs]) -> Iterator[dict[str, Any]]:
    """Yield how far the LAES start is ahead of each other start: test likelihoods, seed by seed."""
    for start in STARTS[1:]:
        if start in runs and "laes" in runs:
            both = sorted(runs["laes"].keys() & runs[start].keys())
            if len(both) < 2:  # of trainings under way
                continue
            differences = [runs["laes"][seed]["test_nll"] - runs[start][seed]["test_nll"] for seed in both]
            mean, half = paired_interval(differences)
            yield {
                "corpus": key[0],
                "model": key[1],
                "laes against": start,
                "difference, 95 % interval": f"{mean:+.3f} ({mean - half:+.3f} to {mean + half:+.3f})",
                "better in": f"{sum(d < 0 for d in differences)} of {len(both)}",
                "verdict": "undecided" if not abs(mean) > half else "better" if mean < 0 else "worse",
            }


def _speed(key: tuple[str, str], runs: dict[Start, Runs]) -> Iterator[dict[str, Any]]:
    """Yield epochs, of both stages, and seconds to the validation likelihood that every run of the group reached."""
    level = max(min(nll for *_, nll in run["curve"]) for seeds in runs.values() for run in seeds.values())
    for start, seeds in runs.items():
        reached = [
            next((epochs, seconds) for epochs, seconds, nll in run["curve"] if nll <= level) for run in seeds.values()
        ]
        yield {
            "corpus": key[0],
            "model": key[1],
            "validation": f"{level:.3f}",
            "start": start,
            "epochs": spread([float(epochs) for epochs, _ in reached], 1),
            "seconds": spread([seconds for _, seconds in reached], 1),
        }


def draw(results: Mapping[str, Result], out: Path) -> None:
    """Draw validation likelihoods against time, a panel for each corpus and model: starts.png and starts.svg."""
    found = cells(results)
    panels = [("LMN-A", ()), ("LMN-B", ("RNN", "GRU", "LSTM")), ("LMN-NADE", ("RNN-NADE", "GRU-NADE", "LSTM-NADE"))]
    panels += [("tied", ())]
    if not found:
        return
    rows = [panel for panel in panels if any(model == panel[0] for _, model in found)]
    corpora = list(dict.fromkeys(corpus for corpus, _ in found))
    figure = Figure(figsize=(4 * len(corpora), 3.2 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(corpora), squeeze=False)
    for (model, others), line in zip(rows, axes, strict=True):
        for corpus, axis in zip(corpora, line, strict=True):
            runs = found.get((corpus, model))
            if runs is None:
                axis.set_axis_off()
                continue
            for number, (start, seeds) in enumerate(runs.items()):
                _curve(axis, seeds, start, f"C{number}", "-")
            for number, other in enumerate(others):
                for seeds in found.get((corpus, other), {}).values():
                    _curve(axis, seeds, other, f"C{4 + number}", ":")
            ends = [min(nll for *_, nll in run["curve"]) for seeds in runs.values() for run in seeds.values()]
            axis.set(title=f"{corpus}, {model}", xlabel="seconds", ylabel="validation, nats per frame")
            axis.set_ylim(min(ends) - 0.1, max(ends) + 0.35 * (max(ends) - min(ends)) + 1.0)
            axis.grid(visible=True, alpha=0.3)
            axis.legend(fontsize=7)
    save(figure, out / "starts")


def _curve(axis: Any, seeds: Runs, label: str, colour: str, style: str) -> None:
    """Draw the best validation likelihood so far: the mean over seeds, and from the least to the greatest."""
    start = max(run["curve"][0][1] for run in seeds.values())
    end = max(run["curve"][-1][1] for run in seeds.values())
    times = np.linspace(start, end, 200)
    curves: npt.NDArray[np.float64] = np.array([_best_so_far(run["curve"], times) for run in seeds.values()])
    axis.plot(times, curves.mean(axis=0), style, color=colour, label=label, linewidth=1.2)
    axis.fill_between(times, curves.min(axis=0), curves.max(axis=0), color=colour, alpha=0.15, linewidth=0)


def _best_so_far(curve: list[tuple[float, float, float]], times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    _, seconds, nll = np.array(curve).T
    return np.asarray(np.minimum.accumulate(nll)[np.searchsorted(seconds, times, side="right") - 1])
