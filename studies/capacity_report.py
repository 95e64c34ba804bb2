"""Tables and figures of the capacity experiment, from its stored results: as many as there are so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmn_music.memory.sequences import FloatArray
from lmn_music.music.pianoroll import LOWEST_PITCH
from studies.capacity_inputs import LONGER, SHORT, Protocol
from studies.capacity_memories import TRAINED
from studies.figures import save
from studies.page import spread, table
from studies.store import Result

VARIANTS = ("", LONGER, SHORT)
# Colours that the colour-blind tell apart (Okabe and Ito, "Color universal design", 2008), and markers.
STYLES = {
    "LAES": ("#000000", "o"),
    "multi-scale LAES": ("#888888", "*"),
    "orthogonal": ("#0072b2", "s"),
    "echo state": ("#56b4e9", "^"),
    "delay line": ("#009e73", "v"),
    "Legendre": ("#e69f00", "D"),
    "RNN": ("#d55e00", "P"),
    "LSTM": ("#cc79a7", "X"),
}
RIGHT, WRONG = (0.0, 0.27, 0.55), (0.84, 0.2, 0.1)  # red, green, blue


@dataclass(frozen=True)
class Measured:
    """One memory of one size on one input; a row for each seed. variant: see `capacity_inputs.Training`."""

    input: str
    memory: str
    size: int
    variant: str
    rows: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        """Return the memory's name in tables and figures."""
        return f"{self.memory}, {self.variant}" if self.variant else self.memory

    def values(self, figure: str) -> list[float]:
        """Return the figure of that name for each seed."""
        return [row[figure] for row in self.rows]


def _protocol(results: Mapping[str, Result]) -> Protocol:
    """Return the protocol of the results, without the grids of settings that are kept beside it."""
    kept = results["protocol"]
    return Protocol.model_validate({name: kept[name] for name in Protocol.model_fields if name in kept})


def measured(results: Mapping[str, Result]) -> list[Measured]:
    """Return what has been measured so far, by input, memory and size, in the order of the protocol."""
    found = []
    for name, result in results.items():
        if name != "protocol":
            name_of_input, memory, *rest = name.split(", ")
            for size in {row["size"] for row in result["rows"]}:
                rows = tuple(row for row in result["rows"] if row["size"] == size)
                variant = next((variant for variant in VARIANTS if variant in rest), "")
                found.append(Measured(name_of_input, memory, size, variant, rows))
    inputs, memories = _protocol(results).inputs, list(STYLES)
    return sorted(
        found, key=lambda m: (inputs.index(m.input), memories.index(m.memory), VARIANTS.index(m.variant), m.size)
    )


def tables(results: Mapping[str, Result]) -> dict[str, str]:
    """Return Markdown tables by the name of their mark. Capacities are in frames, on the test split.

    capacity-total: of size `shown`, summed over all lags; capacity-first: over the first ones, of memories made for
    these; the largest in bold. capacity-sizes: the total of every size. ± is the standard deviation over seeds.
    capacity-settings: what was chosen on the validation split; capacity-seconds: see `capacity.measure`; of size
    `shown`. capacity-training: how the training of the networks went.
    """
    found, shown = measured(results), results["protocol"]["shown"]
    usual = [m for m in found if not m.variant]
    at_shown = [m for m in found if m.size == shown]
    here, first = [m for m in at_shown if m.variant != SHORT], [m for m in at_shown if m.variant == SHORT]
    rows = {
        "capacity-total": _pivot(here, ("input",), "name", "total", bold=True),
        "capacity-first": _pivot(first, ("input",), "memory", "first", bold=True),
        "capacity-sizes": _pivot(usual, ("input", "memory"), "size", "total"),
        "capacity-settings": [_settings(name, here) for name in dict.fromkeys(m.input for m in here)],
        "capacity-seconds": _pivot(here, ("input",), "name", "seconds"),
        "capacity-training": [_training(m) for m in found if m.memory in TRAINED],
    }
    return {name: table(lines) for name, lines in rows.items() if lines}


def _pivot(
    found: Sequence[Measured], labels: Sequence[str], column: str, figure: str, *, bold: bool = False
) -> list[dict[str, str]]:
    """Return a line for each value of `labels`, with the figure in columns; bold: so is the largest mean."""
    columns = dict.fromkeys((str(getattr(m, column)) for m in sorted(found, key=lambda m: m.size)), "")
    groups: dict[tuple[str, ...], list[Measured]] = {}
    for m in found:
        groups.setdefault(tuple(getattr(m, label) for label in labels), []).append(m)
    lines = []
    for head, group in groups.items():
        best = max(mean(m.values(figure)) for m in group)
        line = dict(zip(labels, head, strict=True)) | columns
        for m in group:
            text = spread(m.values(figure), 2)
            line[str(getattr(m, column))] = f"**{text}**" if bold and mean(m.values(figure)) == best else text
        lines.append(line)
    return lines


def _settings(name: str, found: Sequence[Measured]) -> dict[str, str]:
    """Return what was chosen on an input, a column for each memory that has settings."""
    line = {m.name: "" for m in found if m.rows[0]["settings"]}
    for m in found:
        if m.input == name and m.rows[0]["settings"]:
            line[m.name] = ", ".join(f"{setting} {value:g}" for setting, value in m.rows[0]["settings"].items())
    return {"input": name, **line}


def _training(m: Measured) -> dict[str, Any]:
    """Return what a network held before its training, and after it; steps: after how many its weights were kept."""
    curves = [row["curve"] for row in m.rows]
    kept = [max(curve, key=lambda point: float(point[1]))[0] for curve in curves]
    return {
        "input": m.input,
        "network": m.name,
        "size": m.size,
        "steps": curves[0][-1][0],
        "kept after": ", ".join(map(str, kept)),
        "validation, before": spread([curve[0][1] for curve in curves], 2),
        "validation": spread(m.values("valid"), 2),
        "test": spread(m.values("total"), 2),
        "test, first lags": spread(m.values("first"), 2),
        "seconds": f"{mean(m.values('seconds')):.0f}",
    }


def draw(results: Mapping[str, Result], out: Path) -> None:
    """Draw the figures as PNG and SVG into the folder `out`, the same bytes from the same results.

    capacity-sizes: the total against the size, with its standard deviation over seeds; capacity-lags: the capacity of
    each lag at size `shown`; capacity-song-CORPUS: a song of the test split read out of each memory's last state.
    """
    out.mkdir(parents=True, exist_ok=True)
    found, protocol = measured(results), _protocol(results)
    found = [m for m in found if m.variant != SHORT]
    at_shown = [m for m in found if m.size == protocol.shown]
    against_size = _panels(found, protocol, _against_size, "size of the memory", "total capacity, frames")
    save(against_size, out / "capacity-sizes.png")
    against_lag = _panels(at_shown, protocol, _against_lag, "lag, frames", f"capacity, size {protocol.shown}")
    save(against_lag, out / "capacity-lags.png")
    for corpus in protocol.corpora:
        here = [m for m in at_shown if m.input == f"rolls {corpus}" and not m.variant]
        songs = {m.name: m.rows[0]["song"] for m in here if m.rows[0].get("song")}
        if songs:
            save(_songs(songs), out / f"capacity-song-{corpus}.png")


def _panels(
    found: Sequence[Measured],
    protocol: Protocol,
    plot: Callable[[Axes, list[Measured]], None],
    x_label: str,
    y_label: str,
) -> Figure:
    """Return a figure with a panel for each input: the synthetic ones on the left, then a column for each corpus."""
    inputs = protocol.inputs
    width = len(inputs) // 2
    order = [inputs[0], *inputs[2 : width + 1], inputs[1], *inputs[width + 1 :]]
    figure = Figure(figsize=(1.2 + 3 * width, 6.6), layout="constrained", facecolor="white")
    lines = {}
    panels = figure.subplots(2, width, squeeze=False)
    for axes, name in zip(panels.flat, order, strict=True):
        here = [m for m in found if m.input == name]
        for memory in dict.fromkeys(m.name for m in here):
            plot(axes, [m for m in here if m.name == memory])
        if name == "white noise" and plot is _against_size:
            sizes = np.array(protocol.sizes)
            axes.plot(
                sizes, sizes / protocol.noise_inputs, color="red", ls=":", zorder=9, label="size / inputs (theory)"
            )
        axes.set_title(name, fontsize=11)
        if plot is _against_size:
            axes.set_xticks(protocol.sizes, map(str, protocol.sizes))
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.25, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        lines.update({label: line for line, label in zip(*axes.get_legend_handles_labels(), strict=True)})
    for axes in panels[-1]:
        axes.set_xlabel(x_label, fontsize=11)
    figure.supylabel(y_label, fontsize=11)
    if lines:
        figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=10, frameon=False, fontsize=10)
    return figure


def _against_size(axes: Axes, sizes: list[Measured]) -> None:
    colour, marker = STYLES[sizes[0].memory]
    means = [mean(m.values("total")) for m in sizes]
    spreads = [stdev(m.values("total")) if len(m.rows) > 1 else 0.0 for m in sizes]
    # The one training that took longer is a point of its own, without a line.
    style = {"mfc": "white", "ls": ""} if sizes[0].variant else {"lw": 1.4}
    axes.errorbar(
        [m.size for m in sizes], means, spreads, color=colour, marker=marker, ms=5, label=sizes[0].name, **style
    )
    axes.set_xscale("log")
    axes.minorticks_off()


def _against_lag(axes: Axes, sizes: list[Measured]) -> None:
    (m,) = sizes
    share = np.mean(m.values("per_lag"), axis=0)
    width = 2.2 if m.memory == "LAES" else 1.3
    axes.plot(share, color=STYLES[m.memory][0], label=m.name, lw=width, ls=":" if m.variant else "-")


def _songs(songs: Mapping[str, Mapping[str, Sequence[str]]]) -> Figure:
    """Return a figure of the song, and below it what each memory's last state tells of it, on the same keys."""
    song = _frames(next(iter(songs.values()))["frames"])
    keys = np.flatnonzero(song.any(axis=0))
    keys = np.arange(max(keys[0] - 4, 0), min(keys[-1] + 5, song.shape[1]))
    recalled = {"the song": song, **{name: _frames(texts["recalled"]) for name, texts in songs.items()}}
    figure = Figure(figsize=(9.5, 0.6 + 1.35 * len(recalled)), layout="constrained", facecolor="white")
    for axes, (name, frames) in zip(
        figure.subplots(len(recalled), 1, squeeze=False).flat, recalled.items(), strict=True
    ):
        sure = frames[:, keys, None]
        colours = np.where(song[:, keys, None] > 0.5, RIGHT, WRONG)
        axes.imshow((1 - sure + sure * colours).swapaxes(0, 1), aspect="auto", origin="lower", interpolation="nearest")
        heard, right = frames > 0.5, (frames > 0.5) & (song > 0.5)
        title = f"{name}: {right.sum()} of {(song > 0.5).sum()} notes, {(heard & ~right).sum()} wrong"
        axes.set_title(name if frames is song else title, fontsize=10, loc="left")
        cs = [place for place, key in enumerate(keys) if (key + LOWEST_PITCH) % 12 == 0]
        axes.set_yticks(cs, [f"C{(keys[place] + LOWEST_PITCH) // 12 - 1}" for place in cs], fontsize=8)
        axes.tick_params(length=0, labelbottom=frames is list(recalled.values())[-1])
        axes.spines[:].set_color("#c3c9d2")
    figure.supxlabel("frame", fontsize=10)
    return figure


def _frames(texts: Sequence[str]) -> FloatArray:
    """Return the frames (time, 88), from 0 to 1, that are stored as text."""
    return np.array([list(bytes.fromhex(text)) for text in texts]) / 255
