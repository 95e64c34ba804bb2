"""The pages say what the stored results say, and the stored results are whole."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from studies.all import STUDIES, part_of
from studies.engine import protocol, read
from studies.tables import OF_BENCHMARKS, fill

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "studies" / "results"
PAGES = ("docs/results.md", "docs/memory.md", "studies/details.md", "studies/tried.md")
STORED = [name for name in STUDIES if name != "memory-quick"]  # the short form is for a first look


@pytest.fixture(scope="module")
def tables():
    found = {}
    for study in STUDIES.values():
        rows = read(RESULTS / f"{study.name}.csv")
        found |= study.tables(rows + [row for name in study.beside for row in read(RESULTS / f"{name}.csv")])
    return found


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_the_tables_of_the_stored_results(page, tables, tmp_path):
    text = (ROOT / page).read_text()
    (tmp_path / "page.md").write_text(text)
    fill(tmp_path / "page.md", tables)
    assert (tmp_path / "page.md").read_text() == text


def test_every_table_stands_on_a_page(tables):
    marks = {mark for page in PAGES for mark in re.findall(r"<!-- (\S+) -->\n", (ROOT / page).read_text())}
    assert tables.keys() == marks - {"end", *OF_BENCHMARKS}


@pytest.mark.parametrize("name", STORED)
def test_stored_results_say_which_commit_made_them(name):
    rows = read(RESULTS / f"{name}.csv")
    assert rows
    assert all(re.fullmatch(r"[0-9a-f]{7}", row["commit"]) for row in rows)


@pytest.mark.usefixtures("benchmark_folder")
# The study `dense` was not run with all starts.
@pytest.mark.parametrize("name", [name for name in STORED if name != "dense"])
def test_the_stored_results_are_whole(name, tmp_path):
    if name == "memory" and find_spec("sktime") is None:
        pytest.skip("the spoken vowels come from sktime: pip install --no-deps sktime")
    rows = read(RESULTS / f"{name}.csv")
    steps, count = part_of(name).steps(tmp_path, None)
    planned = {name: task for step in steps for name, task in step(rows).items()}
    assert len(planned) == count
    assert planned.keys() == {row["task"] for row in rows}
    # The same command continues them, whatever has become configurable since; the oldest rows do not say by what.
    assert all(protocol(planned[row["task"]]) == row["protocol"] for row in rows if row.get("protocol"))


def test_the_repository_is_small():
    files = [path for path in RESULTS.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".csv", ".gz", ".json", ".png"}
    assert sum(path.stat().st_size for path in files) < 1.2e6
