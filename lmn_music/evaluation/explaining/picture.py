"""The picture (.png) of a reading: the roll in colours of surprise, a curve of nats per frame above each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lmn_music.evaluation.explaining.reading import Reading
from lmn_music.evaluation.explaining.scale import ON_WHITE, legend, steps
from lmn_music.formats.picture import Rows, write_heading
from lmn_music.music.notes import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVE = 0.7  # inches


def draw(reading: Reading, title: str) -> Figure:
    """Return the picture.

    Args:
        reading: what to draw; a note has the colour of its onset.
        title: the heading.

    Returns:
        A matplotlib Figure that belongs to no window.
    """
    from matplotlib.colors import to_rgba_array
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    rows = Rows.of(reading.roll, reading.bars)
    count = len(rows)
    figure = Figure(figsize=(13, 1.5 + count * (CURVE + rows.height + 0.45)), layout="constrained", facecolor="white")
    write_heading(figure, title)
    notes = [Run(note.key, note.start, note.end) for note in reading.notes]
    colours = to_rgba_array(ON_WHITE)[steps([note.onset for note in reading.notes])]
    axes = figure.subplots(2 * count, 1, squeeze=False, height_ratios=[CURVE, rows.height] * count)[:, 0]
    highest = float(reading.frame_nats.max(initial=1.0))
    for row, (curve, roll) in enumerate(zip(axes[::2], axes[1::2], strict=True)):
        _draw_curve(curve, reading, rows.spans[row], highest)
        rows.draw_bars(curve, row)
        curve.set_xticks([])
        rows.draw_notes(roll, row, notes, colours)
        rows.draw_bars(roll, row)
    patches = [Patch(facecolor=colour, label=text) for colour, text in zip(ON_WHITE, legend(), strict=True)]
    figure.legend(
        handles=patches,
        loc="outside lower center",
        ncols=len(patches),
        title="numbers: bars; colour: nats of a note's first frame; curve: nats of the whole frame",
        frameon=False,
        fontsize=9,
        title_fontsize=9,
        handlelength=1.2,
    )
    return figure


def _draw_curve(axes: Axes, reading: Reading, span: tuple[int, int], highest: float) -> None:
    first, last = span
    nats = reading.frame_nats[first:last]
    if len(nats):
        edges = np.arange(first, first + len(nats) + 1)
        axes.stairs(nats, edges, fill=True, color="#dfe4ea", zorder=2)
        axes.stairs(nats, edges, color="#444b55", linewidth=1.0, zorder=3)
    axes.set_ylim(0, 1.05 * highest)
    axes.set_yticks([0, round(highest, 1)], ["0", f"{highest:.3g} nats"])
