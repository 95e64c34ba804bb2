"""Answers with new music: composing, continuing, harmonising, rewriting, in as many candidates as asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from lmn_music import api
from lmn_music.music.performing import perform
from lmn_music.music.piece import Piece
from lmn_music.studio.documents import data_of
from lmn_music.studio.models import Models
from lmn_music.studio.requests import ArrangeRequest, ComposeRequest
from lmn_music.studio.streaming import Emit, Event

Watch = Callable[[Fraction, Fraction, tuple[int, ...]], None]


def compose(models: Models, asked: ComposeRequest, emit: Emit) -> Event:
    """Compose, and send each frame as it is drawn, {"frame": [start, end, pitches]}, and each song when it is done.

    Args:
        models: those that there are.
        asked: what the page asks for.
        emit: sends the page an event.

    Returns:
        The last line: {"done": how many songs}.
    """
    checkpoint = models.get(asked.model)
    chosen = (asked.lowest or "A0", asked.highest or "C8") if asked.lowest or asked.highest else None

    def make(seed: int) -> Piece:
        song = api.compose(
            checkpoint,
            bars=asked.bars,
            seed=seed,
            temperature=asked.temperature,
            density=asked.density,
            voices=asked.voices,
            pitch_range=chosen,
            watch=_frames(emit),
        )
        return perform(song, tempo=asked.tempo)  # as `lmn-music generate` writes it

    steered = {"density": asked.density, "voices": asked.voices, "range": chosen and ":".join(chosen)}
    options = {"model": models.option(asked.model), "bars": asked.bars, "temperature": _unless(asked.temperature, 1.0)}
    options |= steered | {"tempo": _unless(asked.tempo, 90.0)}
    return _emit_all(emit, asked.seed, asked.candidates, make, lambda seed: ["generate", *_words(options, seed)])


def arrange(models: Models, asked: ArrangeRequest, emit: Emit) -> Event:
    """Continue, harmonise or rewrite a piece; sends and returns the same as `compose`.

    Args:
        models: those that there are.
        asked: what the page asks for.
        emit: sends the page an event.
    """
    checkpoint, piece, watch = models.get(asked.model), asked.piece.piece(), _frames(emit)
    options: dict[str, Any] = {"model": models.option(asked.model), "temperature": _unless(asked.temperature, 1.0)}
    if asked.what == "continue":
        options |= {"bars": asked.bars}
    elif asked.what == "harmonise":
        options |= {"voices": asked.voices}
    else:
        options |= {"bars": f"{asked.first}:{asked.last}", "voice": asked.voice}

    def make(seed: int) -> Piece:
        if asked.what == "continue":
            return api.continue_piece(
                piece, checkpoint, bars=asked.bars, seed=seed, temperature=asked.temperature, watch=watch
            )
        if asked.what == "harmonise":
            return api.harmonise(
                piece, checkpoint, voices=asked.voices, seed=seed, temperature=asked.temperature, watch=watch
            )
        return api.rewrite(
            piece,
            (asked.first, asked.last),
            checkpoint,
            voice=asked.voice,
            seed=seed,
            temperature=asked.temperature,
            watch=watch,
        )

    return _emit_all(
        emit, asked.seed, asked.candidates, make, lambda seed: [asked.what, "INPUT", *_words(options, seed)]
    )


def _emit_all(
    emit: Emit, seed: int, candidates: int, make: Callable[[int], Piece], command: Callable[[int], list[str]]
) -> Event:
    for number in range(candidates):
        emit({"candidate": number, "seed": seed + number})
        emit({"song": {"seed": seed + number, "command": command(seed + number), **data_of(make(seed + number))}})
    return {"done": candidates}


def _frames(emit: Emit) -> Watch:
    def watch(start: Fraction, end: Fraction, pitches: tuple[int, ...]) -> None:
        emit({"frame": [float(start), float(end), pitches]})

    return watch


def _unless(value: float, usual: float) -> float | None:
    """Return a value, None if it is the usual one, which a command need not name."""
    return None if value == usual else value


def _words(options: dict[str, Any], seed: int) -> Iterator[str]:
    for name, value in (options | {"seed": seed}).items():
        if value is not None:
            yield from (f"--{name}", _short(value) if isinstance(value, float) else str(value))


def _short(value: float) -> str:
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)
