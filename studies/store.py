"""Measurements by name in a JSON file: made side by side, kept as they come, and never made twice."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from lmn_music.errors import LmnMusicError
from lmn_music.files import alone, replacing

Task = TypeVar("Task")
Result = dict[str, Any]
Done = Callable[[str, Result, int], None]  # told a name, its result and how many are left


def read(path: Path) -> dict[str, Result]:
    """Return the measurements so far, none if there is no file; LmnMusicError if it is none of ours."""
    try:
        results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise LmnMusicError(f"{path} cannot be read as JSON ({error}): move it away to start afresh") from error
    if not isinstance(results, dict):
        raise LmnMusicError(f"{path} does not hold measurements by name: move it away to start afresh")
    return results


def write(path: Path, results: Mapping[str, Result]) -> None:
    """Write the measurements in the order of their names, one in a line: version control sees a new one as new."""
    lines = [f"{json.dumps(name)}: {json.dumps(results[name])}" for name in sorted(results)]
    with replacing(path) as temporary:
        temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def begin(path: Path, protocol: Result) -> dict[str, Result]:
    """Return the measurements so far, and "protocol", all that they depend on; it is written if there is no file.

    LmnMusicError if the file holds measurements by another protocol.
    """
    results, ours = read(path), json.loads(json.dumps(protocol))
    if results and results.get("protocol") != ours:
        raise LmnMusicError(f"{path} was measured by another protocol: move it away, or choose another folder")
    if not results:
        path.parent.mkdir(parents=True, exist_ok=True)
        results = {"protocol": ours}
        write(path, results)
    return results


def carry_out(
    path: Path,
    tasks: Mapping[str, Task],
    work: Callable[[Task], Result],
    *,
    workers: int = 2,
    done: Done | None = None,
) -> dict[str, Result]:
    """Do what is not in the file yet, each task in one of `workers` processes of one thread; return all measurements.

    work: a function of a module, which a fresh process can import; what it returns is JSON. Each result is written as
    soon as it is there: after an interruption, the next call does what is left. done: told each name, its result and
    how many are left. After the first error of a task nothing is begun any more; it is raised once the tasks under way
    have ended. LmnMusicError if another call is at work on the file, or if a process was ended from outside.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Each process writes what it has read and added, and no more.
    with alone(path.with_name(f".{path.stem}.lock"), f"another experiment is adding to {path}"):
        results = read(path)
        missing = {name: task for name, task in tasks.items() if name not in results}
        if missing:
            _add(path, results, missing, work, min(workers, len(missing)), done)
        return results


def _add(
    path: Path,
    results: dict[str, Result],
    missing: Mapping[str, Task],
    work: Callable[[Task], Result],
    workers: int,
    done: Done | None,
) -> None:
    """See `carry_out`."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # read by a process when it loads its libraries
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_prepare_worker)
    waiting, running, failed = list(missing.items())[::-1], dict[Future[Result], str](), None
    try:
        while running or (waiting and failed is None):
            while waiting and failed is None and len(running) < workers:
                name, task = waiting.pop()
                running[_submit(pool, work, task)] = name
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(future)
                if (error := future.exception()) is not None:
                    failed = failed or error
                    continue
                results[name] = future.result()
                write(path, results)
                if done is not None:
                    done(name, results[name], len(waiting) + len(running))
    except BrokenProcessPool as error:  # found out when the next task is submitted
        failed = failed or error
    except KeyboardInterrupt:  # perhaps of this process alone: what is under way is not waited for
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before
    if isinstance(failed, BrokenProcessPool):
        raise LmnMusicError(
            "a process was ended from outside, perhaps for want of memory: run the command again, which goes on, "
            "or with --workers 1"
        ) from failed
    if failed is not None:
        raise failed


def _submit(pool: ProcessPoolExecutor, work: Callable[[Task], Result], task: Task) -> Future[Result]:
    """Submit a task; a process that is started for it ignores Ctrl-C until `_prepare_worker` says what it does."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return pool.submit(work, task)
    finally:
        signal.signal(signal.SIGINT, before)


def _prepare_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # what is under way is lost anyway: end at once
    threading.Thread(target=_end_with_parent, daemon=True).start()

    import torch

    from lmn_music.allocator import keep_freed_memory

    torch.set_num_threads(1)
    keep_freed_memory()


def _end_with_parent() -> None:
    """End this process when the one that asked for its work is gone, however that went: its results have no reader."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
