"""Measurements are kept as they come, and never made twice."""

import json
import os

import pytest

from lmn_music.errors import LmnMusicError
from lmn_music.experiments.page import fill, paired_interval, spread, table
from lmn_music.experiments.store import begin, carry_out, read


def square(number):
    if number < 0:
        raise ValueError("no negative numbers")
    return {"square": number**2, "process": os.getpid(), "threads": os.environ["OMP_NUM_THREADS"]}


def test_only_what_is_missing_is_done(tmp_path):
    path = tmp_path / "new" / "squares.json"
    told = []
    first = carry_out(path, {"two": 2, "three": 3}, square, workers=2, done=lambda *line: told.append(line))
    assert sorted(name for name, *_ in told) == ["three", "two"]
    assert [left for *_, left in told] == [1, 0]
    assert first["three"]["square"] == 9
    assert first["three"]["threads"] == "1"
    assert first["three"]["process"] != os.getpid()
    second = carry_out(path, {"two": 2, "three": 3, "four": 4}, square, workers=1)
    assert second["two"] == first["two"]
    assert second == read(path) == json.loads(path.read_text())
    assert [line.split('"')[1] for line in path.read_text().splitlines()[1:-1]] == ["four", "three", "two"]


def test_an_error_of_one_loses_nothing_of_the_others(tmp_path):
    path = tmp_path / "squares.json"
    tasks = {"minus one": -1, "two": 2, "three": 3, "four": 4}
    with pytest.raises(ValueError, match="no negative numbers"):
        carry_out(path, {"five": 5, **tasks}, square, workers=1)
    assert read(path).keys() == {"five"}  # nothing is begun after an error
    with pytest.raises(ValueError, match="no negative numbers"):
        carry_out(path, tasks, square, workers=2)
    assert "five" in read(path)


def test_measurements_by_another_protocol_are_refused(tmp_path):
    path = tmp_path / "new" / "squares.json"
    assert begin(path, {"power": (2, 3)}) == {"protocol": {"power": [2, 3]}}
    results = carry_out(path, {"two": 2}, square)
    assert begin(path, {"power": (2, 3)}) == results
    with pytest.raises(LmnMusicError, match="measured by another protocol: move it away"):
        begin(path, {"power": (3, 3)})
    assert read(path) == results


@pytest.mark.parametrize("text", ["{", "[1, 2]"])
def test_a_file_that_is_none_of_ours_stays_as_it_is(tmp_path, text):
    path = tmp_path / "notes.json"
    path.write_text(text)
    with pytest.raises(LmnMusicError, match=r"notes\.json"):
        carry_out(path, {"two": 2}, square)
    assert path.read_text() == text


def test_tables_fill_a_page(tmp_path):
    page = tmp_path / "page.md"
    before = "a\n<!-- one -->\nold\nold\n<!-- end -->\nb\n<!-- two -->\nkept\n<!-- end -->\n"
    page.write_text(before)
    text = table([{"name": "x", "value": 0.123456}, {"name": "y", "value": 1234.5}])
    assert text.splitlines() == ["| name | value |", "|---|---|", "| x | 0.123 |", "| y | 1234 |"]
    assert fill(page, {"one": text, "three": "unused"}) == ["two"]
    assert page.read_text() == before
    for _ in range(2):
        assert fill(page, {"one": text, "two": "2", "three": "unused"}) == []
    assert page.read_text() == f"a\n<!-- one -->\n{text}\n<!-- end -->\nb\n<!-- two -->\n2\n<!-- end -->\n"


def test_spread_and_paired_interval():
    assert spread([1.0, 2.0, 3.0]) == "2.000 ± 1.000"
    assert spread([1.5], 1) == "1.5"
    mean, half = paired_interval([0.1, 0.2, 0.3])
    assert mean == pytest.approx(0.2)
    assert half == pytest.approx(4.302653 * 0.1 / 3**0.5, rel=1e-5)  # Student's t, two degrees of freedom
