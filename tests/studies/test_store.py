"""Measurements are kept as they come, and never made twice."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lmn_music.errors import LmnMusicError
from studies.page import fill, paired_interval, spread, table
from studies.store import begin, carry_out, read

ROOT = Path(__file__).parents[2]


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


def test_two_at_a_time_are_refused(tmp_path):
    """Each writes what it has read and added: what the other has added meanwhile would be lost."""
    path, refused = tmp_path / "squares.json", []

    def another(*_):
        with pytest.raises(LmnMusicError, match="another experiment is adding") as error:
            carry_out(path, {"three": 3}, square)
        refused.append(error)

    carry_out(path, {"two": 2}, square, workers=1, done=another)
    assert len(refused) == 1
    assert carry_out(path, {"three": 3}, square).keys() == {"two", "three"}


def end(number):
    """Be ended from outside, where the number is that of a signal."""
    if number:
        os.kill(os.getpid(), number)
    return {}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_is_ended_from_outside_loses_nothing_of_the_others(tmp_path, number):
    path = tmp_path / "ends.json"
    with pytest.raises(LmnMusicError, match="ended from outside, perhaps for want of memory: run the command again"):
        carry_out(path, {"first": 0, "second": int(number), "third": 0}, end, workers=1)
    assert read(path).keys() == {"first"}


def tell_and_wait(fifo):
    """Say that this process is there, through a pipe that is closed when it ends."""
    with open(fifo, "w") as pipe:  # noqa: PTH123
        pipe.write("at work")
        pipe.flush()
        signal.pause()


def test_no_process_outlives_the_one_that_asked_for_its_work(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    program = (
        "from pathlib import Path; from studies.store import carry_out\n"
        "from tests.studies.test_store import tell_and_wait\n"
        "if __name__ == '__main__': carry_out(Path('waits.json'), {'one': 'fifo'}, tell_and_wait)"
    )
    (tmp_path / "program.py").write_text(program)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    parent = subprocess.Popen([sys.executable, "program.py"], cwd=tmp_path, env=environment)
    pipe = os.open(fifo, os.O_RDONLY)  # returns once the process is there
    assert os.read(pipe, 7) == b"at work"
    parent.kill()
    parent.wait()
    ready, *_ = select.select([pipe], [], [], 60)
    assert ready
    assert os.read(pipe, 1) == b""  # the other end is closed: its process has ended
    os.close(pipe)


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
