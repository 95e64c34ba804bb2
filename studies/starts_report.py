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
    LMNS,
    MEASURES,
    NETWORKS_OF,
    OTHERS,
    STARTS,
    cells,
    comparisons,
    counts,
    first,
    groups,
    of_pairs,
    prepared,
)
from studies.tables import markdown, pivot, spread

ACCURACIES: dict[Definition, str] = {"threshold": "accuracy_thresholded", "sampled": "accuracy_sampled"}


def tables(trainings: pd.DataFrame) -> dict[str, str]:
    """Return every table, by the name of its mark."""
    found = prepared(trainings)
    if found.empty:
        return {}
    compared, here = comparisons(found), found[found["model"].isin(LMNS)]
    seeds = here.groupby(["corpus", "model", "start"])["seed"].transform("count")
    here = here.assign(seeds=seeds.groupby([here["corpus"], here["model"]]).transform("max"))
    rows: dict[str, Sequence[Row]] = {
        "starts": _by_start(here, "test_nll"),
        "starts-valid": _by_start(here, "valid_nll"),
        "counts": [row for measure in MEASURES for row in counts(compared, measure)],
        "counts-corpora": list(counts(compared, "paired", ["corpus"])),
        "autoencoders": of_pairs(compared, "paired", AUTOENCODERS, ["corpus", "model"]),
        **{measure: of_pairs(compared, measure, OTHERS, ["corpus", "model", "start"]) for measure in MEASURES},
        "speed": list(_speed(found[found["failed"].isna()])),
        "hand-over": list(_hand_over(found[found["start"].isin(AUTOENCODERS)])),
        "baselines": list(_baselines(found[found["model"] != "tied"])),
        "others": of_pairs(compared, "paired", [*chain(*NETWORKS_OF.values())], ["corpus", "model", "start"]),
        **{f"accuracy-{definition}": list(_accuracies(found, definition)) for definition in ACCURACIES},
        "settings": list(_settings(found)),
    }
    return {name: markdown(table) for name, table in rows.items() if table}


def _by_start(found: pd.DataFrame, column: str) -> list[Row]:
    """Return a figure of every model that has starts, on every corpus."""
    return pivot(found, ["corpus", "model", "seeds"], "start", lambda cell: spread(cell[column]))


def _named(found: pd.DataFrame) -> Iterator[tuple[Row, pd.DataFrame]]:
    for head, group in cells(found):
        yield dict(zip(("corpus", "model", "start"), head, strict=True)), group


def _hand_over(found: pd.DataFrame) -> Iterator[Row]:
    for head, group in _named(found):
        yield head | {
            "energy kept": spread(100 * group["energy_kept"], 0) + " %",
            "unrolled model": spread(group["valid_nll_before"]),
            "handed over": spread(group["valid_nll_after"]),
            "trained": spread(group["valid_nll"]),
        }


def _name(head: Row) -> str:
    return f"{head['model']}, {head['start']}" if head["model"] in LMNS else str(head["model"])


def _baselines(found: pd.DataFrame) -> Iterator[Row]:
    for head, group in _named(found[found["start"].isin(BESIDE_NETWORKS)]):
        yield {
            "corpus": head["corpus"],
            "model": _name(head),
            "parameters": int(group["parameters"].iloc[0]),
            "validation": spread(group["valid_nll"]),
            "test": spread(group["test_nll"]),
            "first frame out": spread(group["first_frame_excluded"]),
        }


def _settings(found: pd.DataFrame) -> Iterator[Row]:
    for head, group in _named(found):
        best = [1 + curve.index(min(curve)) for curve in group["curve"]]
        setting = group["setting"].iloc[0]
        yield head | {
            "setting": setting if pd.notna(setting) else "its recipe",
            "epochs": group["epochs"].mean(),
            "best after": spread(best, 0),
            "seconds": group["seconds"].mean() if head["model"] != "tied" else "",
            "broken off": int(group["failed"].notna().sum()),
        }


def _accuracies(found: pd.DataFrame, definition: Definition) -> Iterator[Row]:
    """Yield the accuracies by one definition, in percent, of every model on every corpus, then the published ones."""
    corpora = [corpus for corpus in BENCHMARKS if corpus in {*found["corpus"]}]
    if not corpora:
        return
    named = found.assign(model=[_name(row) for _, row in found.iterrows()])
    for row in pivot(named, ["model"], "corpus", lambda cell: spread(100 * cell[ACCURACIES[definition]], 1)):
        yield {"model": row["model"], **{corpus: row[corpus] for corpus in corpora}, "source": "measured"}
    for published in published_accuracies(definition):
        figures = {corpus: published.figure(corpus) for corpus in corpora}
        texts = {corpus: "" if figure is None else str(figure) for corpus, figure in figures.items()}
        yield {"model": published.model, **texts, "source": TAGS[published.tag]}


def _speed(found: pd.DataFrame) -> Iterator[Row]:
    """Yield epochs and seconds to the validation likelihood that every start of a model reached, also of networks.

    Of networks with as many parameters those that reached it. No time was planned for the tied model.
    """
    for (corpus, model), group in groups(found):
        if model not in LMNS:
            continue
        goal = group["end"].max()
        networks = found[(found["corpus"] == corpus) & found["model"].isin(NETWORKS_OF.get(model, ()))]
        for head, seeds in [*_named(group), *_named(networks)]:
            there = [at for points in seeds["points"] if (at := first(points, goal)) is not None]
            yield {
                "corpus": corpus,
                "model": model,
                "validation": f"{goal:.3f}",
                "start": head["start"] if head["model"] == model else head["model"],
                "reached": f"{len(there)} of {len(seeds)}",
                "epochs": spread([epochs for epochs, _ in there], 1),
                "seconds": spread([seconds for _, seconds in there], 1) if model != "tied" else "",
            }


# --- the figure


def figures(trainings: pd.DataFrame, out: Path) -> None:
    """Draw validation likelihoods, a panel for each corpus and model: starts.png.

    Against time; of the tied model, for which no time was planned, against epochs. Without trainings that broke off.
    """
    found = prepared(trainings)
    found = found[found["failed"].isna()] if len(found) else found
    models = [model for model in LMNS if len(found) and model in {*found["model"]}]
    if not models:
        return
    corpora = list(dict.fromkeys(found["corpus"]))
    figure = Figure(figsize=(4 * len(corpora), 3.2 * len(models)), layout="constrained")
    panels = figure.subplots(len(models), len(corpora), squeeze=False)
    for model, line in zip(models, panels, strict=True):
        for corpus, axes in zip(corpora, line, strict=True):
            here = found[found["corpus"] == corpus]
            _panel(axes, here[here["model"] == model], here[here["model"].isin(NETWORKS_OF.get(model, ()))])
    save(figure, out / "starts.png")


def _panel(axes: Axes, ours: pd.DataFrame, networks: pd.DataFrame) -> None:
    if ours.empty:
        axes.set_axis_off()
        return
    model, corpus = ours[["model", "corpus"]].iloc[0]
    column = 0 if model == "tied" else 1
    for head, seeds in _named(ours):
        _curve(axes, seeds, column, label=head["start"], color=f"C{STARTS.index(head['start'])}", linestyle="-")
    for number, (head, seeds) in enumerate(_named(networks), len(STARTS)):
        _curve(axes, seeds, column, label=head["model"], color=f"C{number}", linestyle=":")
    axes.set(title=f"{corpus}, {model}", xlabel=("epochs", "seconds")[column], ylabel="validation, nats per frame")
    shown = ours["end"]
    bottom = min(shown.min(), networks["end"].min() if len(networks) else np.inf)
    axes.set_ylim(bottom - 0.1, shown.max() + 0.35 * (shown.max() - shown.min()) + 1.0)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=7)


def _curve(axes: Axes, seeds: pd.DataFrame, column: int, **style: Any) -> None:
    """Draw the best validation likelihood so far: the mean over seeds, and from the least to the greatest."""
    found = [np.array(points).T for points in seeds["points"]]
    places = np.linspace(max(curve[column][0] for curve in found), max(curve[column][-1] for curve in found), 200)
    best = np.array(
        [np.minimum.accumulate(curve[2])[np.searchsorted(curve[column], places, side="right") - 1] for curve in found]
    )
    axes.plot(places, best.mean(axis=0), linewidth=1.2, **style)
    axes.fill_between(places, best.min(axis=0), best.max(axis=0), color=style["color"], alpha=0.15, linewidth=0)
