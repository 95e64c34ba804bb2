"""How far an evaluation has come: callbacks that count songs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

Progress = Callable[[int, int], None]  # is called with the songs done and the songs in all


def no_progress(done: int, in_all: int) -> None:
    """Do nothing; for a caller who does not count."""


def in_turn(progress: Progress, songs: Sequence[int]) -> list[Progress]:
    """Return callbacks for several passes over songs, one pass after the other, which `progress` counts as one.

    Args:
        progress: the callback for all passes together.
        songs: how many songs each pass reads.
    """

    def after(before: int) -> Progress:
        return lambda done, _: progress(before + done, sum(songs))

    return [after(before) for before in accumulate(songs, initial=0)][:-1]
