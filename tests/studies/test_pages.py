"""The pages say what the stored results say."""

from pathlib import Path

import pytest

from studies import capacity_report, initialisation_report
from studies.initialisation_plan import Plan, names, protocol
from studies.page import fill
from studies.store import begin, read

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "studies" / "results"


@pytest.mark.parametrize("page", ["docs/results.md", "studies/details.md"])
def test_a_page_has_the_tables_of_the_stored_results(page, tmp_path):
    tables = capacity_report.tables(read(RESULTS / "capacity.json"))
    tables |= initialisation_report.tables(read(RESULTS / "initialisation.json"))
    text = (ROOT / page).read_text()
    (tmp_path / "page.md").write_text(text)
    assert fill(tmp_path / "page.md", tables) == []
    assert (tmp_path / "page.md").read_text() == text


def test_the_stored_experiment_is_whole_and_by_the_protocol_of_the_code(tmp_path):
    stored = (RESULTS / "initialisation.json").read_text()
    (tmp_path / "initialisation.json").write_text(stored)
    results = begin(tmp_path / "initialisation.json", protocol())
    assert results.keys() == names(Plan()) | {"protocol"}
    assert (tmp_path / "initialisation.json").read_text() == stored
