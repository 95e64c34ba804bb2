"""The answers of the studio: each calls `lmn_music.api`, itself or through a file beside this one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from lmn_music import api
from lmn_music.formats import FORMATS
from lmn_music.studio import making, piano, reading
from lmn_music.studio.documents import data_of
from lmn_music.studio.memories import Memories
from lmn_music.studio.models import RUN, Models
from lmn_music.studio.requests import ArrangeRequest, ComposeRequest, FileRequest, MemoryRequest, ReadingRequest
from lmn_music.studio.streaming import Lines
from lmn_music.studio.turns import Turns
from lmn_music.version import __version__

MOST_BYTES = max(entry.max_bytes for entry in FORMATS.values() if entry.read)
TITLES = {
    "jsb": "jsb: chorales",
    "nottingham": "nottingham: folk tunes",
    "muse": "muse: orchestral and piano music",
    "piano": "piano: classical piano music",
}
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
        memories: what was read out of memories.
    """

    models: Models
    runs: Path
    data: Path | None
    composing: Turns
    short: Turns
    memories: Memories = field(default_factory=Memories)

    # --- what the page shows first

    async def page(self, _request: Request) -> Response:
        """Return the page."""
        return FileResponse(STATIC / "index.html", media_type="text/html; charset=utf-8")

    async def about(self, _request: Request) -> Response:
        """Return what the page offers: models, tunes, formats."""
        runs = await asyncio.to_thread(api.list_runs, self.runs)
        return JSONResponse(
            {
                "version": __version__,
                "models": api.shipped_models() + [RUN + run.name for run in runs if run.composes],
                "titles": TITLES,
                "tunes": api.sample_tunes(),
                "scale": api.surprise_scale(),
                "reads": [suffix for suffix, entry in FORMATS.items() if entry.read],
                "writes": [suffix for suffix, entry in FORMATS.items() if entry.write],
                "most_bytes": MOST_BYTES,
                "sampled": list(piano.PITCHES),
            }
        )

    # --- new music, line by line

    async def compose(self, request: Request) -> Response:
        """Compose: a stream, see `making.compose`."""
        asked = await _body(request, ComposeRequest)
        return Lines(
            self.composing,
            _client(request),
            lambda tell: making.compose(self.models, asked, tell),
        )

    async def arrange(self, request: Request) -> Response:
        """Continue, harmonise or rewrite: a stream, see `making.arrange`."""
        asked = await _body(request, ArrangeRequest)
        return Lines(
            self.composing,
            _client(request),
            lambda tell: making.arrange(self.models, asked, tell),
        )

    # --- pieces and files

    async def read(self, request: Request) -> Response:
        """Return the piece in a file."""
        data, name = await request.body(), request.query_params.get("name", "")
        return await self._soon(request, lambda: JSONResponse(reading.read_upload(name, data)))

    async def tune(self, request: Request) -> Response:
        """Return a tune that comes with the package."""
        name = request.path_params["name"]
        return await self._soon(request, lambda: JSONResponse(data_of(api.sample_tune(name))))

    async def surprise(self, request: Request) -> Response:
        """Return what surprises a model in a piece, see `reading.surprise_of`."""
        asked = await _body(request, ReadingRequest)
        return await self._soon(
            request,
            lambda: JSONResponse(reading.surprise_of(self.models.get(asked.model), asked.piece.piece(), self.data)),
        )

    async def memory(self, request: Request) -> Response:
        """Return what the memory of a model holds at a frame of a piece, see `Memories.at`."""
        asked = await _body(request, MemoryRequest)

        def work() -> Response:
            checkpoint = self.models.get(asked.model)
            return JSONResponse(self.memories.at(checkpoint, asked.piece, asked.frame))

        return await self._soon(request, work)

    async def file(self, request: Request) -> Response:
        """Return a piece as a file."""
        asked = await _body(request, FileRequest)
        return await self._soon(
            request,
            lambda: Response(reading.file_of(asked.piece.piece(), asked.suffix), media_type="application/octet-stream"),
        )

    async def piano(self, request: Request) -> Response:
        """Return the sound of a key."""
        pitch = request.path_params["pitch"]
        return await self._soon(request, lambda: Response(piano.sample(pitch), media_type="audio/wav"))

    # --- trainings

    async def trainings(self, _request: Request) -> Response:
        """Return all run folders with the figures of their trainings."""
        found = await asyncio.to_thread(api.list_runs, self.runs)
        return JSONResponse({"runs": [asdict(run) for run in found]})

    async def _soon(self, request: Request, work: Callable[[], Response]) -> Response:
        async with self.short.turn(_client(request)):
            return await asyncio.to_thread(work)


def _client(request: Request) -> str:
    return request.headers.get(CLIENT_HEADER, "")[:64]


async def _body(request: Request, kind: type[_Body]) -> _Body:
    return kind.model_validate_json(await request.body())
