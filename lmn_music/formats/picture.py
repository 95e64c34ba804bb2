"""Pictures (.png) of piano-rolls."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

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
    save(draw(roll, title=title), path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a .png file.

    Args:
        figure: What to write.
        path: The file.

    Raises:
        LmnMusicError: The file cannot be written.
    """
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
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    rows = Rows.of(roll)
    figure = Figure(figsize=(13, 0.9 + len(rows.spans) * (rows.height + 0.35)), layout="constrained", facecolor="white")
    write_heading(figure, title if title is not None else roll.title)
    notes = list(runs(roll.frames))
    low, high = rows.pitches[0] - 6, rows.pitches[1] + 12  # the palest yellow is hard to see on white
    colours = colormaps["viridis"]([(note.key + LOWEST_PITCH - low) / (high - low) for note in notes])
    for span, axes in zip(rows.spans, figure.subplots(len(rows.spans), 1, squeeze=False)[:, 0], strict=True):
        rows.draw_notes(axes, span, notes, colours)
        rows.draw_bars(axes, span)
    figure.supxlabel("bar (of four quarters)", fontsize=10)
    return figure


def write_heading(figure: Figure, heading: str) -> None:
    """Write what the figure shows above it, unless it is empty."""
    if heading:
        figure.suptitle(as_utf8(heading[:120]), fontsize=13, x=0.01, ha="left", parse_math=False)


@dataclass(frozen=True)
class Rows:
    """How a roll is laid out on a page.

    Attributes:
        bar: The number of frames of a bar.
        spans: The first frame of each row, and the frame after its last one.
        pitches: The lowest and the highest MIDI pitch that is shown.
        height: Of a row, in inches.
    """

    bar: int
    spans: tuple[tuple[int, int], ...]
    pitches: tuple[int, int]
    height: float

    @classmethod
    def of(cls, roll: PianoRoll) -> Rows:
        """Return the rows of a roll: of the same number of whole bars each, the last one too."""
        bar = QUARTERS_PER_BAR * roll.frames_per_quarter
        bars = max(1, math.ceil(len(roll) / bar))
        most = max(1, min(BARS_PER_ROW, FRAMES_PER_ROW // bar))
        row = bar * math.ceil(bars / min(MAX_ROWS, math.ceil(bars / most)))
        spans = tuple((start, start + row) for start in range(0, bars * bar, row))
        low, high = _range(roll)
        return cls(bar, spans, (low, high), min(4.0, max(1.6, 0.075 * (high - low))))

    def draw_notes(self, axes: Axes, span: tuple[int, int], notes: Sequence[Run], colours: npt.ArrayLike) -> None:
        """Draw the notes that sound in a row, each in its colour, over the keyboard.

        Args:
            axes: Where to draw.
            span: Of the row.
            notes: All notes of the roll.
            colours: Of each note: red, green, blue and opacity, shape (notes, 4).
        """
        from matplotlib.collections import PolyCollection

        (first, last), (low, high) = span, self.pitches
        for pitch in range(low, high + 1):
            if pitch % 12 in BLACK_KEYS:
                axes.axhspan(pitch - 0.5, pitch + 0.5, color="#f1f3f6", linewidth=0, zorder=0)
        boxes, shown = [], []
        for number, (key, start, end) in enumerate(notes):
            if start < last and end > first:
                left, right, pitch = max(start, first) + 0.04, min(end, last) - 0.04, key + LOWEST_PITCH
                boxes.append([(left, pitch - 0.42), (left, pitch + 0.42), (right, pitch + 0.42), (right, pitch - 0.42)])
                shown.append(number)
        axes.add_collection(PolyCollection(boxes, facecolors=np.asarray(colours).reshape(-1, 4)[shown], zorder=3))
        cs = [pitch for pitch in range(low, high + 1) if pitch % 12 == 0]
        axes.set_yticks(cs, [f"C{pitch // 12 - 1}" for pitch in cs])
        axes.hlines(cs, first, last, color="#c3c9d2", linewidth=0.8, zorder=1)
        axes.set_ylim(low - 0.5, high + 0.5)

    def draw_bars(self, axes: Axes, span: tuple[int, int]) -> None:
        """Draw the bars and quarters of a row from top to bottom, with the numbers of the bars below.

        Args:
            axes: Where to draw; its height is settled already.
            span: Of the row.
        """
        (first, last), (low, high) = span, axes.get_ylim()
        bars = range(first, last + 1, self.bar)
        axes.vlines(list(bars), low, high, color="#c3c9d2", linewidth=0.8, zorder=1)
        if len(bars) <= 33:  # quarters would be a grey mist where the rows are longer
            axes.vlines(list(range(first, last, self.bar // QUARTERS_PER_BAR)), low, high, color="#e6e9ee", lw=0.5)
        step = max(1, len(bars) // 16)
        axes.set_xticks(list(bars)[:-1:step], [str(start // self.bar + 1) for start in list(bars)[:-1:step]], ha="left")
        axes.set_xlim(first, last)
        axes.tick_params(length=0, labelsize=9, colors="#444b55")
        for side in axes.spines.values():
            side.set_visible(False)


def _range(roll: PianoRoll) -> tuple[int, int]:
    """Return the MIDI pitches to show: those that sound, two more on each side, and two octaves at least."""
    sounding = np.flatnonzero(roll.frames.any(axis=0)) + LOWEST_PITCH
    low, high = (int(sounding[0]) - 2, int(sounding[-1]) + 2) if len(sounding) else (60, 72)
    missing = max(0, 24 - (high - low))
    low, high = low - missing // 2, high + missing - missing // 2
    return max(low, LOWEST_PITCH - 1), min(high, LOWEST_PITCH + KEYS)
