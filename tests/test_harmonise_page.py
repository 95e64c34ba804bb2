"""docs/music.md shows what benchmarks/harmonise.py has stored."""

import importlib.util
from pathlib import Path

import pytest

from studies.tables import fill

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("harmonise_benchmark", ROOT / "benchmarks" / "harmonise.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_the_stored_table(script, tmp_path):
    text = script.PAGE.read_text()
    (tmp_path / "page.md").write_text(text)
    fill(tmp_path / "page.md", {"harmonise": script.table()}, alone=False)
    assert (tmp_path / "page.md").read_text() == text


def test_every_test_chorale_is_stored_once_in_each_way(script):
    names = [f"{way}, song {number:02d}" for way in (script.BACH, *script.WAYS) for number in range(77)]
    assert sorted(script.stored()) == sorted(names)


def test_the_melody_is_kept_in_all_of_them(script):
    assert all(counts["kept"] == counts["melody"] for counts in script.stored().values())
