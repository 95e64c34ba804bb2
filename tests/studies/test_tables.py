"""Tables out of rows, and pages that are filled with them."""

import pandas as pd
import pytest

from lmn_music.errors import UsageError
from studies.tables import fill, interval, markdown, paired, pivot, spread


def test_numbers_that_are_not_whole_get_three_digits():
    rows = [{"name": "x", "value": 0.123456, "n": 1}, {"name": "y", "value": 1234.5, "n": None}]
    assert markdown(rows[:1]) == "| name | value | n |\n|---|---|---|\n| x | 0.123 | 1 |"
    assert markdown(rows[1:]).splitlines()[2] == "| y | 1234 |  |"
    assert markdown([]) == ""


def test_tables_fill_a_page(tmp_path):
    page = tmp_path / "page.md"
    before = "a\n<!-- one -->\nold\nold\n<!-- end -->\nb\n<!-- two -->\nkept\n<!-- end -->\n"
    page.write_text(before)
    with pytest.raises(UsageError, match="asks for two, of which"):
        fill(page, {"one": "1", "three": "unused"})
    with pytest.raises(UsageError, match="asks for two, of which"):
        fill(page, {"one": "1", "two": ""})
    assert page.read_text() == before
    for _ in range(2):
        fill(page, {"one": "1", "two": "2", "three": "unused"})
        assert page.read_text() == "a\n<!-- one -->\n1\n<!-- end -->\nb\n<!-- two -->\n2\n<!-- end -->\n"


def test_values_become_columns_and_the_largest_is_bold():
    frame = pd.DataFrame(
        {"input": ["b", "b", "b", "a"], "memory": ["x", "y", "y", "y"], "total": [2.0, 1.0, 5.0, 3.0], "seed": 0}
    )
    assert pivot(frame, ["input"], "memory", lambda cell: spread(cell["total"], 1), bold="total") == [
        {"input": "b", "x": "2.0", "y": "**3.0 ± 2.8**"},
        {"input": "a", "x": "", "y": "**3.0**"},
    ]
    assert pivot(frame.head(0), ["input"], "memory", str) == []


def test_spread_and_interval():
    assert spread([1.0, 2.0, 3.0]) == "2.000 ± 1.000"
    assert spread([1.5], 1) == "1.5"
    assert spread([]) == ""
    mean, half, p = interval([0.1, 0.2, 0.3])
    assert mean == pytest.approx(0.2)
    assert half == pytest.approx(4.302653 * 0.1 / 3**0.5, rel=1e-5)  # Student's t, two degrees of freedom
    assert p == pytest.approx(0.074180, rel=1e-4)
    assert paired([0.1, 0.2, 0.3], 2) == "+0.20 (-0.05 to +0.45), p 0.074"
    assert paired([2.0, 2.0]) == "**+2.000 (+2.000 to +2.000)**"  # all are equal: there is no width, and no p
    assert paired([-0.1, -0.1001, -0.0999]).startswith("**-0.100 (-0.100 to -0.100), p < 0.001")
    assert paired([1.0]) == ""
