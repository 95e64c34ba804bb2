"""The trainings of the study of starts, compared in pairs of the same seed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from studies.engine import Row
from studies.tables import interval, paired, pivot

AUTOENCODERS = ("laes", "pieces", "feedback")
OTHERS = ("orthogonal", "random", "delay", "legendre")
STARTS = (*AUTOENCODERS, *OTHERS)
NETWORKS_OF = {"LMN-B": ("RNN", "GRU", "LSTM"), "LMN-NADE": ("RNN-NADE", "GRU-NADE", "LSTM-NADE")}  # of the same size
GATED = {  # and these beside the gated LMNs
    "gated LMN": (*NETWORKS_OF["LMN-B"], "LSTM at 0.03", "LMN-B"),
    "gated LMN-NADE": (*NETWORKS_OF["LMN-NADE"], "LMN-NADE"),
}
BESIDE = NETWORKS_OF | GATED
LMNS = ("LMN-A", *NETWORKS_OF, "tied", *GATED)
BESIDE_NETWORKS = (*AUTOENCODERS, "orthogonal")
ORDER = {
    "corpus": ("jsb", "piano", "nottingham", "muse"),
    "model": ("LMN-A", *NETWORKS_OF, *itertools.chain(*NETWORKS_OF.values()), "tied", *GATED),
    "start": STARTS,
}
ANNEALED = ("nottingham", "muse")  # corpora on which the learning rate falls over the whole training
CELL = ["corpus", "model", "start"]
Difference = Callable[[Row, Row], float]


def prepared(found: pd.DataFrame) -> pd.DataFrame:
    """Return the trainings that had an epoch and read the test split, in the order of ORDER.

    Added are "name", of the model and the start that it has; "points", the epochs (of both stages), seconds and
    validation likelihood after the hand-over and each epoch; "end", the best of these likelihoods; and "epochs_to",
    "seconds_to": until the likelihood was reached that all starts of a model on a corpus have reached. Trainings that
    broke off do not count for it.
    """
    found = found[found["epochs"] > 0].copy() if len(found) else found
    if found.empty:
        return found
    for name, order in ORDER.items():
        found[name] = pd.Categorical(found[name], [*order, *sorted({*found[name]} - {*order})])
    found = found.sort_values([*CELL, "seed"], ignore_index=True)
    found = found.astype({**dict.fromkeys(ORDER, str), "before_seconds": float, "epoch_seconds": float})
    found["name"] = found["model"] + found["start"].radd(", ").where(found["model"].isin(LMNS), "")
    found["points"] = [_points(row) for row in found.to_dict("records")]
    found["end"] = [min(nll for *_, nll in points) for points in found["points"]]
    whole = found[found["failed"].isna() & found["model"].isin(LMNS)]
    goals = whole.groupby(["corpus", "model"])["end"].transform("max")
    reached = [first(points, goal) for points, goal in zip(whole["points"], goals, strict=True)]
    found[["epochs_to", "seconds_to"]] = pd.DataFrame(reached, whole.index, [0, 1]).reindex(found.index)
    return found


def _points(row: Row) -> list[tuple[int, float, float]]:
    before = [(0, row["valid_nll_after"])] if pd.notna(row.get("valid_nll_after")) else []
    curve = [*before, *enumerate(row["curve"], 1)]
    if len(row["curve"]) < row["epochs"]:  # the stored curve ends with the best epoch
        curve.append((row["epochs"], min(row["curve"])))
    return [
        (int(row["first_stage"]) + n, round(row["before_seconds"] + n * row["epoch_seconds"], 2), round(nll, 4))
        for n, nll in curve
    ]


def first(points: Sequence[tuple[int, float, float]], nll: float) -> tuple[float, float] | None:
    """Return epochs and seconds at which a likelihood was reached, None if it was not."""
    return next(((float(epochs), seconds) for epochs, seconds, here in points if here <= nll), None)


# --- what is compared


def _of(column: str, scale: float = 1.0) -> Difference:
    return lambda one, other: scale * float(one[column] - other[column])


def _at_equal_epochs(one: Row, other: Row) -> float:
    """Return the difference of the best validation likelihoods so far, when the shorter of the two trainings ends."""
    count = min(one["epochs"], other["epochs"])
    return float(min(one["curve"][:count]) - min(other["curve"][:count]))


@dataclass(frozen=True)
class Measure:
    """What two trainings are compared by; better: the sign of a difference in favour of the first."""

    name: str
    difference: Difference
    better: int = -1
    digits: int = 3
    applies: Callable[[str, str], bool] = lambda _corpus, _model: True


MEASURES = {
    "paired": Measure("test likelihood", _of("test_nll")),
    "paired-valid": Measure("validation likelihood", _of("valid_nll")),
    # Where the learning rate falls over the whole training, a shorter one is not the beginning of a longer one.
    "paired-epochs": Measure(
        "the same after as many epochs of the LMN",
        _at_equal_epochs,
        applies=lambda corpus, model: model != "tied" and corpus not in ANNEALED,
    ),
    "paired-threshold": Measure("accuracy, threshold", _of("accuracy_thresholded", 100), better=1, digits=2),
    "paired-sampled": Measure("accuracy, sampled", _of("accuracy_sampled", 100), better=1, digits=2),
    "paired-speed": Measure("epochs to a given likelihood", _of("epochs_to"), digits=1),
    # No time was planned for the tied model.
    "paired-seconds": Measure(
        "seconds to a given likelihood", _of("seconds_to"), digits=1, applies=lambda _, model: model != "tied"
    ),
}


def comparisons(found: pd.DataFrame) -> pd.DataFrame:
    """Return, by every measure, the differences of pairs of the same seed: of a start minus another training.

    Each start as an autoencoder minus every other start of the model; and each start that stands beside the other
    networks minus every network of the same size. other: the start or network that is subtracted.
    """
    groups = found.groupby(CELL, sort=False)
    runs = {key: {row["seed"]: row for row in group.to_dict("records")} for key, group in groups}
    compared = []
    for (measure, about), ((corpus, model, start), ours) in itertools.product(MEASURES.items(), runs.items()):
        if model not in LMNS or not about.applies(corpus, model):
            continue
        before = AUTOENCODERS[: AUTOENCODERS.index(start)] if start in AUTOENCODERS else ()
        others = [(other, (corpus, model, other)) for other in (*OTHERS, *before) if start in AUTOENCODERS]
        if start in BESIDE_NETWORKS:
            others += [(network, (corpus, network, "orthogonal")) for network in BESIDE.get(model, ())]
        for other, key in others:
            theirs = runs.get(key, {})
            values = [about.difference(ours[seed], theirs[seed]) for seed in sorted(ours.keys() & theirs.keys())]
            # Rounded, so that differences of numbers with few decimals are equal where they should be.
            values = [round(value, 9) for value in values if not np.isnan(value)]
            compared.append((measure, corpus, model, start, other, values if len(values) > 1 else []))
    return pd.DataFrame(compared, columns=["measure", "corpus", "model", "start", "other", "differences"])


def of_pairs(compared: pd.DataFrame, measure: str, others: Sequence[str], index: Sequence[str]) -> list[Row]:
    """Return differences from some others: mean, 95 % interval and p; without lines that have none."""
    here = compared[(compared["measure"] == measure) & compared["other"].isin(others)]
    here = here.assign(column="minus " + here["other"].str.removesuffix("-NADE").str.removesuffix("-B"))
    if "start" not in index:
        here["column"] = here["start"] + " " + here["column"]
    found = pivot(here, index, "column", lambda cell: paired(cell["differences"].iloc[0], MEASURES[measure].digits))
    return [line for line in found if any(text for name, text in line.items() if name not in index)]


def counts(compared: pd.DataFrame, measure: str, by: Sequence[str] = ()) -> Iterator[Row]:
    """Yield how many comparisons of each start as an autoencoder are decided, which way, and by how much."""
    here = compared[(compared["measure"] == measure) & compared["other"].isin(OTHERS)]
    here = here[here["differences"].map(len) > 0]
    about = MEASURES[measure]
    for head, group in here.groupby([*by, "start"], sort=False):
        means = [(mean, abs(mean) > half) for mean, half, _ in map(interval, group["differences"])]
        decided = [mean for mean, outside in means if outside]
        yield {
            "measure": about.name,
            **dict(zip([*by, "start"], head, strict=True)),
            "better": _range([mean for mean in decided if about.better * mean > 0], about.digits),
            "undecided": len(means) - len(decided),
            "worse": _range([mean for mean in decided if about.better * mean < 0], about.digits),
        }


def _range(means: Sequence[float], digits: int) -> str:
    if not means:
        return "0"
    texts = dict.fromkeys(f"{mean:+.{digits}f}" for mean in (min(means, key=abs), max(means, key=abs)))
    return f"{len(means)} ({' to '.join(texts)})"
