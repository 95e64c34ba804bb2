"""Work that may take for ever or all memory, done in a process that can be stopped."""

from __future__ import annotations

import atexit
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from lmn_music.errors import ScoreError

_PATIENCE = 20  # seconds on the clock for each second of work: the machine may have more to do


class Worker:
    """A process that answers one request after the other. A request that takes too long ends it; the next starts anew.

    Args:
        module: what the process runs: a module that calls `serve`.
        seconds: how long the processor may work on a request.
        megabytes: how much memory a request may take, on Linux.
    """

    def __init__(self, module: str, *, seconds: int, megabytes: int) -> None:
        self._command = [sys.executable, "-m", module, str(seconds), str(megabytes)]
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._parent = 0  # the process that started it: one that is forked must start its own

    def ask(self, request: Any) -> Any:
        """Return the answer to a request; both are what JSON can say.

        Raises:
            ScoreError: the request takes too long or too much memory, or cannot be answered.
        """
        with self._lock:
            process = self._running()
            alarm = threading.Timer(self._seconds * _PATIENCE, process.kill)
            alarm.start()
            assert process.stdin is not None
            assert process.stdout is not None
            answer = ""
            with suppress(OSError):  # it has ended
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                answer = process.stdout.readline()
            alarm.cancel()
            if not answer:
                self.stop()
                raise ScoreError(
                    "reading takes too long or too much memory: split the piece", "too long (time or memory)"
                )
        found = json.loads(answer)
        if "error" in found:
            raise ScoreError(found["error"], found["reason"])
        return found["answer"]

    def _running(self) -> subprocess.Popen[str]:
        """Return the process, a new one if there is none."""
        if self._process is None or self._process.poll() is not None or self._parent != os.getpid():
            path = os.pathsep.join(filter(None, sys.path))
            self._process = subprocess.Popen(  # noqa: S603 -- this package, run by this Python
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C is not meant for it
            )
            self._parent = os.getpid()
            atexit.register(self.stop)
        return self._process

    def stop(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        atexit.unregister(self.stop)
        if process is not None and self._parent == os.getpid():
            process.kill()
            with suppress(OSError), process:  # closes the pipes and waits
                pass


def serve(answer: Callable[[Any], Any]) -> None:
    """Answer requests from the standard input until it ends. What `answer` prints goes nowhere.

    Args:
        answer: returns the answer to a request; a ScoreError that it raises is passed on.
    """
    seconds, megabytes = int(sys.argv[1]), int(sys.argv[2])
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        _limit(seconds, megabytes)
        try:
            found = {"answer": answer(json.loads(line))}
        except ScoreError as error:
            found = {"error": str(error), "reason": error.reason}
        except MemoryError:
            return
        out.write(json.dumps(found) + "\n")
        out.flush()


def _limit(seconds: int, megabytes: int) -> None:
    """Let the system end this process when the next request takes more, where the system can do so."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        end = math.ceil(used.ru_utime + used.ru_stime) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (end, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
