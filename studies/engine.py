"""The engine of all studies: do the tasks that are missing, keep each result as it comes, never make one twice."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import subprocess
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import torch
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError
from threadpoolctl import threadpool_limits

from lmn_music.allocator import keep_freed_memory
from lmn_music.errors import LmnMusicError, UsageError
from lmn_music.files import alone, replacing

Row = dict[str, Any]
Done = Callable[[str, Sequence[Row], int], None]  # called with a task's name, its rows and how many tasks are left
TEXTS = ("task", "protocol", "commit")  # columns of every table of results; what stands there is never a number


class Task(Protocol):
    """What is measured at once: a dataclass whose `repr` says everything that its rows depend on."""

    def measure(self) -> list[Row]:
        """Return rows of numbers, texts and lists of numbers."""


Step = Callable[[Sequence[Row]], Mapping[str, Task]]  # the rows so far -> tasks by name


class Study(Protocol):
    """A declaration: what is measured, and which tables and figures are made of the rows."""

    @property
    def name(self) -> str:
        """The name of the study, and of its table of results."""

    @property
    def beside(self) -> tuple[str, ...]:
        """The names of the studies whose rows stand in the same tables."""

    def steps(self, out: Path, data: Path | None) -> tuple[Sequence[Step], int]:
        """Return the steps, each of which needs the rows of the steps before it, and the number of all their tasks."""

    def tables(self, rows: Sequence[Row]) -> dict[str, str]:
        """Return Markdown tables by name, as many as there are rows for."""

    def draw(self, rows: Sequence[Row], out: Path) -> None:
        """Draw the figures into a folder."""


def read(path: Path) -> list[Row]:
    """Return the rows of a table of results, none if there is no file.

    A table may be packed, as NAME.csv.gz; it counts where there is no NAME.csv, which continues it.

    Raises:
        LmnMusicError: the file is not a table of results.
    """
    if not path.exists():
        path = path.with_name(f"{path.name}.gz")
    if not path.exists():
        return []
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as content:
            file = io.TextIOWrapper(content, encoding="utf-8", newline="")
            table = csv.DictReader(file)
            if not {*TEXTS} <= {*(table.fieldnames or ())}:
                raise ValueError(f"it has no columns {', '.join(TEXTS)}")
            return [{name: _value(name, text) for name, text in line.items()} for line in table]
    except (OSError, EOFError, zlib.error, ValueError, csv.Error) as error:
        raise LmnMusicError(f"{path} is not a table of results ({error}): move it away to start afresh") from error


def _value(name: str, text: str | None) -> Any:
    if not text:
        return None
    try:
        return text if name in TEXTS else json.loads(text)
    except ValueError:
        return text


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV, sorted by the names of their tasks; an empty cell stands for None."""
    columns = dict.fromkeys((TEXTS[0], *(name for row in rows for name in row if name not in TEXTS), *TEXTS[1:]))
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        for row in sorted(rows, key=lambda row: str(row["task"])):
            table.writerow(
                {k: json.dumps(v, separators=(",", ":")) if isinstance(v, list) else v for k, v in row.items()}
            )


def run(study: Study, out: Path, *, data: Path | None = None, workers: int = 2, done: Done | None = None) -> list[Row]:
    """Do the tasks of a study that are missing in OUT/NAME.csv, and return all rows.

    Args:
        study: what to do.
        out: the folder of the results and of whatever else the tasks keep.
        data: the folder of the benchmark files, see `load_corpus`.
        workers: processes of one thread each; 1: this process.
        done: called after each task.

    Returns:
        The rows of all tasks so far, those of other declarations among them.

    Raises:
        LmnMusicError: another process is at work on the same results; they come from another protocol; or a worker
            was ended from outside. What is done is kept in any case.
    """
    (steps, count), path = study.steps(out, data), out / f"{study.name}.csv"
    out.mkdir(parents=True, exist_ok=True)
    with alone(out / f".{study.name}.lock", f"another process is adding to {path}"):
        rows = read(path)
        for step in steps:
            tasks = step(rows)
            known = {row["task"]: row["protocol"] for row in rows}
            for name in tasks.keys() & known.keys():
                if known[name] != protocol(tasks[name]):
                    raise UsageError(
                        f'{path} holds "{name}" by another protocol (other options, songs, or an older state of the '
                        "study): choose another --out"
                    )
            count -= len(tasks.keys() & known.keys())
            for name, found in _carried_out({n: t for n, t in tasks.items() if n not in known}, workers):
                count -= 1
                rows += [{"task": name, **row, "protocol": protocol(tasks[name]), "commit": commit()} for row in found]
                write(path, rows)
                if done is not None:
                    done(name, found, count)
            rows = read(path)  # as after an interruption, also to the last digit
    return rows


def _carried_out(tasks: Mapping[str, Task], workers: int) -> Iterator[tuple[str, list[Row]]]:
    """Yield the results of the tasks as they come."""
    with parallel_config(backend="loky", inner_max_num_threads=1):
        pool = Parallel(n_jobs=min(workers, max(1, len(tasks))), return_as="generator_unordered", pre_dispatch="n_jobs")
    try:
        yield from pool(delayed(_measured)(name, task) for name, task in tasks.items())
    except TerminatedWorkerError as error:
        raise LmnMusicError(
            "a process was ended from outside, perhaps for want of memory: run the command again, which resumes, "
            "or with --workers 1"
        ) from error


def _measured(name: str, task: Task) -> tuple[str, list[Row]]:
    threads = torch.get_num_threads()
    keep_freed_memory()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            return name, task.measure()
    finally:
        torch.set_num_threads(threads)


def protocol(task: Task) -> str:
    """Return a short hash of everything that the rows of a task depend on."""
    return hashlib.sha256(repr(task).encode()).hexdigest()[:8]


@cache
def commit() -> str:
    """Return the commit of the checkout, with "-dirty" if something was changed since; "unknown" without git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    try:
        found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
