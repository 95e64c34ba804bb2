"""Work of minutes within a stage that ends when the user asks for it, between two saved states."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lmn_music.processes import Processes

Check = Callable[..., None]  # raises StoppedError if the user has asked to stop; takes and forgets any arguments


class StoppedError(Exception):
    """The user has asked to stop: the work under way is given up, and done again from its beginning later."""


def go_on(*_: object) -> None:
    """Do nothing; for a caller who never stops."""


def checking(stop: Callable[[], bool], processes: Processes) -> Check:
    """Return a function that raises StoppedError if it is called when `stop()` is true.

    Args:
        stop: whether the user has asked to stop.
        processes: who shares the work; several leave it together, so none of them alone in the middle.

    Returns:
        What long work calls every second or so, also as its `progress`.
    """
    if processes.size > 1:
        return go_on

    def check(*_: object) -> None:
        if stop():
            raise StoppedError

    return check


class Watched(Processes):
    """This process alone; wherever several would add up what they have found, it looks whether it is to stop.

    Args:
        check: what is called there.
    """

    def __init__(self, check: Check) -> None:
        self._check = check

    def total(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the values."""
        self._check()
        return values
