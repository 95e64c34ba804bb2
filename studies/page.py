"""Tables in Markdown, and pages that are filled with them."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scipy import stats

from lmn_music.errors import LmnMusicError
from lmn_music.files import replacing

_MARK = re.compile(r"(<!-- (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of the same keys as a Markdown table; numbers that are not whole get three significant digits."""
    head = list(rows[0])
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join(lines + ["| " + " | ".join(_cell(row[key]) for key in head) + " |" for row in rows])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def fill(page: Path, tables: Mapping[str, str]) -> list[str]:
    """Put each table between its marks in the page, `<!-- NAME -->` and `<!-- end -->`; return marks without one.

    The page is only written if there are none.
    """
    text, missing = page.read_text(encoding="utf-8"), []

    def filled(match: re.Match[str]) -> str:
        if match[2] not in tables:
            missing.append(match[2])
            return match[0]
        return f"{match[1]}{tables[match[2]]}\n{match[3]}"

    text = _MARK.sub(filled, text)
    if not missing:
        with replacing(page) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return missing


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Return the mean and the standard deviation, of one value the value alone."""
    deviation = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{deviation}"


def paired_interval(differences: Sequence[float]) -> tuple[float, float]:
    """Return the mean of two or more paired differences and the half-width of its 95 % interval (Student's t)."""
    count = len(differences)
    error = statistics.stdev(differences) / count**0.5
    return statistics.mean(differences), float(stats.t.ppf(0.975, count - 1)) * error


def results_missing(path: Path) -> LmnMusicError:
    """Return the error of a report on nothing."""
    return LmnMusicError(f"there are no results in {path}: run the experiment first, or name its folder by --out")
