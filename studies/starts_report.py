"""Tables and the figure of the study of starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmn_music.corpora import BENCHMARKS
from lmn_music.evaluation.published import TAGS, Definition, published_accuracies
from studies.engine import Row
from studies.figures import save
from studies.starts_compared import (
    AUTOENCODERS,
    BESIDE_NETWORKS,
    CELL,
    GATED,
    LMNS,
    MEASURES,
    NETWORKS_OF,
    OTHERS,
    STARTS,
    comparisons,
    counts,
    of_pairs,
    prepared,
)
from studies.tables import Cell, listing, markdown, of, pivot, spread

HAND_OVER: dict[str, Cell] = {
    "energy kept": lambda cell: spread(100 * cell["energy_kept"], 0) + " %",
    "unrolled model": of("valid_nll_before"),
    "handed over": of("valid_nll_after"),
    "trained": of("valid_nll"),
}
BASELINES: dict[str, Cell] = {
    "parameters": lambda cell: int(cell["parameters"].iloc[0]),
    "validation": of("valid_nll"),
    "test": of("test_nll"),
    "without first frames": of("first_frame_excluded"),
}
LISTED = ("paired", "paired-epochs", "paired-seconds")  # measures of which every comparison is listed, not only counted
ACCURACIES: dict[Definition, str] = {"threshold": "accuracy_thresholded", "sampled": "accuracy_sampled"}


def tables(trainings: pd.DataFrame) -> dict[str, str]:
    """Return every table, by the name of its mark."""
    found = prepared(trainings)
    if found.empty:
        return {}
    everything, lmns = comparisons(found), found[found["model"].isin(LMNS)]
    gated = everything["model"].isin(GATED)
    compared, of_gated = everything[~gated], everything[gated]
    lmns = lmns.assign(seeds=lmns.groupby(["corpus", "model"])["seed"].transform("nunique"))
    beside = found[found["start"].isin(BESIDE_NETWORKS) & (found["model"] != "tied")].drop(columns="model")
    rows: dict[str, Sequence[Row]] = {
        "starts": pivot(lmns, ["corpus", "model", "seeds"], "start", of("test_nll")),
        "starts-valid": pivot(lmns, ["corpus", "model", "seeds"], "start", of("valid_nll")),
        "counts": [row for measure in MEASURES for row in counts(compared, measure)],
        "counts-corpora": list(counts(compared, "paired", ["corpus"])),
        "autoencoders": of_pairs(compared, "paired", AUTOENCODERS, ["corpus", "model"]),
        **{measure: of_pairs(compared, measure, OTHERS, CELL) for measure in LISTED},
        "hand-over": listing(found[found["start"].isin(AUTOENCODERS)], CELL, HAND_OVER),
        "baselines": listing(beside.rename(columns={"name": "model"}), ["corpus", "model"], BASELINES),
        "gated": _gated(found, "test_nll"),
        "gated-valid": _gated(found, "valid_nll"),
        "gated-paired": of_pairs(of_gated, "paired", [*chain(*GATED.values())], CELL),
        "gated-starts": of_pairs(of_gated, "paired", OTHERS, CELL),
        "gated-epochs": of_pairs(of_gated, "paired-epochs", [*chain(*GATED.values())], CELL),
        "others": of_pairs(compared, "paired", [*chain(*NETWORKS_OF.values())], CELL),
        **{f"accuracy-{definition}": list(_accuracies(found, definition)) for definition in ACCURACIES},
    }
    return {name: markdown(table) for name, table in rows.items() if table}


def _gated(found: pd.DataFrame, column: str) -> list[Row]:
    """Return likelihoods of the gated LMNs and of all that stands beside them, started alike."""
    if not {*found["model"]} & {*GATED}:
        return []
    here = found[found["model"].isin([*GATED, *chain(*GATED.values())]) & (found["start"] == "orthogonal")]
    dependent = here["model"].str.endswith("NADE")
    here = here.assign(keys=dependent.map({False: "independent", True: "NADE"}), dependent=dependent)
    here["network"] = here["model"].str.removesuffix("-NADE").str.removesuffix("-B")
    here["gated"] = ~here["model"].isin([*GATED])  # first
    ordered = here.sort_values(["corpus", "dependent", "gated"], kind="stable")
    return pivot(ordered, ["corpus", "keys"], "network", of(column))


def _accuracies(found: pd.DataFrame, definition: Definition) -> Iterator[Row]:
    """Yield the accuracies by one definition, in percent, of every model on every corpus, then the published ones."""
    corpora = [corpus for corpus in BENCHMARKS if corpus in {*found["corpus"]}]
    if not corpora:
        return
    for row in pivot(found, ["name"], "corpus", of(ACCURACIES[definition], 1, 100)):
        yield {"model": row["name"], **{corpus: row[corpus] for corpus in corpora}, "source": "measured"}
    for published in published_accuracies(definition):
        figures = {corpus: published.figure(corpus) for corpus in corpora}
        texts = {corpus: "" if figure is None else str(figure) for corpus, figure in figures.items()}
        yield {"model": published.model, **texts, "source": TAGS[published.tag]}


# --- the figure


def figures(trainings: pd.DataFrame, out: Path) -> None:
    """Draw validation likelihoods, a panel for each corpus and model: starts.png.

    Against time; of the tied model, for which no time was planned, against epochs. Without trainings that broke off.
    """
    found = prepared(trainings)
    found = found[found["failed"].isna()] if len(found) else found
    models = [model for model in LMNS if len(found) and model in {*found["model"]} - {*GATED}]
    if not models:
        return
    corpora = list(dict.fromkeys(found["corpus"]))
    figure = Figure(figsize=(3.2 * len(corpora), 2.4 * len(models)), layout="constrained")
    panels = figure.subplots(len(models), len(corpora), squeeze=False)
    for model, line in zip(models, panels, strict=True):
        for corpus, axes in zip(corpora, line, strict=True):
            here = found[found["corpus"] == corpus]
            others = [*NETWORKS_OF.get(model, ()), *(g for g, beside in GATED.items() if model in beside)]
            _panel(
                axes, here[here["model"] == model], here[here["model"].isin(others) & (here["start"] == "orthogonal")]
            )
    shown = {label: line for axes in panels.flat for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(shown.values(), shown, loc="outside lower center", ncols=len(shown))
    save(figure, out / "starts.png", colours=16)


def _panel(axes: Axes, ours: pd.DataFrame, networks: pd.DataFrame) -> None:
    if ours.empty:
        axes.set_axis_off()
        return
    model, corpus = ours[["model", "corpus"]].iloc[0]
    column = 0 if model == "tied" else 1
    for start, seeds in ours.groupby("start", sort=False):
        _curve(axes, seeds, column, label=start, color=f"C{STARTS.index(start)}", linestyle="-")
    for number, (network, seeds) in enumerate(networks.groupby("model", sort=False), len(STARTS)):
        _curve(axes, seeds, column, label=network.removesuffix("-NADE"), color=f"C{number}", linestyle=":")
    axes.set(title=f"{corpus}, {model}", xlabel=("epochs", "seconds")[column], ylabel="nats per frame")
    shown = ours["end"]
    bottom = min(shown.min(), networks["end"].min() if len(networks) else np.inf)
    axes.set_ylim(bottom - 0.1, shown.max() + 0.35 * (shown.max() - shown.min()) + 0.7)
    axes.grid(visible=True, alpha=0.3)


def _curve(axes: Axes, seeds: pd.DataFrame, column: int, **style: Any) -> None:
    """Draw the best validation likelihood so far: the mean over seeds, and from the least to the greatest."""
    found = [np.array(points).T for points in seeds["points"]]
    places = np.linspace(max(curve[column][0] for curve in found), max(curve[column][-1] for curve in found), 200)
    best = np.array(
        [np.minimum.accumulate(curve[2])[np.searchsorted(curve[column], places, side="right") - 1] for curve in found]
    )
    axes.plot(places, best.mean(axis=0), linewidth=1.2, **style)
    axes.fill_between(places, best.min(axis=0), best.max(axis=0), color=style["color"], alpha=0.15, linewidth=0)
