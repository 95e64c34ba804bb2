"""A piece as the page holds it: JSON, with exact times."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from lmn_music.api import Arrangement
from lmn_music.music.metre import Metre, is_metre
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.piece import KeySignature, Piece, Tempo

MOST_NOTES = 20_000
LONGEST = 2000  # quarter notes: half an hour of music; a model reads them in about a minute
_TIME = re.compile(r"\d{1,12}(/\d{1,12})?")


def _time(value: Any) -> Any:
    if isinstance(value, Fraction):
        return value
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError('a time is a text such as "3" or "7/2", in quarter notes')
    try:
        return Fraction(value)
    except ZeroDivisionError:
        raise ValueError("a time has no 0 below its line") from None


#: A time in quarter notes from the start of the piece, written as a text: "3" or "7/2".
Time = Annotated[Fraction, BeforeValidator(_time), PlainSerializer(str, return_type=str)]

Name = Annotated[str, Field(max_length=200)]
NoteRow = tuple[Annotated[int, Field(ge=0, le=127)], Time, Time, Annotated[int, Field(ge=1, le=127)]]
Count = Annotated[int, Field(ge=1, le=255)]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, frozen=True, allow_inf_nan=False)


class PartData(_Data):
    """A part: `notes` are rows of pitch, onset, end and velocity; see `Part` for all else."""

    name: Name = ""
    program: int = Field(0, ge=0, le=127)
    channel: int | None = Field(None, ge=0, le=15)
    drums: bool = False
    notes: list[NoteRow] = Field(max_length=MOST_NOTES)


class PieceData(_Data):
    """A piece as the page sends it, and receives it with more: see `Piece`.

    Attributes:
        parts: the parts; one without a note is dropped.
        length: in quarter notes.
        tempos: rows of onset and quarter notes per minute.
        metres: rows of onset, beats and beat type.
        key_signatures: rows of onset, fifths and mode.
        pickup: in quarter notes.
        title: what it is called.
    """

    parts: list[PartData] = Field(max_length=64)
    length: Time = Fraction(0)
    tempos: list[tuple[Time, Annotated[float, Field(gt=0, le=1e6)]]] = Field([], max_length=10_000)
    metres: list[tuple[Time, Count, Count]] = Field([], max_length=10_000)
    key_signatures: list[tuple[Time, Annotated[int, Field(ge=-7, le=7)], Name | None]] = Field([], max_length=10_000)
    pickup: Time = Fraction(0)
    title: Name = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        rows = [row for part in self.parts for row in part.notes]
        if len(rows) > MOST_NOTES:
            raise ValueError(f"the studio takes pieces of up to {MOST_NOTES} notes: split the piece")
        if any(end <= onset for _, onset, end, _ in rows):
            raise ValueError("a note ends after it begins")
        if max([self.length, self.pickup, *(end for _, _, end, _ in rows)]) > LONGEST:
            raise ValueError(f"the studio takes pieces of up to {LONGEST} quarter notes: split the piece")
        if not all(is_metre(beats, beat_type) for _, beats, beat_type in self.metres):
            raise ValueError("a time signature has a power of two, up to 64, as its lower number")
        for rows_of_time in (self.tempos, self.metres, self.key_signatures):
            times = [row[0] for row in rows_of_time]
            if times != sorted(times):
                raise ValueError("what changes is written in the order of time")
        return self

    def piece(self) -> Piece:
        """Return the piece."""
        parts = (
            Part(
                tuple(sorted((Note(*row) for row in part.notes), key=lambda note: (note.onset, note.pitch))),
                part.name,
                part.program,
                part.channel,
                part.drums,
            )
            for part in self.parts
            if part.notes
        )
        return Piece(
            tuple(parts),
            self.length,
            tuple(Tempo(*row) for row in self.tempos),
            tuple(Metre(*row) for row in self.metres),
            tuple(KeySignature(*row) for row in self.key_signatures),
            self.pickup,
            self.title,
        )


def data_of(piece: Piece) -> dict[str, Any]:
    """Return a piece as JSON: what `PieceData` has, and the bars, rows of number, start and end.

    An arrangement has more: where the new music is, the seed, how many semitones higher the model read it, and its
    summary.

    Args:
        piece: the piece.

    Raises:
        ValidationError: the piece is longer than the studio takes.
    """
    data = PieceData(
        parts=[
            PartData(
                name=part.name[:200],
                program=part.program,
                channel=part.channel,
                drums=part.drums,
                notes=list(part.notes),
            )
            for part in piece.parts
        ],
        length=piece.length,
        tempos=list(piece.tempos),
        metres=list(piece.metres),
        key_signatures=list(piece.key_signatures),
        pickup=piece.pickup,
        title=piece.title[:200],
    ).model_dump()
    found: dict[str, Any] = {
        "piece": data,
        "passed_over": piece.passed_over,
        "bars": [[bar.number, str(bar.start), str(bar.end)] for bar in piece.bars()],
    }
    if isinstance(piece, Arrangement):
        found["new"] = [str(time) for time in piece.new] if piece.new else None
        found |= {"seed": piece.seed, "moved": piece.moved, "summary": piece.summary}
    return found
