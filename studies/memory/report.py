"""Tables, verdicts and the figure of the study of layers on sequences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from studies.engine import Row
from studies.figures import save
from studies.memory.layers import STATIC
from studies.tables import interval, listing, markdown, pivot

STATIC_LMNS = tuple(f"LMN, {start}" for start in STATIC)
FROZEN, GATED = tuple(f"{name}, frozen" for name in STATIC_LMNS), tuple(f"gated {name}" for name in STATIC_LMNS)
LMNS = ("LMN, laes", *STATIC_LMNS, "LMN, specialised", "gated LMN, laes", *GATED, "MS-LMN", "LMN stack, laes")
SHOWN = ("LMN, laes", "LMN, orthogonal", "gated LMN, orthogonal", "LMN stack, laes", "RNN", "LSTM", "LRU", "S4D")
# What is claimed: ours, theirs, and the column that is compared. Of several, the best on validation, for each problem.
CLAIMS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "at the start, an encoding memory is better than the best static one": (("LMN, laes",), STATIC_LMNS, "start"),
    "after training, an encoding memory is better than the best static one": (("LMN, laes",), STATIC_LMNS, "test"),
    "after training, an encoding memory is better than the orthogonal one": (
        ("LMN, laes",),
        ("LMN, orthogonal",),
        "test",
    ),
    "a frozen encoding memory is better than the best frozen static one": (("LMN, laes, frozen",), FROZEN, "test"),
    "in the gated LMN, after training, an encoding memory is better than the best static one": (
        ("gated LMN, laes",),
        GATED,
        "test",
    ),
    "a memory that is trained on is better than a frozen one": (("LMN, laes",), ("LMN, laes, frozen",), "test"),
    "the specialised training beats gradient descent from the orthogonal start": (
        *(("LMN, specialised",), ("LMN, orthogonal",)),
        "test",
    ),
    "the specialised training beats gradient descent from the encoding start": (
        ("LMN, specialised",),
        ("LMN, laes",),
        "test",
    ),
    **{
        f"{name} is better than {'' if other == 'S4D' else 'the '}{other}": (ours, (other,), "test")
        for name, ours in {
            "the LMN": ("LMN, laes",),
            "the gated LMN that starts orthogonal": ("gated LMN, orthogonal",),
            "the best LMN": LMNS,
            "the stack": ("LMN stack, laes",),
        }.items()
        for other in ("RNN", "LSTM", "GRU", "LRU", "S4D")
    },
    "the stack is better than the gated LMN that starts orthogonal": (
        *(("LMN stack, laes",), ("gated LMN, orthogonal",)),
        "test",
    ),
}


def tables(frame: pd.DataFrame) -> dict[str, str]:
    """Return all tables by name.

    Args:
        frame: a row for each problem, layer and seed, in the order in which they are shown.
    """
    return {
        "scores": markdown(_scores(frame, "test")),
        "starts": markdown(_scores(frame, "start")),
        "level": markdown(_levels(frame)),
        "sizes": markdown(
            listing(
                frame, ["layer"], {"parameters": _span, "ms a step (median)": _milliseconds, "rates chosen": _rates}
            )
        ),
        "claims": markdown(verdicts(frame)),
    }


def _scores(frame: pd.DataFrame, column: str) -> list[Row]:
    """Return a line for each layer: its score on each problem and, where it was measured on all, two means.

    One over problems, one over kinds of problems: all lags of copying are one kind, and so are digits in both orders.
    """
    lines = pivot(frame, ["layer"], "problem", lambda rows: _mean(rows, column))
    for line in lines:
        means = frame[frame["layer"] == line["layer"]].groupby("problem")[column].mean()
        if len(means) == frame["problem"].nunique():
            of_kinds = means.groupby(lambda problem: re.sub(r"^permuted | \d+$", "", problem)).mean()
            line |= {"mean": f"{means.mean():.2f}", "mean of kinds": f"{of_kinds.mean():.2f}"}
    return lines


def _levels(frame: pd.DataFrame) -> list[Row]:
    """Return a line for each layer that has reached the level of a problem, in the order of the frame."""
    lines = pivot(frame[frame["level_steps"].notna()], ["layer"], "problem", _to_level)
    order = [*dict.fromkeys(frame["layer"])]
    return sorted(lines, key=lambda line: order.index(line["layer"]))


def _mean(rows: pd.DataFrame, column: str) -> str:
    """Return the mean over seeds, and half of its 95 % interval."""
    values = rows[column].tolist()
    half = f" ± {interval(values)[1]:.2f}" if len(values) > 1 else ""
    return f"{np.mean(values):.2f}{half}"


def _to_level(rows: pd.DataFrame) -> str:
    """Return the median steps and seconds of the seeds that reached the level, and how many these are."""
    return f"{rows['level_steps'].median():.0f}, {rows['level_seconds'].median():.1f} s ({len(rows)})"


def _span(rows: pd.DataFrame) -> str:
    low, high = rows["parameters"].min(), rows["parameters"].max()
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def _milliseconds(rows: pd.DataFrame) -> str:
    steps = rows["step_ms"]
    return f"{steps.min():.1f} to {steps.max():.1f} ({steps.median():.1f})"


def _rates(rows: pd.DataFrame) -> str:
    """Return how often each rate was chosen, the smallest first."""
    chosen = rows.drop_duplicates("problem")["rate"].value_counts().sort_index()
    return ", ".join(f"{rate:g}: {count}" for rate, count in chosen.items())


def verdicts(frame: pd.DataFrame) -> list[Row]:
    """Return a line for each claim: on how many problems it is so beyond the seeds' intervals, and on the whole.

    The difference of a problem is the mean over seeds, paired; better and worse are differences whose 95 % interval
    leaves out zero. The verdict is of the mean over problems: it holds, or does not, where its 95 % interval leaves out
    zero.
    """
    lines: list[Row] = []
    for claim, (ours, theirs, column) in CLAIMS.items():
        better = worse = 0
        means = []
        for _, rows in frame.groupby("problem", sort=False):
            pair = [_best(rows, names, column) for names in (ours, theirs)]
            if not all(pair):
                continue
            differences = [a - b for a, b in zip(*pair, strict=False)]
            mean, half = interval(differences)[:2] if len(differences) > 1 else (differences[0], np.inf)
            better, worse = better + (mean > half), worse + (mean < -half)
            means.append(mean)
        if len(means) < 2:
            continue
        mean, half, _ = interval(means)
        verdict = "holds" if mean > half else "does not hold" if mean < -half else "open"
        lines.append(
            {
                "claim": claim,
                "problems": len(means),
                "better": better,
                "worse": worse,
                "mean difference": f"{mean:+.2f} ({mean - half:+.2f} to {mean + half:+.2f})",
                "verdict": verdict,
            }
        )
    return lines


def _best(rows: pd.DataFrame, names: tuple[str, ...], column: str) -> list[float]:
    """Return the figures of the seeds, of the layer with the best mean validation; none if there is no such layer."""
    found = {name: part for name, part in rows.groupby("layer", sort=False) if name in names}
    if not found:
        return []
    # At the start nothing was validated: the best of several is the best on the test split, which is kind to them.
    by = "start" if column == "start" else "valid"
    best = max(found.values(), key=lambda part: part[by].mean())
    return [float(value) for value in best.sort_values("seed")[column]]


def figure(frame: pd.DataFrame, path: Path) -> None:
    """Draw how the accuracy of copying falls with the lag."""
    copies = frame[frame["problem"].str.startswith("copy ")]
    if copies.empty:
        return
    drawn = Figure(figsize=(8, 4.5), layout="constrained")
    axes = drawn.add_subplot(xscale="log", xlabel="lag, frames", ylabel="share of symbols right", ylim=(0, 1.02))
    for number, name in enumerate(name for name in SHOWN if name in set(copies["layer"])):
        rows = copies[copies["layer"] == name]
        lags = rows["problem"].map(lambda problem: int(re.sub(r"\D", "", problem)))
        means = rows["test"].groupby(lags).mean().sort_index()
        axes.plot(means.index, means, marker="osv^Dx+*"[number], linestyle="-" if "LMN" in name else "--", label=name)
    axes.axhline(1 / 8, color="black", linestyle=":", linewidth=0.8)
    axes.set_xticks(sorted({int(problem.split()[1]) for problem in copies["problem"]}), minor=False)
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.minorticks_off()
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set_title("Ten of eight symbols, said again after a lag (dotted: chance)")
    save(drawn, path, colours=16)
