"""Tables in Markdown out of rows of results, and pages that are filled with them."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from lmn_music.errors import LmnMusicError, UsageError
from lmn_music.files import replacing
from studies.engine import Row, Study, read

Cell = Callable[[pd.DataFrame], object]  # rows of results -> what stands in a cell
OF_BENCHMARKS = ("audit", "long_songs", "seeds")  # tables that other scripts of benchmarks/ fill
_MARK = re.compile(r"(<!-- (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def markdown(rows: Iterable[Row]) -> str:
    """Return rows as a Markdown table, "" if there are none; numbers that are not whole get three digits."""
    frame = pd.DataFrame(list(rows))
    lines = [frame.columns, ["---"] * len(frame.columns), *frame.map(_cell).to_numpy()] if len(frame) else []
    return "\n".join("|" + "|".join(line) + "|" if "---" in line else "| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    if value is None or value != value:
        return ""
    return (f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}") if isinstance(value, float) else str(value)


def spread(values: Iterable[float], digits: int = 3) -> str:
    """Return mean ± standard deviation, of one value the value alone, of none nothing; values may be missing."""
    found = [float(value) for value in values if pd.notna(value)]
    deviation = f" ± {statistics.stdev(found):.{digits}f}" if len(found) > 1 else ""
    return f"{statistics.mean(found):.{digits}f}{deviation}" if found else ""


def of(column: str, digits: int = 3, scale: float = 1.0) -> Cell:
    """Return what makes a cell out of a column: mean and standard deviation."""
    return lambda rows: spread(scale * rows[column], digits)


def listing(frame: pd.DataFrame, index: Sequence[str], columns: Mapping[str, Cell]) -> list[Row]:
    """Return a line for each value of `index`; columns: what makes each cell out of the rows of a line."""
    groups = frame.groupby(list(index), sort=False) if len(frame) else ()
    return [
        dict(zip(index, head, strict=True)) | {name: make(rows) for name, make in columns.items()}
        for head, rows in groups
    ]


def pivot(frame: pd.DataFrame, index: Sequence[str], columns: str, cell: Cell, *, bold: str = "") -> list[Row]:
    """Return a line for each value of `index`, a column for each value of `columns`, both in the order of the rows.

    bold: a column of the frame; the cell with its largest mean is set in bold in each line.
    """
    names = list(dict.fromkeys(frame[columns])) if len(frame) else []
    lines = []
    for head, rows in frame.groupby(list(index), sort=False):
        found = dict(list(rows.groupby(columns, sort=False)))
        line = dict(zip(index, head, strict=True)) | {str(n): cell(found[n]) if n in found else "" for n in names}
        if bold:
            best = str(max(found, key=lambda name: found[name][bold].mean()))
            line[best] = f"**{line[best]}**"
        lines.append(line)
    return lines


def interval(differences: Sequence[float]) -> tuple[float, float, float]:
    """Return mean, half-width of its 95 % interval (Student's t) and p of two or more paired differences.

    Where all are equal the interval has no width, and p is NaN.
    """
    mean, count = statistics.mean(differences), len(differences)
    error = statistics.stdev(differences) / count**0.5
    if not error:
        return mean, 0.0, np.nan
    half, p = stats.t.ppf(0.975, count - 1) * error, 2 * stats.t.sf(abs(mean) / error, count - 1)
    return mean, float(half), float(p)


def paired(differences: Sequence[float], digits: int = 3) -> str:
    """Return mean, 95 % interval and p, in bold if zero is outside the interval; of less than two nothing."""
    if len(differences) < 2:
        return ""
    mean, half, p = interval(differences)
    text = f"{mean:+.{digits}f} ({mean - half:+.{digits}f} to {mean + half:+.{digits}f})"
    text += "" if np.isnan(p) else ", p < 0.001" if p < 0.001 else f", p {p:.3f}"
    return f"**{text}**" if abs(mean) > half else text


def fill(page: Path, tables: Mapping[str, str], *, alone: bool = True) -> None:
    """Put each table between its marks in the page, `<!-- NAME -->` and `<!-- end -->`.

    Args:
        page: the file.
        tables: by their names; an empty one counts as missing, so that no table is lost with the file behind it.
        alone: whether all tables of the page are given; otherwise the others stay as they are.

    Raises:
        UsageError: there is no table for some of the marks; the page is left as it is.
    """
    text, tables = page.read_text(encoding="utf-8"), {name: table for name, table in tables.items() if table}
    missing = [mark[2] for mark in _MARK.finditer(text) if mark[2] not in (*tables, *OF_BENCHMARKS)]
    if missing and alone:
        raise UsageError(f"{page} asks for {', '.join(missing)}, of which there are no results")
    with replacing(page) as temporary:
        temporary.write_text(
            _MARK.sub(lambda m: f"{m[1]}{tables[m[2]]}\n{m[3]}" if m[2] in tables else m[0], text), encoding="utf-8"
        )


def report(studies: Iterable[Study], out: Path) -> dict[str, str]:
    """Draw the figures of all studies that have results in a folder, and return their tables by name.

    Raises:
        LmnMusicError: there are no results.
    """
    tables: dict[str, str] = {}
    for study in studies:
        if rows := read(out / f"{study.name}.csv"):
            rows += [row for name in study.beside for row in read(out / f"{name}.csv")]
            tables |= {name: text for name, text in study.tables(rows).items() if text}
            study.draw(rows, out)
    if not tables:
        raise LmnMusicError(f"there are no results in {out}: run a study first, or name its folder by --out")
    return tables
