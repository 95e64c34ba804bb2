"""Work whose answer is a stream: a line of JSON for each thing that happens, until it is done or nobody reads."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any

from pydantic import ValidationError
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from lmn_music.errors import LmnMusicError
from lmn_music.studio.turns import BusyError, Turns
from lmn_music.studio.words import misfit, without_paths

Event = dict[str, Any]
Emit = Callable[[Event], None]

STILL_HERE = 1.0  # seconds after which a line says that the work has not ended, so that a client who left is noticed
UNEXPECTED = "something went wrong in the studio: the terminal that it runs in says what"

log = logging.getLogger("lmn_music.studio")


class GoneError(Exception):
    """Nobody waits for the work any more."""


def words_of(error: Exception) -> str:
    """Return what the page says of an error; one that should not happen is written to the terminal.

    Args:
        error: any.
    """
    if isinstance(error, LmnMusicError):
        return without_paths(str(error))
    if isinstance(error, ValidationError):
        return misfit(error)
    log.error("the studio failed", exc_info=error)
    return UNEXPECTED


class Lines(StreamingResponse):
    """An answer of lines of JSON: {"ahead": 3} while others are served, what the work sends, and its result.

    Args:
        turns: where the work waits for its turn.
        client: whose work it is.
        work: is called in a thread of its own, with a function that sends the client an event; the function raises
            GoneError when the client has left. It returns the last line.
    """

    def __init__(self, turns: Turns, client: str, work: Callable[[Emit], Event]) -> None:
        self.lines = _lines(turns, client, work)
        super().__init__(self.lines, media_type="application/x-ndjson")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI; when the answer ends, however it ends, the work ends too."""
        async with aclosing(self.lines):
            await super().__call__(scope, receive, send)


async def _lines(turns: Turns, client: str, work: Callable[[Emit], Event]) -> AsyncGenerator[bytes]:
    try:
        ticket = turns.stand(client)
    except BusyError as error:
        yield _line({"error": str(error)})
        return
    loop, left = asyncio.get_running_loop(), threading.Event()
    events: asyncio.Queue[Event | None] = asyncio.Queue()

    def emit(event: Event) -> None:
        if left.is_set():
            raise GoneError
        loop.call_soon_threadsafe(events.put_nowait, event)

    async def do() -> None:
        """Hold the turn until the thread has really ended, also when the client left before."""
        try:
            events.put_nowait(await asyncio.to_thread(work, emit))
        except GoneError:
            pass
        except Exception as error:
            events.put_nowait({"error": words_of(error)})
        finally:
            turns.leave(ticket)
            events.put_nowait(None)

    started = False
    try:
        while not ticket.called.is_set():
            yield _line({"ahead": turns.ahead(ticket)})
            with suppress(TimeoutError):
                await asyncio.wait_for(ticket.called.wait(), STILL_HERE)
        task = asyncio.create_task(do())
        started = True
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
        while True:
            try:
                event = await asyncio.wait_for(events.get(), STILL_HERE)
            except TimeoutError:
                yield b"\n"
                continue
            if event is None:
                return
            yield _line(event)
    finally:
        left.set()
        if not started:
            turns.leave(ticket)


_tasks: set[asyncio.Task[None]] = set()  # the event loop keeps no reference of its own


def _line(event: Event) -> bytes:
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
