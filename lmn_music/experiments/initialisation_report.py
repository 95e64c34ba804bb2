"""Tables and figures of the experiment on starts, from its stored results."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from lmn_music.corpora import BENCHMARKS
from lmn_music.evaluation.published import TAGS, Definition, published_accuracies
from lmn_music.experiments.figures import save
from lmn_music.experiments.initialisation import ANNEALED, MODELS, SECONDS, STARTS, Start
from lmn_music.experiments.page import paired_interval, spread, table
from lmn_music.experiments.store import Result

Runs = dict[int, Result]  # by seed
Cells = dict[tuple[str, str], dict[Start, Runs]]  # by corpus and model
Against = Literal["epochs", "seconds"]
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
                "best after": spread([float(_best_after(run)) for run in seeds.values()], 0),
                "seconds": statistics.mean(values(seeds, "seconds")),
                "broken off": sum(result["failed"] is not None for result in seeds.values()),
            }
            for (corpus, model), runs in found.items()
            for start, seeds in runs.items()
        ],
    }
    return {name: table(lines) for name, lines in rows.items() if lines}


def _best_after(run: Result) -> int:
    """Return after how many epochs the validation likelihood was best."""
    curve = _after_each_epoch(run)
    return 1 + curve.index(min(curve))


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
    """Yield how far the LAES start is ahead of each other start, seed by seed.

    On the test split, which decides; and on the validation split after as many epochs of the LMN, which leaves out what
    the unrolled stage and the autoencoder cost: of trainings whose learning rate does not depend on their length.
    """
    comparable = key[1] != "tied" and key[0] not in ANNEALED
    for start, pairs in _pairs(runs):
        differences = [laes["test_nll"] - other["test_nll"] for laes, other in pairs]
        mean, half = paired_interval(differences)
        yield {
            "corpus": key[0],
            "model": key[1],
            "laes against": start,
            "test, 95 % interval": _interval(differences),
            "p": f"{stats.ttest_1samp(differences, 0).pvalue:.3f}",
            "better in": f"{sum(d < 0 for d in differences)} of {len(pairs)}",
            "verdict": "undecided" if not abs(mean) > half else "better" if mean < 0 else "worse",
            "validation, equal epochs": _interval([_at_equal_epochs(*pair) for pair in pairs]) if comparable else "",
        }


def _pairs(runs: dict[Start, Runs]) -> Iterator[tuple[Start, list[tuple[Result, Result]]]]:
    """Yield the trainings with the LAES start beside those of the same seeds with each other start, two at least."""
    laes = runs.get("laes", {})
    for start in STARTS[1:]:
        other = runs.get(start, {})
        if len(both := sorted(laes.keys() & other.keys())) > 1:  # fewer there are of trainings under way
            yield start, [(laes[seed], other[seed]) for seed in both]


def _interval(differences: Sequence[float], digits: int = 3) -> str:
    mean, half = paired_interval(differences)
    return f"{mean:+.{digits}f} ({mean - half:+.{digits}f} to {mean + half:+.{digits}f})"


def _after_each_epoch(run: Result) -> list[float]:
    """Return the validation likelihood after each epoch of the LMN, without the one before the first."""
    return [nll for epoch, _, nll in run["curve"] if epoch > run["first_stage"]]


def _at_equal_epochs(one: Result, other: Result) -> float:
    """Return the difference of the best validation likelihoods so far, when the shorter of the two trainings ends."""
    curves = _after_each_epoch(one), _after_each_epoch(other)
    count = min(map(len, curves))
    return min(curves[0][:count]) - min(curves[1][:count])


def _ends(runs: dict[Start, Runs]) -> list[float]:
    """Return the best validation likelihood of every training."""
    return [min(nll for *_, nll in run["curve"]) for seeds in runs.values() for run in seeds.values()]


def _speed(key: tuple[str, str], runs: dict[Start, Runs]) -> Iterator[dict[str, Any]]:
    """Yield epochs, of both stages, and seconds to the validation likelihood that every run of the group reached.

    The tied model's seconds were those of a clock on the wall, and are left out.
    """
    level = max(_ends(runs))

    def reached(run: Result) -> tuple[float, float]:
        return next((float(epochs), seconds) for epochs, seconds, nll in run["curve"] if nll <= level)

    ahead = {start: [reached(laes)[0] - reached(other)[0] for laes, other in pairs] for start, pairs in _pairs(runs)}
    for start, seeds in runs.items():
        epochs, seconds = zip(*map(reached, seeds.values()), strict=True)
        yield {
            "corpus": key[0],
            "model": key[1],
            "validation": f"{level:.3f}",
            "start": start,
            "epochs": spread(epochs, 1),
            "laes minus it, 95 % interval": _interval(ahead[start], 1) if start in ahead else "",
            "seconds": spread(seconds, 1) if key[1] != "tied" else "",
        }


def draw(results: Mapping[str, Result], out: Path) -> None:
    """Draw validation likelihoods, a panel for each corpus and model: starts.png and starts.svg.

    Against time; of the tied model, whose seconds were those of a clock on the wall, against epochs.
    """
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
            against: Against = "epochs" if model == "tied" else "seconds"
            for number, (start, seeds) in enumerate(runs.items()):
                _curve(axis, seeds, against, label=start, color=f"C{number}", linestyle="-")
            for number, other in enumerate(others):
                for seeds in found.get((corpus, other), {}).values():
                    _curve(axis, seeds, against, label=other, color=f"C{4 + number}", linestyle=":")
            ends = _ends(runs)
            axis.set(title=f"{corpus}, {model}", xlabel=against, ylabel="validation, nats per frame")
            axis.set_ylim(min(ends) - 0.1, max(ends) + 0.35 * (max(ends) - min(ends)) + 1.0)
            axis.grid(visible=True, alpha=0.3)
            axis.legend(fontsize=7)
    save(figure, out / "starts")


def _curve(axis: Any, seeds: Runs, against: Against, **style: str) -> None:
    """Draw the best validation likelihood so far: the mean over seeds, and from the least to the greatest."""
    column = ("epochs", "seconds").index(against)
    found = [np.array(run["curve"]).T for run in seeds.values()]
    places = np.linspace(max(curve[column][0] for curve in found), max(curve[column][-1] for curve in found), 200)
    best = np.array(
        [np.minimum.accumulate(curve[2])[np.searchsorted(curve[column], places, side="right") - 1] for curve in found]
    )
    axis.plot(places, best.mean(axis=0), linewidth=1.2, **style)
    axis.fill_between(places, best.min(axis=0), best.max(axis=0), color=style["color"], alpha=0.15, linewidth=0)
