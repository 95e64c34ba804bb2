"""Who is next: work for one client at a time, for a few clients side by side, and the others wait in line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from lmn_music.errors import LmnMusicError

MOST_IN_LINE = 200  # of all of them


class BusyError(LmnMusicError):
    """Too many are waiting already."""


@dataclass(eq=False)
class Ticket:
    """A place in the line.

    Attributes:
        client: whose work it is.
        called: set when it is this ticket's turn.
    """

    client: str
    called: asyncio.Event = field(default_factory=asyncio.Event)


class Turns:
    """A line for work that takes long.

    Args:
        at_once: how many clients are served side by side.
        waiting: how many places in line one client may have.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self.at_once, self.waiting = at_once, waiting
        self._line: list[Ticket] = []
        self._served: set[str] = set()

    def ahead(self, ticket: Ticket) -> int:
        """Return how many tickets are before this one, those at work included."""
        return self._line.index(ticket) + len(self._served)

    def stand(self, client: str) -> Ticket:
        """Return a place at the end of the line.

        Args:
            client: whose work it is.

        Raises:
            BusyError: the client, or all clients together, have too many places already.
        """
        if sum(ticket.client == client for ticket in self._line) >= self.waiting:
            raise BusyError(f"{self.waiting} more are waiting already: wait for them, or stop one")
        if len(self._line) >= MOST_IN_LINE:
            raise BusyError("too many are waiting: try again in a minute")
        ticket = Ticket(client)
        self._line.append(ticket)
        self._call()
        return ticket

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it while the block runs.

        Args:
            client: whose work it is.
        """
        ticket = self.stand(client)
        try:
            await ticket.called.wait()
            yield
        finally:
            self.leave(ticket)

    def leave(self, ticket: Ticket) -> None:
        """Give a place, or a turn, back.

        Args:
            ticket: what `stand` returned.
        """
        if ticket in self._line:
            self._line.remove(ticket)
        else:
            self._served.discard(ticket.client)
        self._call()

    def _call(self) -> None:
        """Call as many as can be served: the first in line, but of each client one at a time."""
        for ticket in list(self._line):
            if len(self._served) >= self.at_once:
                return
            if ticket.client not in self._served:
                self._line.remove(ticket)
                self._served.add(ticket.client)
                ticket.called.set()
