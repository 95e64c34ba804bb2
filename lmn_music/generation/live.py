"""An endless song, played while it is composed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mido.ports import BaseOutput

VELOCITY = 80
HORIZON = 1024  # frames of the past that an endless song depends on, besides its memory


def play(
    frames: Iterable[tuple[int, ...]],
    port: BaseOutput,
    *,
    seconds_per_frame: float,
    now: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Play frames on a MIDI port as they come, in time; a key that sounds in the next frame too is held.

    However it ends, by the last frame or by an interruption, no key is left sounding.

    Args:
        frames: the MIDI pitches that sound in each frame.
        port: where the notes are sent to; it is left open.
        seconds_per_frame: how long a frame lasts. A frame that comes too late is played at once; if it is late by more
            than a frame, it delays what follows.
        now: the time in seconds, from any start.
        wait: waits for so many seconds.
    """
    from mido import Message

    sounding: set[int] = set()

    def change(kind: str, pitches: set[int]) -> None:
        for pitch in sorted(pitches):
            port.send(Message(kind, note=pitch, velocity=VELOCITY if kind == "note_on" else 0))

    try:
        due = now()
        for pitches in frames:
            wait(max(0.0, due - now()))
            change("note_off", sounding - set(pitches))
            change("note_on", set(pitches) - sounding)
            sounding = set(pitches)
            late = now() - due > seconds_per_frame  # smaller delays are made up for, so that none adds up
            due = (now() if late else due) + seconds_per_frame
        wait(max(0.0, due - now()))
    finally:
        with suppress(OSError):
            change("note_off", sounding)
