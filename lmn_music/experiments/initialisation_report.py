"""Tables and figures of the experiment on starts, from its stored results."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from lmn_music.corpora import BENCHMARKS
from lmn_music.evaluation.published import TAGS, Definition, published_accuracies
from lmn_music.experiments.figures import save
from lmn_music.experiments.initialisation_plan import ANNEALED, AUTOENCODERS, MODELS, SECONDS, STARTS, Start
from lmn_music.experiments.page import paired_interval, spread, table
from lmn_music.experiments.store import Result

Runs = dict[int, Result]  # by seed
Cells = dict[tuple[str, str], dict[Start, Runs]]  # by corpus and model
Against = Literal["epochs", "seconds"]
LMNS = ("LMN-A", "LMN-B", "LMN-NADE", "tied")
SAME_SIZE = {"LMN-B": ("RNN", "GRU", "LSTM"), "LMN-NADE": ("RNN-NADE", "GRU-NADE", "LSTM-NADE")}


def cells(results: Mapping[str, Result]) -> Cells:
    """Return the trainings that read the test split, sorted as they were planned."""
    found: Cells = {}
    for result in results.values():
        if result.get("curve") and result["epochs"]:  # not what failed in its first epoch
            key = result["corpus"], result["model"]
            found.setdefault(key, {}).setdefault(result["start"], {})[result["seed"]] = result
    corpora, models = [*SECONDS], [*MODELS, "tied"]
    places = {key: (_place(key[0], corpora), _place(key[1], models)) for key in found}
    return {
        key: {start: dict(sorted(found[key][start].items())) for start in STARTS if start in found[key]}
        for key in sorted(found, key=lambda key: places[key])
    }


def _whole(results: Mapping[str, Result]) -> Cells:
    """Return the trainings of `cells` that were not broken off: what these reached is no measure of speed."""
    return cells({name: result for name, result in results.items() if result.get("failed") is None})


def _place(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)


def values(runs: Runs, figure: str) -> list[float]:
    """Return a figure of all seeds."""
    return [float(result[figure]) for result in runs.values()]


def tables(results: Mapping[str, Result]) -> dict[str, str]:
    """Return every table as Markdown, by the name of its mark; those without results are left out."""
    found = cells(results)
    starts = {key: runs for key, runs in found.items() if key[1] in LMNS}
    whole = {key: runs for key, runs in _whole(results).items() if key[1] in LMNS}
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
        "paired": [row for key, runs in starts.items() for row in _paired(key, runs, _test)],
        "paired-valid": [row for key, runs in starts.items() for row in _paired(key, runs, _valid)],
        # Where the learning rate falls over the whole training, a shorter one is not the beginning of a longer one.
        "paired-epochs": [
            row
            for key, runs in starts.items()
            if key[1] != "tied" and key[0] not in ANNEALED
            for row in _paired(key, runs, _at_equal_epochs)
        ],
        "speed": [row for key, runs in whole.items() for row in _speed(key, runs)],
        "paired-speed": [row for key, runs in whole.items() for row in _paired(key, runs, _epochs_ahead(runs), 1)],
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
            for (corpus, model), runs in starts.items()
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
            for name, seeds in _beside_others(model, runs)
        ],
        "others": [row for key in starts for row in _against_others(key, found)],
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
    """Yield, by name, what of a model stands beside other networks: of an LMN the first three starts."""
    for start in STARTS[:3] if model in LMNS else starts:
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


def _paired(
    key: tuple[str, str], runs: dict[Start, Runs], difference: Callable[[Result, Result], float], digits: int = 3
) -> Iterator[dict[str, Any]]:
    """Yield each start as an autoencoder minus each other start, seed by seed; bold: zero is outside the interval."""
    for start in AUTOENCODERS:
        row = {}
        for other in STARTS:
            if other not in AUTOENCODERS:
                pairs = _of_same_seeds(runs.get(start, {}), runs.get(other, {}))
                row[f"minus {other}"] = _decided([difference(*pair) for pair in pairs], digits)
        if any(row.values()):
            yield {"corpus": key[0], "model": key[1], "start": start, **row}


def _decided(differences: Sequence[float], digits: int = 3) -> str:
    """Return mean, 95 % interval and p, bold if zero is outside; of trainings under way, fewer than two, nothing."""
    if len(differences) < 2:
        return ""
    mean, half = paired_interval(differences)
    text = f"{mean:+.{digits}f} ({mean - half:+.{digits}f} to {mean + half:+.{digits}f})"
    if half:  # else all are equal
        p = stats.ttest_1samp(differences, 0).pvalue
        text += ", p < 0.001" if p < 0.001 else f", p {p:.3f}"
    return f"**{text}**" if abs(mean) > half else text


def _test(one: Result, other: Result) -> float:
    return float(one["test_nll"] - other["test_nll"])


def _valid(one: Result, other: Result) -> float:
    return float(one["valid_nll"] - other["valid_nll"])


def _of_same_seeds(some: Runs, others: Runs) -> list[tuple[Result, Result]]:
    return [(some[seed], others[seed]) for seed in sorted(some.keys() & others.keys())]


def _against_others(key: tuple[str, str], found: Cells) -> Iterator[dict[str, Any]]:
    """Yield how far an LMN is ahead of each other network with as many parameters, on the test split, seed by seed."""
    corpus, model = key
    if model not in SAME_SIZE:
        return
    for name, seeds in _beside_others(model, found[key]):
        row = {}
        for network in SAME_SIZE[model]:
            pairs = _of_same_seeds(seeds, found.get((corpus, network), {}).get("orthogonal", {}))
            row[f"minus {network.removesuffix('-NADE')}"] = _decided([_test(*pair) for pair in pairs])
        if any(row.values()):
            yield {"corpus": corpus, "model": name, **row}


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


def _reached(run: Result, level: float) -> tuple[float, float]:
    """Return the epochs, of both stages, and the seconds to a validation likelihood."""
    return next((float(epochs), seconds) for epochs, seconds, nll in run["curve"] if nll <= level)


def _speed(key: tuple[str, str], runs: dict[Start, Runs]) -> Iterator[dict[str, Any]]:
    """Yield epochs and seconds to the validation likelihood that every run of the group reached.

    The tied model's seconds were those of a clock on the wall, and are left out.
    """
    level = max(_ends(runs))
    for start, seeds in runs.items():
        epochs, seconds = zip(*(_reached(run, level) for run in seeds.values()), strict=True)
        yield {
            "corpus": key[0],
            "model": key[1],
            "validation": f"{level:.3f}",
            "start": start,
            "epochs": spread(epochs, 1),
            "seconds": spread(seconds, 1) if key[1] != "tied" else "",
        }


def _epochs_ahead(runs: dict[Start, Runs]) -> Callable[[Result, Result], float]:
    """Return the difference of the epochs to the validation likelihood that every run of the group reached."""
    level = max(_ends(runs))
    return lambda one, other: _reached(one, level)[0] - _reached(other, level)[0]


def draw(results: Mapping[str, Result], out: Path) -> None:
    """Draw validation likelihoods, a panel for each corpus and model: starts.png and starts.svg.

    Against time; of the tied model, whose seconds were those of a clock on the wall, against epochs.
    Trainings that were broken off are left out.
    """
    found = _whole(results)
    if not found:
        return
    rows = [model for model in LMNS if any(model == here for _, here in found)]
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
                _curve(axis, seeds, against, label=start, color=f"C{STARTS.index(start)}", linestyle="-")
            ends = best = _ends(runs)
            for number, other in enumerate(SAME_SIZE.get(model, ())):
                others = found.get((corpus, other), {})
                best = best + _ends(others)
                for seeds in others.values():
                    _curve(axis, seeds, against, label=other, color=f"C{len(STARTS) + number}", linestyle=":")
            axis.set(title=f"{corpus}, {model}", xlabel=against, ylabel="validation, nats per frame")
            axis.set_ylim(min(best) - 0.1, max(ends) + 0.35 * (max(ends) - min(ends)) + 1.0)
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
