"""The picture of a report: how far each measure lies from the test songs, and the two histograms beside theirs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lmn_music.evaluation.song_report import Report, Row
from lmn_music.formats.picture import save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INSIDE, OUTSIDE, TEST = "#2a788e", "#d1495b", "#c3c9d2"
FURTHEST = 3.0  # spreads; what lies further away is drawn there


def write_picture(report: Report, path: Path) -> None:
    """Write the picture that `draw_report` makes.

    Args:
        report: what is drawn.
        path: the .png file to write.

    Raises:
        LmnMusicError: the file cannot be written.
    """
    save(draw_report(report), path)


def draw_report(report: Report) -> Figure:
    """Return the picture of a report.

    Args:
        report: what is drawn.

    Returns:
        A matplotlib Figure that belongs to no window: on the left a bar for each measure, its distance from the test
        songs in units of the spread, so that what is inside ends before 1; on the right the histograms.
    """
    from matplotlib.figure import Figure

    histograms = [row for row in report.rows if row.bins]
    figure = Figure(figsize=(14, 5.5), layout="constrained", facecolor="white")
    figure.suptitle(report.title, fontsize=13, x=0.01, ha="left", parse_math=False)
    grid = figure.add_gridspec(len(histograms), 2)
    _draw_distances(figure.add_subplot(grid[:, 0]), [row for row in report.rows if row.inside is not None])
    for number, row in enumerate(histograms):
        _draw_histogram(figure.add_subplot(grid[number, 1]), row, legend=number == 0)
    return figure


def _draw_distances(axes: Axes, rows: list[Row]) -> None:
    ratios = [min(row.distance / row.spread, FURTHEST) if row.spread else FURTHEST * (row.distance > 0) for row in rows]
    axes.axvspan(0, 1, color="#f1f3f6", zorder=0)
    axes.barh(range(len(rows)), ratios, color=[INSIDE if row.inside else OUTSIDE for row in rows], height=0.6)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.set_xticks(np.arange(FURTHEST + 1), [*(f"{each}" for each in range(int(FURTHEST))), f"{FURTHEST:.0f} or more"])
    axes.set_xlabel("distance from the test songs, in spreads (inside: up to 1)")
    axes.set_xlim(0, FURTHEST)
    axes.invert_yaxis()
    _plain(axes)


def _draw_histogram(axes: Axes, row: Row, *, legend: bool) -> None:
    places = np.arange(len(row.bins))
    for values, colour, shift, label in ((row.test, TEST, -0.2, "test songs"), (row.songs, INSIDE, 0.2, "these songs")):
        axes.bar(places + shift, [0 if math.isnan(each) else each for each in values], 0.4, color=colour, label=label)
    axes.set_xticks(places, row.bins)
    axes.set_title(row.name, fontsize=10, loc="left")
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    if legend:
        axes.legend(frameon=False, fontsize=9)
    _plain(axes)
    axes.tick_params(axis="x", labelsize=9 if len(places) < 20 else 7)


def _plain(axes: Axes) -> None:
    axes.tick_params(length=0, labelsize=9, colors="#444b55")
    for side in axes.spines.values():
        side.set_visible(False)
