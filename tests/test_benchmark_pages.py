"""Pages of docs/ show what the scripts of benchmarks/ have stored."""

import importlib.util
import json
from pathlib import Path

import pytest

from studies.tables import fill

ROOT = Path(__file__).resolve().parent.parent


def script_of(name):
    spec = importlib.util.spec_from_file_location(f"{name}_benchmark", ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def music():
    return script_of("music")


@pytest.fixture(scope="module")
def harmonise():
    return script_of("harmonise")


@pytest.mark.parametrize(
    "name",
    [
        "music",
        "harmonise",
        "audit",
        "steer",
        "precision",
        "readers",
        "fuzz",
        "scores",
        "soak",
        "stopping",
        "long_songs",
        "seeds",
    ],
)
def test_the_page_has_the_stored_table(name, tmp_path):
    script = script_of(name)
    text = script.PAGE.read_text()
    (tmp_path / "page.md").write_text(text)
    fill(tmp_path / "page.md", {name: script.table()}, alone=False)
    assert (tmp_path / "page.md").read_text() == text


def test_the_page_about_scale_has_the_stored_tables(tmp_path):
    script = script_of("scale/report")
    (tmp_path / "page.md").write_text(script.PAGE.read_text())
    fill(tmp_path / "page.md", script.tables())
    assert (tmp_path / "page.md").read_text() == script.PAGE.read_text()


def test_the_page_says_why_other_readers_read_otherwise():
    script = script_of("scores")
    assert script.differences() in script.PAGE.read_text()
    stored = json.loads(script.STORED.read_text())
    assert {name for kind in stored.values() for name in kind.get("differing", {})} <= set(script.WHY)


def test_what_is_stored_is_not_measured_again(music, small_corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(music, "STORED", tmp_path / "music.json")
    monkeypatch.setattr(music, "BLOCK", 2)
    monkeypatch.setattr(music, "load_corpus", lambda _: small_corpus)
    music.run(["jsb"], songs=4, temperature=1.0, most=8)
    before = (tmp_path / "music.json").read_text()
    assert len(music.read_json(music.STORED)) == 3
    monkeypatch.setattr(music, "measure_songs", None)
    music.run(["jsb"], songs=4, temperature=1.0, most=8)
    assert (tmp_path / "music.json").read_text() == before
    table = music.table()
    assert "jsb, 4 songs of 8 frames, temperature 1" in table
    assert "| inside | " in table


def test_every_test_chorale_is_stored_once_in_each_way(harmonise):
    names = [f"{way}, song {number:02d}" for way in (harmonise.BACH, *harmonise.WAYS) for number in range(77)]
    assert sorted(harmonise.stored()) == sorted(names)


def test_the_melody_is_kept_in_all_of_them(harmonise):
    assert all(counts["kept"] == counts["melody"] for counts in harmonise.stored().values())
