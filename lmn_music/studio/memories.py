"""Answers about the memory of a model: what it still holds at a frame of a piece."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from lmn_music import api
from lmn_music.errors import UsageError
from lmn_music.music.pianoroll import LOWEST_PITCH
from lmn_music.studio.documents import PieceData

if TYPE_CHECKING:
    from lmn_music import Checkpoint

KEPT = 8  # pieces, and models


class Memories:
    """Readouts of models, and the pieces that were read last: a page asks for one frame after the other."""

    def __init__(self) -> None:
        self._readers: OrderedDict[int, tuple[Checkpoint, api.MemoryReader]] = OrderedDict()
        self._pieces: OrderedDict[tuple[int, str], api.Remembered] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, checkpoint: Checkpoint, data: PieceData, frame: int) -> dict[str, Any]:
        """Return what the memory of a model holds at a frame of a piece.

        Args:
            checkpoint: the model.
            data: the piece.
            frame: the number of the frame, of those that the model reads.

        Returns:
            `at`, the frame; `frames`, how many there are; `frames_per_quarter`; `shares`, how much of the frames 0, 1,
            2, ... steps back is held over the whole piece; `lags`, what is read out for each of them, each key from
            `lowest` on from 0 to 1.

        Raises:
            LmnMusicError: see `lmn_music.api.remembered`; UsageError also if there is no such frame.
        """
        with self._lock:
            held = self._read(checkpoint, data)
        if frame >= len(held.roll):
            raise UsageError(f"the piece has no frame {frame}: choose an earlier one")
        guess = held.at(frame)[: frame + 1]
        used = np.flatnonzero(held.roll.frames.any(axis=0) | (guess.max(axis=0) > 0.1))
        low, high = int(used[0]), int(used[-1]) + 1
        return {
            "at": frame,
            "frames": len(held.roll),
            "frames_per_quarter": held.roll.frames_per_quarter,
            "shares": held.shares.round(3).tolist(),
            "lowest": low + LOWEST_PITCH,
            "lags": guess[:, low:high].round(2).tolist(),
        }

    def _read(self, checkpoint: Checkpoint, data: PieceData) -> api.Remembered:
        key = (id(checkpoint), data.model_dump_json())
        if key not in self._pieces:
            known = self._readers.get(id(checkpoint))
            reader = known[1] if known and known[0] is checkpoint else api.memory_reader(checkpoint)
            _keep(self._readers, id(checkpoint), (checkpoint, reader))
            _keep(self._pieces, key, api.remembered(data.piece(), checkpoint, reader=reader))
        return self._pieces[key]


def _keep(known: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > KEPT:
        known.popitem(last=False)
