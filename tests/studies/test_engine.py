"""What is measured is kept as it comes, and never made twice."""

import gzip
import os
import signal
from dataclasses import dataclass, replace

import pytest

from lmn_music.errors import LmnMusicError, UsageError
from studies.engine import protocol, read, run, write


@dataclass(frozen=True)
class Square:
    number: int
    signal: int = 0

    def measure(self):
        if self.signal:
            os.kill(os.getpid(), self.signal)
        if self.number < 0:
            raise ValueError("no negative numbers")
        row = {
            "square": self.number**2,
            "halves": [self.number / 2],
            "process": os.getpid(),
            "kind": "x, y",
            "no": None,
        }
        return [row, {**row, "square": -self.number}]


@dataclass(frozen=True)
class Squares:
    """Squares of some numbers; then, of one more than the largest so far."""

    tasks: tuple[Square, ...]
    name: str = "squares"

    def steps(self, _out, _data):
        def first(_rows):
            return {str(task.number): task for task in self.tasks}

        def second(rows):
            return {"one more": Square(1 + max(int(row["task"]) for row in rows if row["task"] != "one more"))}

        return [first, second], len(self.tasks) + 1


TWO_AND_THREE = Squares((Square(2), Square(3)))


@pytest.mark.slow
def test_only_what_is_missing_is_done(tmp_path):
    told = []
    rows = run(TWO_AND_THREE, tmp_path / "new", workers=2, done=lambda *line: told.append(line))
    assert [left for *_, left in told] == [2, 1, 0]
    assert sorted(name for name, *_ in told) == ["2", "3", "one more"]
    assert [(row["task"], row["square"]) for row in rows] == [
        *(("2", 4), ("2", -2), ("3", 9), ("3", -3), ("one more", 16), ("one more", -4))
    ]
    assert rows == read(tmp_path / "new" / "squares.csv")
    assert rows[0]["halves"] == [1.0]
    assert rows[0]["kind"] == "x, y"
    assert rows[0]["no"] is None
    assert rows[0]["process"] != os.getpid()
    assert rows[0]["protocol"] == protocol(Square(2))
    more = Squares((Square(2), Square(3), Square(1)))
    told.clear()
    again = run(more, tmp_path / "new", workers=1, done=lambda *line: told.append(line))
    assert [name for name, *_ in told] == ["1"]
    assert [row for row in again if row["task"] != "1"] == rows


def test_an_interruption_loses_nothing(tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(TWO_AND_THREE, tmp_path, workers=1, done=interrupt)
    assert {row["task"] for row in read(tmp_path / "squares.csv")} == {"2"}
    assert {row["task"] for row in run(TWO_AND_THREE, tmp_path, workers=1)} == {"2", "3", "one more"}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_one_loses_nothing_of_what_is_done(tmp_path, workers):
    run(Squares((Square(5),)), tmp_path, workers=1)
    with pytest.raises(ValueError, match="no negative numbers"):
        run(Squares((Square(5), Square(-1), Square(2))), tmp_path, workers=workers)
    assert {"5", "one more"} <= {row["task"] for row in read(tmp_path / "squares.csv")}


def test_two_at_a_time_are_refused(tmp_path):
    """Each writes what it has read and added: what the other has added meanwhile would be lost."""
    refused = []

    def another(*_):
        with pytest.raises(LmnMusicError, match="another process is adding") as error:
            run(TWO_AND_THREE, tmp_path)
        refused.append(error)

    run(Squares((Square(2),)), tmp_path, workers=1, done=another)
    assert len(refused) == 2


@pytest.mark.slow
def test_a_process_that_is_ended_from_outside_loses_nothing_of_the_others(tmp_path):
    run(Squares((Square(2),)), tmp_path, workers=1)
    killed = Squares((Square(2), Square(3, signal.SIGKILL), Square(4)))
    with pytest.raises(LmnMusicError, match="ended from outside, perhaps for want of memory: run the command again"):
        run(killed, tmp_path, workers=2)
    assert {"2", "one more"} <= {row["task"] for row in read(tmp_path / "squares.csv")}


def test_results_by_another_protocol_are_refused(tmp_path):
    rows = run(TWO_AND_THREE, tmp_path, workers=1)
    other = replace(TWO_AND_THREE, tasks=(Square(2, 0), replace(Square(3), signal=1)))
    with pytest.raises(UsageError, match='holds "3" by another protocol'):
        run(other, tmp_path, workers=1)
    assert read(tmp_path / "squares.csv") == rows


@pytest.mark.parametrize("text", ["name,value\nx,1\n", "\xff", '{"two": 4}'])
def test_a_file_that_is_no_table_of_results_stays_as_it_is(tmp_path, text):
    path = tmp_path / "squares.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(LmnMusicError, match=r"squares\.csv .*move it away"):
        run(TWO_AND_THREE, tmp_path)
    assert path.read_text(encoding="latin-1") == text


def test_numbers_texts_and_lists_come_back_from_a_table(tmp_path):
    row = {"task": "1", "value": 0.1 + 0.2, "name": "a, b", "list": [1.5, 2], "empty": None}
    row |= {"protocol": "12345e67", "commit": "0123456"}
    write(tmp_path / "table.csv", [row, {**row, "task": "0"}])
    assert read(tmp_path / "table.csv") == [{**row, "task": "0"}, row]


def test_a_table_may_be_packed_and_is_continued_unpacked(tmp_path):
    rows = run(TWO_AND_THREE, tmp_path, workers=1)
    path, packed = tmp_path / "squares.csv", tmp_path / "squares.csv.gz"
    content = path.read_bytes()
    packed.write_bytes(gzip.compress(content))
    path.unlink()
    assert run(TWO_AND_THREE, tmp_path, workers=1) == rows
    assert not path.exists()  # nothing was missing
    assert len(run(replace(TWO_AND_THREE, tasks=(*TWO_AND_THREE.tasks, Square(1))), tmp_path, workers=1)) > len(rows)
    assert {row["task"] for row in read(path)} == {"1", "2", "3", "one more"}
    path.unlink()
    packed.write_bytes(gzip.compress(content)[:-20])
    with pytest.raises(LmnMusicError, match=r"squares\.csv\.gz .*move it away"):
        read(path)
