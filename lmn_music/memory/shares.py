"""Work on sequences of which each of several processes has a share; what joins the processes is given from outside."""

from __future__ import annotations

from typing import Protocol

from lmn_music.memory.sequences import FloatArray


class Shared(Protocol):
    """The processes among which sequences are shared out: `lmn_music.processes.Processes`, or anything like it."""

    @property
    def rank(self) -> int:
        """Return the number of this process, from 0."""

    @property
    def size(self) -> int:
        """Return how many processes there are."""

    def total(self, values: FloatArray) -> FloatArray:
        """Return the sum of the values of all processes, of any shape."""

    def largest(self, values: FloatArray) -> FloatArray:
        """Return the element-wise maximum of the values of all processes."""


class NotShared:
    """One process has all sequences."""

    rank = 0
    size = 1

    def total(self, values: FloatArray) -> FloatArray:
        """Return the values."""
        return values

    def largest(self, values: FloatArray) -> FloatArray:
        """Return the values."""
        return values


NOT_SHARED = NotShared()
