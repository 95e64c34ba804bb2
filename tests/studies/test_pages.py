"""The pages say what the stored results say."""

from pathlib import Path

import pytest

from studies import capacity_report, initialisation_report
from studies.initialisation_plan import Plan, names, protocol
from studies.page import fill
from studies.store import begin, read

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["results.md", "details.md"])
def test_a_page_has_the_tables_of_the_stored_results(page, tmp_path):
    tables = capacity_report.tables(read(DOCS / "results" / "capacity.json"))
    tables |= initialisation_report.tables(read(DOCS / "results" / "initialisation.json"))
    text = (DOCS / page).read_text()
    (tmp_path / page).write_text(text)
    assert fill(tmp_path / page, tables) == []
    assert (tmp_path / page).read_text() == text


def test_the_stored_experiment_is_whole_and_by_the_protocol_of_the_code(tmp_path):
    stored = (DOCS / "results" / "initialisation.json").read_text()
    (tmp_path / "initialisation.json").write_text(stored)
    results = begin(tmp_path / "initialisation.json", protocol())
    assert results.keys() == names(Plan()) | {"protocol"}
    assert (tmp_path / "initialisation.json").read_text() == stored
