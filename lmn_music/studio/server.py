"""The server of the studio: addresses to answers. It calls `lmn_music.api` and holds no logic of its own."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from lmn_music import api
from lmn_music.errors import LmnMusicError, UsageError
from lmn_music.formats import FORMATS
from lmn_music.studio import making, piano, reading
from lmn_music.studio.guard import Guard, TooLargeError, too_large
from lmn_music.studio.models import RUN, Models
from lmn_music.studio.requests import ArrangeRequest, ComposeRequest, FileRequest, ReadingRequest
from lmn_music.studio.streaming import Lines, words_of
from lmn_music.studio.turns import BusyError, Turns
from lmn_music.version import __version__

ADDRESS = "127.0.0.1"
MOST_BYTES = max(entry.max_bytes for entry in FORMATS.values() if entry.read)
CLIENT_HEADER = "x-studio-client"
STATIC = Path(str(resources.files(__package__) / "static"))

_Body = TypeVar("_Body", bound=BaseModel)


@dataclass
class Studio:
    """What the answers have in common.

    Attributes:
        models: the models that the page offers.
        runs: the folder of the run folders.
        data: see `lmn_music.load_corpus`.
        composing: the line of those who compose.
        short: the line of work that takes a second or two.
    """

    models: Models
    runs: Path
    data: Path | None
    composing: Turns
    short: Turns

    # --- what the page shows first

    async def page(self, _request: Request) -> Response:
        return FileResponse(STATIC / "index.html", media_type="text/html; charset=utf-8")

    async def about(self, _request: Request) -> Response:
        runs = await asyncio.to_thread(api.list_runs, self.runs)
        return JSONResponse(
            {
                "version": __version__,
                "models": api.shipped_models() + [RUN + run.name for run in runs if run.composes],
                "tunes": api.sample_tunes(),
                "reads": [suffix for suffix, entry in FORMATS.items() if entry.read],
                "writes": [[suffix, entry.label] for suffix, entry in FORMATS.items() if entry.write],
                "most_bytes": MOST_BYTES,
                "sampled": list(piano.PITCHES),
            }
        )

    # --- new music, line by line

    async def compose(self, request: Request) -> Response:
        asked = await _body(request, ComposeRequest)
        return Lines(
            self.composing,
            _client(request),
            lambda tell: making.compose(self.models.get(asked.model), asked, tell),
        )

    async def arrange(self, request: Request) -> Response:
        asked = await _body(request, ArrangeRequest)
        return Lines(
            self.composing,
            _client(request),
            lambda tell: making.arrange(self.models.get(asked.model), asked, tell),
        )

    # --- pieces and files

    async def read(self, request: Request) -> Response:
        data, name = await request.body(), request.query_params.get("name", "")
        return await self._soon(request, lambda: JSONResponse(reading.read_upload(name, data)))

    async def tune(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in api.sample_tunes():
            raise UsageError("there is no such tune: choose one of the list")
        return await self._soon(request, lambda: JSONResponse(reading.data_of(api.sample_tune(name))))

    async def surprise(self, request: Request) -> Response:
        asked = await _body(request, ReadingRequest)
        return await self._soon(
            request,
            lambda: JSONResponse(
                reading.surprise_of(self.models.get(asked.model), asked.piece.piece(), self.data)
            ),
        )

    async def file(self, request: Request) -> Response:
        asked = await _body(request, FileRequest)
        return await self._soon(
            request,
            lambda: Response(
                reading.file_of(asked.piece.piece(), asked.suffix), media_type="application/octet-stream"
            ),
        )

    async def piano(self, request: Request) -> Response:
        pitch = request.path_params["pitch"]
        return await self._soon(request, lambda: Response(piano.sample(pitch), media_type="audio/wav"))

    # --- trainings

    async def runs_list(self, _request: Request) -> Response:
        found = await asyncio.to_thread(api.list_runs, self.runs)
        return JSONResponse({"runs": [asdict(run) for run in found]})

    async def _soon(self, request: Request, work: Callable[[], Response]) -> Response:
        async with self.short.turn(_client(request)):
            return await asyncio.to_thread(work)


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
            Route("/api/file", studio.file, methods=["POST"]),
            Route("/api/piano/{pitch:int}", studio.piano),
            Route("/api/runs", studio.runs_list),
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


def serve(
    *, port: int, runs: Path, data: Path | None, device: str, ready: Callable[[str], None]
) -> None:
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
        raise UsageError(f"`port` {port} is in use: choose another, or 0 for any that is free") from None
    port = open_socket.getsockname()[1]
    token = secrets.token_urlsafe(18)
    studio = Studio(Models(runs, device), runs, data, Turns(at_once=2), Turns(at_once=2))
    app = make_app(studio, token=token, hosts=[f"{ADDRESS}:{port}", f"localhost:{port}"])
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2
    )
    open_socket.listen()
    ready(f"http://{ADDRESS}:{port}/?token={token}")
    uvicorn.Server(config).run(sockets=[open_socket])


def _client(request: Request) -> str:
    return request.headers.get(CLIENT_HEADER, "")[:64]


async def _body(request: Request, kind: type[_Body]) -> _Body:
    return kind.model_validate_json(await request.body())


async def _refuse(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": words_of(error)}, 503 if isinstance(error, BusyError) else 400)
