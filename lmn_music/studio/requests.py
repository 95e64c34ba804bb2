"""What a page can ask for. The bounds keep one request from taking the machine for long."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lmn_music.studio.documents import PieceData

MOST_BARS = 200
MOST_CANDIDATES = 4


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())


class _Drawing(_Request):
    """What every request for new music has.

    Attributes:
        model: see `Models.get`.
        seed: of the first candidate; the next one has the next number.
        temperature: see `lmn_music.compose`.
        candidates: how many are composed, one after the other.
    """

    model: str = Field("jsb", max_length=200)
    seed: int = Field(ge=0, le=2**53)
    temperature: float = Field(1.0, ge=0, le=100)
    candidates: int = Field(1, ge=1, le=MOST_CANDIDATES)


class ComposeRequest(_Drawing):
    """A new song: see `lmn_music.compose`, and `tempo` in quarter notes per minute."""

    bars: int = Field(16, ge=1, le=MOST_BARS)
    density: float | None = None
    voices: int | None = Field(None, ge=1, le=20)
    lowest: str | None = Field(None, max_length=4)
    highest: str | None = Field(None, max_length=4)
    tempo: float = Field(90, ge=10, le=400)


class ArrangeRequest(_Drawing):
    """Something done with a piece: see `lmn_music.continue_piece`, `harmonise` and `rewrite`.

    Attributes:
        what: which of the three.
        piece: the piece.
        bars: how many are composed, to continue.
        voices: how many sound together, to harmonise.
        first, last: which bars are rewritten.
        voice: which part is rewritten, counted from 1 without drums; all if None.
    """

    what: Literal["continue", "harmonise", "rewrite"]
    piece: PieceData
    bars: int = Field(8, ge=1, le=MOST_BARS)
    voices: int = Field(4, ge=2, le=8)
    first: int = Field(1, ge=0)
    last: int = Field(1, ge=0)
    voice: int | None = Field(None, ge=1)


class ReadingRequest(_Request):
    """A piece that a model shall read."""

    piece: PieceData
    model: str = Field("jsb", max_length=200)


class MemoryRequest(ReadingRequest):
    """A frame of a piece at which the memory of a model is read."""

    frame: int = Field(ge=0, le=100_000)


class FileRequest(_Request):
    """A piece that shall become a file with this suffix, such as ".mid"."""

    piece: PieceData
    suffix: str = Field(max_length=12)
