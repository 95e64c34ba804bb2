"""Tables and figures of the experiment on starts, from its stored results."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure

from lmn_music.corpora import BENCHMARKS
from lmn_music.evaluation.published import TAGS, Definition, published_accuracies
from studies.comparison import (
    BESIDE_NETWORKS,
    LMNS,
    MEASURES,
    SAME_SIZE,
    Cells,
    Row,
    Runs,
    Starts,
    after_each_epoch,
    against_networks,
    among_autoencoders,
    cells,
    counts,
    ends,
    paired,
    reached,
)
from studies.figures import save
from studies.initialisation_plan import AUTOENCODERS, STARTS, Start
from studies.page import spread, table
from studies.store import Result

Against = Literal["epochs", "seconds"]
ACCURACIES: dict[Definition, str] = {"threshold": "accuracy_thresholded", "sampled": "accuracy_sampled"}


def values(runs: Runs, figure: str) -> list[float]:
    """Return a figure of all seeds."""
    return [float(result[figure]) for result in runs.values()]


def tables(results: Mapping[str, Result]) -> dict[str, str]:
    """Return every table as Markdown, by the name of its mark; those without results are left out."""
    found = cells(results)
    rows: dict[str, list[Row]] = {
        "starts": list(_by_start(found, "test_nll")),
        "starts-valid": list(_by_start(found, "valid_nll")),
        "counts": [row for measure in MEASURES.values() for row in counts(results, measure)],
        "counts-corpora": list(counts(results, MEASURES["paired"], by_corpus=True)),
        "autoencoders": list(among_autoencoders(results)),
        **{name: list(paired(results, measure)) for name, measure in MEASURES.items()},
        "speed": list(_speed(cells(results, broken=False))),
        "hand-over": [
            {
                "corpus": corpus,
                "model": model,
                "start": start,
                "energy kept": spread([100 * value for value in values(runs[start], "energy_kept")], 0) + " %",
                "unrolled model": spread(values(runs[start], "valid_nll_before")),
                "handed over": spread(values(runs[start], "valid_nll_after")),
                "trained": spread(values(runs[start], "valid_nll")),
            }
            for (corpus, model), runs in found.items()
            for start in AUTOENCODERS
            if start in runs
        ],
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
            for name, seeds in _by_name(model, runs, BESIDE_NETWORKS)
        ],
        "others": list(against_networks(results)),
        **{f"accuracy-{definition}": list(_accuracies(found, definition)) for definition in ACCURACIES},
        "settings": [
            {
                "corpus": corpus,
                "model": model,
                "start": start,
                "setting": next(iter(seeds.values()))["setting"] or "its recipe",
                "epochs": statistics.mean(values(seeds, "epochs")),
                "best after": spread([float(_best_after(run)) for run in seeds.values()], 0),
                "seconds": statistics.mean(values(seeds, "seconds")) if model != "tied" else "",
                "broken off": sum(result["failed"] is not None for result in seeds.values()),
            }
            for (corpus, model), runs in found.items()
            for start, seeds in runs.items()
        ],
    }
    return {name: table(lines) for name, lines in rows.items() if lines}


def _by_start(found: Cells, figure: str) -> Iterator[Row]:
    """Yield a figure of every model that has starts, on every corpus."""
    for (corpus, model), runs in found.items():
        if model in LMNS:
            seeds = max(map(len, runs.values()))
            texts: Row = {start: spread(values(runs[start], figure)) if start in runs else "" for start in STARTS}
            yield {"corpus": corpus, "model": model, "seeds": seeds, **texts}


def _best_after(run: Result) -> int:
    """Return after how many epochs the validation likelihood was best."""
    curve = after_each_epoch(run)
    return 1 + curve.index(min(curve))


def _by_name(model: str, runs: Starts, shown: Collection[Start]) -> Iterator[tuple[str, Runs]]:
    """Yield the trainings of a model by its name, of an LMN those of the starts that are to be shown."""
    for start, seeds in runs.items():
        if model not in LMNS:
            yield model, seeds
        elif start in shown:
            yield f"{model}, {start}", seeds


def _accuracies(found: Cells, definition: Definition) -> Iterator[dict[str, Any]]:
    """Yield the accuracies by one definition, in percent, of every model on every corpus, then the published ones."""
    rows: dict[str, dict[str, str]] = {}
    for (corpus, model), starts in found.items():
        for name, seeds in _by_name(model, starts, STARTS):
            percent = [100 * value for value in values(seeds, ACCURACIES[definition])]
            rows.setdefault(name, {})[corpus] = spread(percent, 1)
    corpora = [corpus for corpus in BENCHMARKS if any(corpus in row for row in rows.values())]
    if not corpora:
        return
    sources = dict.fromkeys(rows, "measured")
    for published in published_accuracies(definition):
        figures = ((corpus, published.figure(corpus)) for corpus in corpora)
        rows[published.model] = {corpus: str(value) for corpus, value in figures if value is not None}
        sources[published.model] = TAGS[published.tag]
    for name, row in rows.items():
        yield {"model": name, **{corpus: row.get(corpus, "") for corpus in corpora}, "source": sources[name]}


def _speed(found: Cells) -> Iterator[Row]:
    """Yield epochs and seconds to the validation likelihood that every start of a model reached, also of networks.

    Of networks with as many parameters those that reached it. The tied model's seconds were those of a clock on the
    wall, and are left out.
    """
    for (corpus, model), starts in found.items():
        if model not in LMNS:
            continue
        goal = max(ends(starts))  # of these every one has reached it
        networks = {
            name: found[corpus, name]["orthogonal"] for name in SAME_SIZE.get(model, ()) if (corpus, name) in found
        }
        for name, seeds in [*starts.items(), *networks.items()]:
            there = [at for run in seeds.values() if (at := reached(run, goal)) is not None]
            epochs, seconds = ([at[column] for at in there] for column in (0, 1))
            yield {
                "corpus": corpus,
                "model": model,
                "validation": f"{goal:.3f}",
                "start": name,
                "reached": f"{len(there)} of {len(seeds)}",
                "epochs": spread(epochs, 1) if there else "",
                "seconds": spread(seconds, 1) if there and model != "tied" else "",
            }


def draw(results: Mapping[str, Result], out: Path) -> None:
    """Draw validation likelihoods, a panel for each corpus and model: starts.png.

    Against time; of the tied model, whose seconds were those of a clock on the wall, against epochs.
    Trainings that were broken off are left out.
    """
    found = cells(results, broken=False)
    rows = [model for model in LMNS if any(model == here for _, here in found)]
    if not rows:
        return
    corpora = list(dict.fromkeys(corpus for corpus, _ in found))
    figure = Figure(figsize=(4 * len(corpora), 3.2 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(corpora), squeeze=False)
    for model, line in zip(rows, axes, strict=True):
        for corpus, axis in zip(corpora, line, strict=True):
            runs = found.get((corpus, model))
            if runs is None:
                axis.set_axis_off()
                continue
            against: Against = "epochs" if model == "tied" else "seconds"
            for start, seeds in runs.items():
                _curve(axis, seeds, against, label=start, color=f"C{[*STARTS].index(start)}", linestyle="-")
            shown = best = ends(runs)
            for number, other in enumerate(SAME_SIZE.get(model, ())):
                others = found.get((corpus, other), {})
                best = best + ends(others)
                for seeds in others.values():
                    _curve(axis, seeds, against, label=other, color=f"C{len(STARTS) + number}", linestyle=":")
            axis.set(title=f"{corpus}, {model}", xlabel=against, ylabel="validation, nats per frame")
            axis.set_ylim(min(best) - 0.1, max(shown) + 0.35 * (max(shown) - min(shown)) + 1.0)
            axis.grid(visible=True, alpha=0.3)
            axis.legend(fontsize=7)
    save(figure, out / "starts.png")


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
