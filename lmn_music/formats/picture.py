"""Pictures (.png, .svg) of piano-rolls."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lmn_music.files import as_utf8, replacing
from lmn_music.music.metre import Bar, count_bars
from lmn_music.music.notes import Run, runs
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRAMES_PER_ROW = 128  # at most, and BARS_PER_ROW; in more frames than MAX_ROWS rows hold, the rows get longer
BARS_PER_ROW = 16
MAX_ROWS = 12
BLACK_KEYS = (1, 3, 6, 8, 10)  # pitch classes
MARK = "#e8590c"


def write_picture(
    roll: PianoRoll,
    path: Path,
    *,
    bars: Sequence[Bar] = (),
    key: str = "",
    marked: tuple[Fraction, Fraction] | None = None,
) -> None:
    """Write the picture of the roll that `draw` makes.

    Args:
        roll: the song.
        path: the file to write.
        bars: see `draw`, also for the other arguments.
        key: the name of the key.
        marked: the stretch that is marked, in quarter notes.

    Raises:
        LmnMusicError: the file cannot be written.
    """
    save(draw(roll, bars=bars, key=key, marked=marked), path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a .svg file if the name ends so, else as a .png file. The same figure gives the same file.

    Args:
        figure: what to write.
        path: the file.

    Raises:
        LmnMusicError: the file cannot be written.
    """
    from matplotlib import rc_context

    svg = Path(path).suffix.lower() == ".svg"
    with replacing(path) as temporary, warnings.catch_warnings(), rc_context({"svg.hashsalt": "lmn-music"}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a title in a script that the font lacks
        figure.savefig(temporary, format="svg" if svg else "png", dpi=110, metadata={"Date": None} if svg else None)


def draw(
    roll: PianoRoll,
    *,
    bars: Sequence[Bar] = (),
    key: str = "",
    marked: tuple[Fraction, Fraction] | None = None,
) -> Figure:
    """Return the picture of the roll: time from left to right in rows, as in a score, and pitch from low to high.

    The name of each C is written at its height (C4 is middle C).

    Args:
        roll: the song.
        bars: the bars of the song; of four quarter notes if not given.
        key: the name of the key; it stands below the picture, unless it is empty.
        marked: where a stretch of the song begins and ends that is marked by its colour, in quarter notes.

    Returns:
        A matplotlib Figure that belongs to no window.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    rows = Rows.of(roll, bars)
    figure = Figure(figsize=(13, 0.9 + len(rows) * (rows.height + 0.35)), layout="constrained", facecolor="white")
    write_heading(figure, roll.title)
    notes = list(runs(roll.frames))
    low, high = rows.pitches[0] - 6, rows.pitches[1] + 12  # the palest yellow is hard to see on white
    colours = colormaps["viridis"]([(note.key + LOWEST_PITCH - low) / (high - low) for note in notes])
    for row, axes in enumerate(figure.subplots(len(rows), 1, squeeze=False)[:, 0]):
        rows.draw_notes(axes, row, notes, colours)
        rows.draw_bars(axes, row)
        if marked:
            rows.mark(axes, row, marked)
    what = "bar" if bars else "bar (of four quarters)"
    below = [what, *([key] if key else []), *(["orange: composed"] if marked else [])]
    figure.supxlabel("; ".join(below), fontsize=10)
    return figure


def write_heading(figure: Figure, heading: str) -> None:
    """Write what the figure shows above it, unless it is empty."""
    if heading:
        figure.suptitle(as_utf8(heading[:120]), fontsize=13, x=0.01, ha="left", parse_math=False)


@dataclass(frozen=True)
class Rows:
    """How a roll is laid out on a page: rows of whole bars, all with the same scale.

    Attributes:
        bars: the bars of each row.
        spans: the first frame of each row, and the frame after its last one.
        width: the number of frames that a row has room for.
        frames_per_quarter: the frames per quarter note of the roll.
        pitches: the lowest and the highest MIDI pitch that is shown.
        height: the height of a row in inches.
    """

    bars: tuple[tuple[Bar, ...], ...]
    spans: tuple[tuple[int, int], ...]
    width: int
    frames_per_quarter: int
    pitches: tuple[int, int]
    height: float

    @classmethod
    def of(cls, roll: PianoRoll, bars: Sequence[Bar] = ()) -> Rows:
        """Return the rows of a roll.

        Args:
            roll: the song.
            bars: its bars; of four quarter notes if not given.
        """
        per_quarter = roll.frames_per_quarter
        bars = list(bars) or count_bars((), Fraction(0), Fraction(max(1, len(roll)), per_quarter))
        longest = max(1, math.ceil(max(bar.end - bar.start for bar in bars) * per_quarter))
        most = max(1, min(BARS_PER_ROW, FRAMES_PER_ROW // longest))
        pickup = 1 if bars[0].number == 0 and len(bars) > 1 else 0  # stands before the first row's bars
        full = len(bars) - pickup
        step = math.ceil(full / min(MAX_ROWS, math.ceil(full / most)))
        starts = [0, *range(pickup + step, len(bars), step)]
        rows = tuple(tuple(bars[start:end]) for start, end in pairwise([*starts, len(bars)]))
        spans = tuple((math.ceil(r[0].start * per_quarter), math.ceil(r[-1].end * per_quarter)) for r in rows)
        low, high = _range(roll)
        width = max(last - first for first, last in spans)
        return cls(rows, spans, width, per_quarter, (low, high), min(4.0, max(1.6, 0.075 * (high - low))))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.spans)

    def draw_notes(self, axes: Axes, row: int, notes: Sequence[Run], colours: npt.ArrayLike) -> None:
        """Draw the notes that sound in a row, each in its colour, over the keyboard.

        Args:
            axes: where to draw.
            row: the number of the row, from 0.
            notes: all notes of the roll.
            colours: for each note red, green, blue and opacity, shape (notes, 4).
        """
        from matplotlib.collections import PolyCollection

        (first, last), (low, high) = self.spans[row], self.pitches
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

    def draw_bars(self, axes: Axes, row: int) -> None:
        """Draw the bars and quarters of a row from top to bottom, with the numbers of the bars below.

        Args:
            axes: where to draw; its height is settled already.
            row: the number of the row, from 0.
        """
        bars, (first, _), (low, high) = self.bars[row], self.spans[row], axes.get_ylim()
        starts = self.starts(row)
        axes.vlines(
            [*starts, float(bars[-1].end * self.frames_per_quarter)], low, high, color="#c3c9d2", lw=0.8, zorder=1
        )
        if len(bars) <= 32:  # in longer rows the lines of the quarters would touch each other
            quarters = [
                start + self.frames_per_quarter * number
                for start, bar in zip(starts, bars, strict=True)
                for number in range(math.ceil(bar.end - bar.start))
            ]
            axes.vlines(quarters, low, high, color="#e6e9ee", linewidth=0.5)
        step = max(1, (len(bars) + 1) // 16)
        axes.set_xticks(starts[::step], [str(bar.number) for bar in bars[::step]], ha="left")
        axes.set_xlim(first, first + self.width)
        axes.tick_params(length=0, labelsize=9, colors="#444b55")
        for side in axes.spines.values():
            side.set_visible(False)

    def mark(self, axes: Axes, row: int, marked: tuple[Fraction, Fraction]) -> None:
        """Colour what lies in a stretch of time, and draw a line where it begins and where it ends.

        Args:
            axes: where to draw.
            row: the number of the row, from 0.
            marked: the stretch, in quarter notes.
        """
        begin, end = (float(time * self.frames_per_quarter) for time in marked)
        first, last = self.spans[row]
        if begin < last and end > first:
            axes.axvspan(max(begin, first), min(end, last), color=MARK, alpha=0.13, linewidth=0, zorder=0.5)
        for time in (begin, end):
            if first <= time < last or time == last == self.spans[-1][1]:
                axes.axvline(time, color=MARK, linewidth=1.6, zorder=2)

    def starts(self, row: int) -> list[float]:
        """Return where the bars of a row start, in frames; a bar may start between two frames."""
        return [float(bar.start * self.frames_per_quarter) for bar in self.bars[row]]


def _range(roll: PianoRoll) -> tuple[int, int]:
    """Return the MIDI pitches to show: those that sound, two more on each side, and two octaves at least."""
    sounding = np.flatnonzero(roll.frames.any(axis=0)) + LOWEST_PITCH
    low, high = (int(sounding[0]) - 2, int(sounding[-1]) + 2) if len(sounding) else (60, 72)
    missing = max(0, 24 - (high - low))
    low, high = low - missing // 2, high + missing - missing // 2
    return max(low, LOWEST_PITCH - 1), min(high, LOWEST_PITCH + KEYS)
