"""Pickles of pitches, as Python 2 wrote them, read without running any code that a file names."""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import Any

import numpy as np
import numpy.typing as npt

from lmn_music.corpora.corpus import SPLITS
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH

FRAME_HEADER = 9  # bytes


def read_pitches(stored: bytes) -> dict[str, list[npt.NDArray[np.bool_]]]:
    """Return the songs of the three splits from a pickle of MIDI pitches.

    Args:
        stored: a pickle of `{split: [song, ...]}`, a song being a list of frames and a frame a tuple of MIDI pitches.

    Returns:
        For each split, for each song, which keys sound: bool, shape (time, 88).

    Raises:
        pickle.UnpicklingError: The pickle asks for anything but lists, tuples, dicts, strings and whole numbers.
        Exception: whatever else a damaged pickle leads to; ValueError, for one.
    """
    framed = 0
    for opcode, argument, position in pickletools.genops(stored):  # ValueError for a length beyond the end of the file
        if opcode.name == "FRAME":
            if (position or 0) < framed:  # no pickler does so, and the unpickler says that it is out of memory
                raise ValueError("it has a frame within a frame")
            framed = (position or 0) + FRAME_HEADER + (argument or 0)
        if opcode.name.endswith("PUT") and (argument or 0) > len(stored):  # makes room for as many objects
            raise ValueError(f"it numbers an object {argument} in {len(stored)} bytes")
    content = _PitchUnpickler(io.BytesIO(stored), encoding="latin1").load()
    rolls = {}
    for split in SPLITS:
        rolls[split] = [np.zeros((len(song), KEYS), dtype=bool) for song in content[split]]
        for roll, song in zip(rolls[split], content[split], strict=True):
            for frame, pitches in zip(roll, song, strict=True):
                keys = np.array(pitches, dtype=int) - LOWEST_PITCH
                if keys.size and keys.min() < 0:  # numpy would count from the other end
                    raise ValueError("a pitch below the keyboard")
                frame[keys] = True
    return rolls


class _PitchUnpickler(pickle.Unpickler):
    """Reads lists, tuples, dicts, strings and numpy's whole-number scalars, and nothing else.

    The benchmark's pickles name two globals. Each is replaced by one of the stand-ins below, so that not even numpy's
    own code runs on what a file says; a file that names any other global is refused.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for a permitted global; UnpicklingError for every other."""
        if (module, name) == ("numpy", "dtype"):
            return _IntegerType
        if (module, name) in {("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar")}:
            return _integer
        raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, which is refused")


class _IntegerType:
    """What is needed of numpy's dtype: the size, sign and byte order of a whole number."""

    def __init__(self, code: str, _align: object = False, _copy: object = False) -> None:
        if code[:1] not in ("i", "u"):
            raise pickle.UnpicklingError(f"the pickle holds numbers of the type {code}, where pitches were expected")
        self.signed = code.startswith("i")
        self.byteorder = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.byteorder = state[1]


def _integer(dtype: _IntegerType, content: str) -> int:
    """Return the number that numpy's scalar(dtype, bytes) would; Python 2's bytes arrive as latin-1 text."""
    raw = content.encode("latin1")
    return int.from_bytes(raw, "big" if dtype.byteorder == ">" else "little", signed=dtype.signed)
