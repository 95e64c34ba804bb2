"""Tables and figures of the study of capacity: as many as there are results for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmn_music.memory.sequences import FloatArray
from lmn_music.music.pianoroll import LOWEST_PITCH
from studies.capacity_networks import TRAINED
from studies.capacity_protocol import LONGER, SHORT, VARIANTS, Protocol
from studies.engine import Row
from studies.figures import save
from studies.tables import Cell, listing, markdown, of, pivot

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
TRAINING: dict[str, Cell] = {  # how the training of the networks went; kept after: so many steps
    "steps": lambda cell: int(cell["steps"].iloc[0]),
    "kept after": lambda cell: ", ".join(f"{steps:.0f}" for steps in cell["kept_after"]),
    "validation, before": of("valid_before", 2),
    "validation": of("valid", 2),
    "test": of("total", 2),
    "test, first lags": of("first", 2),
    "seconds": lambda cell: f"{cell['seconds'].mean():.0f}",
}
RIGHT, WRONG = (0.0, 0.27, 0.55), (0.84, 0.2, 0.1)  # red, green, blue


def prepared(rows: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Return the rows in the order of the protocol; name: of the memory and its variant."""
    found = rows.assign(variant=rows["variant"].fillna("") if "variant" in rows else "")
    found["name"] = found["memory"] + found["variant"].map(lambda variant: f", {variant}" if variant else "")
    places = {"input": protocol.inputs, "memory": (*STYLES,), "variant": VARIANTS}
    return found.sort_values(
        ["input", "memory", "variant", "size", "seed"],
        key=lambda column: column.map(places[column.name].index) if column.name in places else column,
        ignore_index=True,
    )


def tables(rows: pd.DataFrame, protocol: Protocol) -> dict[str, str]:
    """Return Markdown tables by the name of their mark. Capacities are in frames, on the test split.

    capacity-total: of the size that is shown, summed over all lags; capacity-first: over the first ones, of memories
    made for these; the largest in bold. capacity-sizes: the total of every size. ± is the standard deviation over
    seeds. capacity-settings: what was chosen on the validation split; capacity-seconds: see `CapacityTask.measure`;
    both of the size that is shown. capacity-training: how the training of the networks went.
    """
    found = prepared(rows, protocol)
    shown = found[found["size"] == protocol.shown]
    usual, short = shown[shown["variant"] != SHORT], shown[shown["variant"] == SHORT]
    chosen = usual[usual.groupby("name")["settings"].transform("count") > 0]
    networks = found[found["memory"].isin(TRAINED)].rename(columns={"name": "network"})
    made: dict[str, list[Row]] = {
        "capacity-total": pivot(usual, ["input"], "name", of("total", 2), bold="total"),
        "capacity-first": pivot(short, ["input"], "memory", of("first", 2), bold="first"),
        "capacity-sizes": pivot(found[found["variant"] == ""], ["input", "memory"], "size", of("total", 2)),
        "capacity-settings": pivot(chosen, ["input"], "name", lambda cell: cell["settings"].iloc[0]),
        "capacity-seconds": pivot(usual, ["input"], "name", of("seconds", 2)),
        "capacity-training": listing(networks, ["input", "network", "size"], TRAINING),
    }
    return {name: markdown(lines) for name, lines in made.items() if lines}


# --- figures


def figures(rows: pd.DataFrame, protocol: Protocol, out: Path) -> None:
    """Draw the figures into a folder, the same bytes from the same results.

    capacity-sizes: the total against the size of the memory; capacity-lags: the capacity of each lag, at the size that
    is shown; capacity-song-CORPUS: a song read out of each memory's last state, where the run has kept these songs.
    """
    found = prepared(rows, protocol)
    found = found[found["variant"] != SHORT]
    against_size = _panels(found, protocol, _against_size, "size of the memory", "total capacity, frames")
    save(against_size, out / "capacity-sizes.png")
    shown = found[found["size"] == protocol.shown]
    against_lag = _panels(shown, protocol, _against_lag, "lag, frames", f"capacity, size {protocol.shown}")
    save(against_lag, out / "capacity-lags.png")
    for corpus in protocol.corpora:
        paths = {memory: song_file(out, f"rolls {corpus}", memory) for memory in STYLES}
        songs = {memory: dict(np.load(path)) for memory, path in paths.items() if path.exists()}
        if songs:
            save(_songs(songs), out / f"capacity-song-{corpus}.png", colours=6)


def song_file(out: Path, name: str, memory: str) -> Path:
    """Return where a song is kept that was read out of a memory's last state."""
    return out / "songs" / f"{name}, {memory}.npz"


def _panels(
    found: pd.DataFrame,
    protocol: Protocol,
    plot: Callable[[Axes, pd.DataFrame], None],
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
        for _, group in found[found["input"] == name].groupby("name", sort=False):
            plot(axes, group)
        if plot is _against_size:
            axes.set_xscale("log")
            axes.minorticks_off()
            axes.set_xticks(protocol.sizes, map(str, protocol.sizes))
            if name == "white noise":
                theory = np.array(protocol.sizes) / protocol.noise_inputs
                axes.plot(protocol.sizes, theory, color="red", ls=":", zorder=9, label="size / inputs (theory)")
        axes.set_title(name, fontsize=11)
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


def _against_size(axes: Axes, memory: pd.DataFrame) -> None:
    head, sizes = memory.iloc[0], memory.groupby("size")["total"]
    colour, marker = STYLES[head["memory"]]
    # The one training that took longer is a point of its own, without a line.
    style = {"mfc": "white", "ls": ""} if head["variant"] == LONGER else {"lw": 1.4}
    means, spreads = sizes.mean(), sizes.std().fillna(0)
    axes.errorbar(means.index, means, spreads, color=colour, marker=marker, ms=5, label=head["name"], **style)


def _against_lag(axes: Axes, memory: pd.DataFrame) -> None:
    head, share = memory.iloc[0], np.mean(memory["per_lag"].to_list(), axis=0) / 100
    width = 2.2 if head["memory"] == "LAES" else 1.3
    axes.plot(share, color=STYLES[head["memory"]][0], label=head["name"], lw=width, ls=":" if head["variant"] else "-")


def _songs(songs: Mapping[str, Mapping[str, FloatArray]]) -> Figure:
    """Return a figure of the song, and below it what each memory's last state says of it, on the same keys."""
    song = next(iter(songs.values()))["song"]
    keys = np.flatnonzero(song.any(axis=0))
    keys = np.arange(max(keys[0] - 4, 0), min(keys[-1] + 5, song.shape[1]))
    shown = {"the song": song, **{memory: found["recalled"] for memory, found in songs.items()}}
    figure = Figure(figsize=(9.5, 0.6 + 1.35 * len(shown)), layout="constrained", facecolor="white")
    panels = figure.subplots(len(shown), 1, squeeze=False).flat
    for axes, (name, frames) in zip(panels, shown.items(), strict=True):
        sure = frames[:, keys, None]
        colours = np.where(song[:, keys, None] > 0.5, RIGHT, WRONG)
        axes.imshow((1 - sure + sure * colours).swapaxes(0, 1), aspect="auto", origin="lower", interpolation="nearest")
        sounding, right = frames > 0.5, (frames > 0.5) & (song > 0.5)
        title = f"{name}: {right.sum()} of {(song > 0.5).sum()} notes, {(sounding & ~right).sum()} wrong"
        axes.set_title(name if frames is song else title, fontsize=10, loc="left")
        cs = [place for place, key in enumerate(keys) if (key + LOWEST_PITCH) % 12 == 0]
        axes.set_yticks(cs, [f"C{(keys[place] + LOWEST_PITCH) // 12 - 1}" for place in cs], fontsize=8)
        axes.tick_params(length=0, labelbottom=name == list(shown)[-1])
        axes.spines[:].set_color("#c3c9d2")
    figure.supxlabel("frame", fontsize=10)
    return figure
