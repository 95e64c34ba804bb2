"""Pictures (.png) of piano-rolls."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lmn_music.files import as_utf8, replacing
from lmn_music.music.notes import Run, runs
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUARTERS_PER_BAR = 4  # a roll does not know its metre
FRAMES_PER_ROW = 128  # at most, and BARS_PER_ROW; in more frames than MAX_ROWS rows hold, the rows get longer
BARS_PER_ROW = 16
MAX_ROWS = 12
BLACK_KEYS = (1, 3, 6, 8, 10)  # pitch classes


def write_png(roll: PianoRoll, path: Path, *, title: str | None = None) -> None:
    """Write the picture of the roll that `draw` makes.

    Args:
        roll: The song.
        path: The file to write.
        title: The heading; the title of the roll if None.

    Raises:
        LmnMusicError: The file cannot be written.
    """
    figure = draw(roll, title=title)
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a title in a script that the font lacks
        figure.savefig(temporary, format="png", dpi=110)


def draw(roll: PianoRoll, *, title: str | None = None) -> Figure:
    """Return the picture of the roll: time from left to right in rows, as in a score, and pitch from low to high.

    Time is counted in bars of four quarter notes; the name of each C is written at its height (C4 is middle C).

    Args:
        roll: The song.
        title: The heading; the title of the roll if None.

    Returns:
        A matplotlib Figure that belongs to no window.
    """
    from matplotlib.figure import Figure

    bar = QUARTERS_PER_BAR * roll.frames_per_quarter
    bars = max(1, math.ceil(len(roll) / bar))
    most = max(1, min(BARS_PER_ROW, FRAMES_PER_ROW // bar))
    rows = min(MAX_ROWS, math.ceil(bars / most))
    row_bars = math.ceil(bars / rows)
    rows = math.ceil(bars / row_bars)
    low, high = _range(roll)
    row_height = min(4.0, max(1.6, 0.075 * (high - low)))
    figure = Figure(figsize=(13, 0.9 + rows * (row_height + 0.35)), layout="constrained", facecolor="white")
    heading = title if title is not None else roll.title
    if heading:
        figure.suptitle(as_utf8(heading[:120]), fontsize=13, x=0.01, ha="left", parse_math=False)
    notes = list(runs(roll.frames))
    for row, axes in enumerate(figure.subplots(rows, 1, squeeze=False)[:, 0]):
        _draw_row(axes, notes, row * row_bars * bar, (row + 1) * row_bars * bar, bar, (low, high))
    figure.supxlabel("bar (of four quarters)", fontsize=10)
    return figure


def _range(roll: PianoRoll) -> tuple[int, int]:
    """Return the MIDI pitches to show: those that sound, two more on each side, and two octaves at least."""
    sounding = np.flatnonzero(roll.frames.any(axis=0)) + LOWEST_PITCH
    low, high = (int(sounding[0]) - 2, int(sounding[-1]) + 2) if len(sounding) else (60, 72)
    missing = max(0, 24 - (high - low))
    low, high = low - missing // 2, high + missing - missing // 2
    return max(low, LOWEST_PITCH - 1), min(high, LOWEST_PITCH + KEYS)


def _draw_row(axes: Axes, notes: list[Run], first: int, last: int, bar: int, pitches: tuple[int, int]) -> None:
    """Draw the frames first, ..., last - 1 of the notes."""
    from matplotlib.collections import PolyCollection

    low, high = pitches
    for pitch in range(low, high + 1):
        if pitch % 12 in BLACK_KEYS:
            axes.axhspan(pitch - 0.5, pitch + 0.5, color="#f1f3f6", linewidth=0, zorder=0)
    boxes, heights = [], []
    for key, start, end in notes:
        if start < last and end > first:
            left, right, pitch = max(start, first) + 0.04, min(end, last) - 0.04, key + LOWEST_PITCH
            boxes.append([(left, pitch - 0.42), (left, pitch + 0.42), (right, pitch + 0.42), (right, pitch - 0.42)])
            heights.append(pitch)
    colours = PolyCollection(boxes, array=np.array(heights), cmap="viridis", zorder=3)
    colours.set_clim(low - 6, high + 12)  # the palest yellow is hard to see on white
    axes.add_collection(colours)
    cs = [pitch for pitch in range(low, high + 1) if pitch % 12 == 0]
    axes.set_yticks(cs, [f"C{pitch // 12 - 1}" for pitch in cs])
    axes.hlines(cs, first, last, color="#c3c9d2", linewidth=0.8, zorder=1)
    bars = range(first, last + 1, bar)
    axes.vlines(list(bars), low - 0.5, high + 0.5, color="#c3c9d2", linewidth=0.8, zorder=1)
    if len(bars) <= 33:  # quarters would be a grey mist where the rows are longer
        axes.vlines(list(range(first, last, bar // QUARTERS_PER_BAR)), low - 0.5, high + 0.5, color="#e6e9ee", lw=0.5)
    step = max(1, len(bars) // 16)
    axes.set_xticks(list(bars)[:-1:step], [str(start // bar + 1) for start in list(bars)[:-1:step]], ha="left")
    axes.set_xlim(first, last)
    axes.set_ylim(low - 0.5, high + 0.5)
    axes.tick_params(length=0, labelsize=9, colors="#444b55")
    for side in axes.spines.values():
        side.set_visible(False)
