"""docs/music.md shows what benchmarks/music.py has stored."""

import importlib.util
from pathlib import Path

import pytest

from studies.tables import fill

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("music_benchmark", ROOT / "benchmarks" / "music.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_the_stored_table(script, tmp_path):
    text = script.PAGE.read_text()
    (tmp_path / "page.md").write_text(text)
    fill(tmp_path / "page.md", {"music": script.table()}, alone=False)
    assert (tmp_path / "page.md").read_text() == text


def test_what_is_stored_is_not_measured_again(script, small_corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "STORED", tmp_path / "music.json")
    monkeypatch.setattr(script, "BLOCK", 2)
    monkeypatch.setattr(script, "load_corpus", lambda _: small_corpus)
    script.run(["jsb"], songs=4, temperature=1.0, most=8)
    before = (tmp_path / "music.json").read_text()
    assert len(script.stored()) == 3
    monkeypatch.setattr(script, "measure_songs", None)
    script.run(["jsb"], songs=4, temperature=1.0, most=8)
    assert (tmp_path / "music.json").read_text() == before
    table = script.table()
    assert "jsb, 4 songs of 8 frames, temperature 1" in table
    assert "| inside | " in table
