"""The server of the studio: addresses to answers, on this machine alone."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from lmn_music import api
from lmn_music.errors import LmnMusicError, UsageError
from lmn_music.studio.answers import MOST_BYTES, STATIC, Studio
from lmn_music.studio.guard import Guard, TooLargeError, too_large
from lmn_music.studio.models import Models
from lmn_music.studio.streaming import words_of
from lmn_music.studio.turns import BusyError, Turns

ADDRESS = "127.0.0.1"


def make_app(studio: Studio, *, token: str, hosts: list[str]) -> Guard:
    """Return the application.

    Args:
        studio: the answers.
        token: what the page has to show.
        hosts: the names by which the server is addressed, with the port.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        warm = asyncio.create_task(asyncio.to_thread(studio.models.get, api.shipped_models()[0]))
        yield
        warm.cancel()

    app = Starlette(
        routes=[
            Route("/", studio.page),
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/api/about", studio.about),
            Route("/api/compose", studio.compose, methods=["POST"]),
            Route("/api/arrange", studio.arrange, methods=["POST"]),
            Route("/api/read", studio.read, methods=["POST"]),
            Route("/api/tunes/{name}", studio.tune),
            Route("/api/surprise", studio.surprise, methods=["POST"]),
            Route("/api/memory", studio.memory, methods=["POST"]),
            Route("/api/file", studio.file, methods=["POST"]),
            Route("/api/piano/{pitch:int}", studio.piano),
            Route("/api/runs", studio.trainings),
        ],
        exception_handlers={
            LmnMusicError: _refuse,
            ValidationError: _refuse,
            TooLargeError: lambda _request, _error: JSONResponse({"error": too_large(MOST_BYTES)}, 413),
            404: lambda _request, _error: JSONResponse({"error": "the studio has no such address"}, 404),
            405: lambda _request, _error: JSONResponse({"error": "the studio has no such address"}, 405),
            ClientDisconnect: lambda _request, _error: Response(status_code=499),
            Exception: lambda _request, error: JSONResponse({"error": words_of(error)}, 500),
        },
        lifespan=lifespan,
    )
    return Guard(app, token=token, hosts=hosts, most_bytes=MOST_BYTES)


def serve(*, port: int, runs: Path, data: Path | None, device: str, ready: Callable[[str], None]) -> None:
    """Serve the page on this machine until Ctrl-C.

    Args:
        port: of the address; 0 for any that is free.
        runs: the folder of the run folders.
        data: see `lmn_music.load_corpus`.
        device: see `lmn_music.api.resolve_device`.
        ready: called with the address when the page can be opened.

    Raises:
        UsageError: the port is in use.
    """
    import uvicorn

    open_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        open_socket.bind((ADDRESS, port))
    except OSError:
        open_socket.close()
        raise UsageError(f"`port` {port} is in use: choose another, or 0 for any that is free") from None
    port = open_socket.getsockname()[1]
    token = secrets.token_urlsafe(18)
    studio = Studio(Models(runs, device), runs, data, Turns(at_once=2, waiting=4), Turns(at_once=2, waiting=40))
    app = make_app(studio, token=token, hosts=[f"{ADDRESS}:{port}", f"localhost:{port}"])
    config = uvicorn.Config(
        app, log_level="critical", access_log=False, server_header=False, timeout_graceful_shutdown=2
    )
    open_socket.listen()
    ready(f"http://{ADDRESS}:{port}/?token={token}")
    uvicorn.Server(config).run(sockets=[open_socket])


async def _refuse(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": words_of(error)}, 503 if isinstance(error, BusyError) else 400)
