"""Signals that end a command: Ctrl-C, a request to end (SIGTERM), and a terminal that is gone (SIGHUP), all alike."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_STANDARD_ERROR = 2


class Interrupted(KeyboardInterrupt):
    """A command was asked to end.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Request:
    """Whether long work was asked to end.

    Attributes:
        number: of the signal; 0 if nobody has asked.
    """

    number = 0


def interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    """End what is under way; a handler of signals."""
    raise Interrupted(number)


def exit_code(interrupted: KeyboardInterrupt) -> int:
    """Return the exit code that a shell expects of a command that a signal has ended.

    Args:
        interrupted: what ended the command.
    """
    return 128 + (interrupted.number if isinstance(interrupted, Interrupted) else signal.SIGINT)


@contextmanager
def heeding(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Let a handler receive the signals while the block runs; those that nohup or a shell lets us ignore stay ignored.

    Args:
        handler: called with the number of the signal and the frame.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    with suppress(ValueError):  # another thread than the main one: Python has no signals there
        for number, old in before.items():
            if old is not signal.SIG_IGN:
                signal.signal(number, handler)
    try:
        yield
    finally:
        with suppress(ValueError):
            for number, old in before.items():
                signal.signal(number, signal.SIG_DFL if old is None else old)


@contextmanager
def asking(notice: str) -> Iterator[Request]:
    """Turn the first signal into a request to end, which the work looks at; the second one ends it at once.

    Args:
        notice: what the user reads after the first one.

    Yields:
        The request.
    """
    request = Request()

    def ask(number: int, _frame: FrameType | None) -> None:
        if request.number:
            raise Interrupted(number)
        request.number = number
        with suppress(OSError):  # written past Python's buffers, which may be in use at this moment
            os.write(_STANDARD_ERROR, f"{notice}\n".encode())

    with heeding(ask):
        yield request
