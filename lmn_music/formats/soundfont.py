"""The General MIDI sound font that pretty_midi ships, read with NumPy: which samples play a key of an instrument."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lmn_music.errors import RenderingError

FONT = "TimGM6mb.sf2"
DRUM_BANK = 128

# Generators, by their numbers in section 8.1.2 of the SoundFont specification 2.04, that `sampler` uses.
MOD_ENV_TO_PITCH, FILTER, RESONANCE, MOD_ENV_TO_FILTER = 7, 8, 9, 11
MOD_ATTACK, MOD_HOLD, MOD_DECAY, MOD_SUSTAIN = 26, 27, 28, 29
DELAY, ATTACK, HOLD, DECAY, SUSTAIN, RELEASE, KEY_TO_HOLD, KEY_TO_DECAY = 33, 34, 35, 36, 37, 38, 39, 40
ATTENUATION, COARSE, FINE, LOOPS, SCALE, ROOT = 48, 51, 52, 54, 56, 58
_INSTRUMENT, _SAMPLE, _KEYS, _VELOCITIES = 41, 53, 43, 44
_START, _END, _LOOP_START, _LOOP_END = 0, 1, 2, 3
_INSTANT = -12000  # time cents: a millisecond
_DEFAULTS = dict.fromkeys((MOD_ATTACK, MOD_HOLD, MOD_DECAY, DELAY, ATTACK, HOLD, DECAY, RELEASE), _INSTANT)
_DEFAULTS |= {FILTER: 13500, SCALE: 100, ROOT: -1}
_NEVER_ADDED = (_INSTRUMENT, _SAMPLE, _KEYS, _VELOCITIES, LOOPS, ROOT)

_NAME = ("name", "S20")
_PRESETS = np.dtype([_NAME, ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "V12")])
_INSTRUMENTS = np.dtype([_NAME, ("bag", "<u2")])
_BAGS = np.dtype([("generator", "<u2"), ("modulator", "<u2")])
_GENERATORS = np.dtype([("number", "<u2"), ("amount", "<i2")])
_PLACES = [(name, "<u4") for name in ("start", "end", "loop_start", "loop_end", "rate")]
_HEADERS = np.dtype([_NAME, *_PLACES, ("root", "u1"), ("correction", "i1"), ("rest", "V4")])
_TABLES = {
    b"phdr": _PRESETS,
    b"pbag": _BAGS,
    b"pgen": _GENERATORS,
    b"inst": _INSTRUMENTS,
    b"ibag": _BAGS,
    b"igen": _GENERATORS,
    b"shdr": _HEADERS,
    b"smpl": np.dtype("<i2"),
}


@dataclass(frozen=True)
class Zone:
    """A sample of the font, and how it is played.

    Attributes:
        number: a number of its own.
        samples: int16 (samples,).
        loop: where the stretch begins and ends that is repeated while the key is held; None if the sample ends.
        rate: samples per second at which the sample sounds at `root`.
        root: the pitch of the sample, as a MIDI number; its tuning is in it, so it may lie between two keys.
        values: the generators, by their numbers.
    """

    number: int
    samples: npt.NDArray[np.int16]
    loop: tuple[int, int] | None
    rate: float
    root: float
    values: dict[int, int]

    def __getitem__(self, generator: int) -> int:
        return self.values.get(generator, 0)


class _Layer(NamedTuple):
    """The generators of one zone of a preset or an instrument; keys and velocities are (lowest, highest)."""

    keys: tuple[int, int]
    velocities: tuple[int, int]
    values: dict[int, int]


def font_path() -> Path:
    """Return where the sound font of pretty_midi is."""
    found = importlib.util.find_spec("pretty_midi")  # without the time that importing it takes
    return Path(found.origin or "").parent / FONT if found else Path(FONT)


@cache
def load() -> SoundFont:
    """Return the sound font, read once.

    Raises:
        RenderingError: pretty_midi has no sound font, or a damaged one.
    """
    try:
        return SoundFont(font_path().read_bytes())
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise RenderingError("the sound font of pretty_midi cannot be read: install pretty_midi again") from error


class SoundFont:
    """What a sound font (.sf2) holds.

    Args:
        data: the content of the file.

    Raises:
        ValueError, KeyError: the file is no sound font.
    """

    def __init__(self, data: bytes) -> None:
        self._tables: dict[bytes, npt.NDArray[Any]] = {}
        for name, start, end in _chunks(data, 12, len(data)):
            if name == b"LIST":
                for table, first, last in _chunks(data, start + 4, end):
                    if kind := _TABLES.get(table):
                        self._tables[table] = np.frombuffer(data, kind, (last - first) // kind.itemsize, first)
        presets = self._tables[b"phdr"]
        self._presets = {(int(p["bank"]), int(p["program"])): place for place, p in enumerate(presets[:-1])}

    def zones(self, program: int, key: int, velocity: int, *, drums: bool = False) -> list[Zone]:
        """Return what sounds when a key is struck; nothing for a drum that the font does not have.

        Args:
            program: the instrument, from 0 (the grand piano) to 127; of drums, the kit.
            key: the MIDI number.
            velocity: from 1 to 127.
            drums: whether the key is a drum.
        """
        wanted = [(DRUM_BANK, program), (DRUM_BANK, 0)] if drums else [(0, program), (0, 0)]
        preset = next(self._presets[name] for name in wanted if name in self._presets)
        found = []
        for outer in self._layers(b"phdr", preset, _INSTRUMENT):
            if _within(outer, key, velocity):
                for inner in self._layers(b"inst", outer.values[_INSTRUMENT], _SAMPLE):
                    if _within(inner, key, velocity):
                        found.append(self._zone(inner.values, outer.values))
        return found

    def _layers(self, table: bytes, number: int, what: int) -> Iterator[_Layer]:
        """Yield the zones of a preset or an instrument, with what its global zone says."""
        bags, generators = (self._tables[table[:1] + rest] for rest in (b"bag", b"gen"))
        first, last = (int(self._tables[table][number + more]["bag"]) for more in (0, 1))
        shared: dict[int, int] = {}
        for place in range(first, last):
            here = generators[int(bags[place]["generator"]) : int(bags[place + 1]["generator"])]
            values = shared | {int(number): int(amount) for number, amount in here}
            if what in values:
                yield _Layer(_range(values, _KEYS), _range(values, _VELOCITIES), values)
            elif place == first:
                shared = values

    def _zone(self, inner: dict[int, int], outer: dict[int, int]) -> Zone:
        """Return a zone of an instrument, changed as the preset says."""
        values = _DEFAULTS | inner
        for number, amount in outer.items():
            if number not in _NEVER_ADDED:
                values[number] = values.get(number, 0) + amount
        number = inner[_SAMPLE]
        header = self._tables[b"shdr"][number]
        start, end = int(header["start"]) + values.get(_START, 0), int(header["end"]) + values.get(_END, 0)
        first = int(header["loop_start"]) + values.get(_LOOP_START, 0) - start
        last = int(header["loop_end"]) + values.get(_LOOP_END, 0) - start
        root = int(header["root"]) if values[ROOT] < 0 else values[ROOT]
        tuning = values.get(COARSE, 0) + (values.get(FINE, 0) + int(header["correction"])) / 100
        return Zone(
            number,
            self._tables[b"smpl"][start:end],
            (first, last) if values.get(LOOPS, 0) & 1 and 0 <= first < last <= end - start else None,
            float(header["rate"]),
            root - tuning,
            values,
        )


def _chunks(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name, the start and the end of each RIFF chunk."""
    while start + 8 <= end:
        size = int.from_bytes(data[start + 4 : start + 8], "little")
        yield data[start : start + 4], start + 8, start + 8 + size
        start += 8 + size + size % 2


def _range(values: dict[int, int], number: int) -> tuple[int, int]:
    """Return the lowest and the highest key or velocity that a zone is for: two bytes of one number."""
    both = values.get(number, 127 << 8) & 0xFFFF
    return both & 0xFF, both >> 8


def _within(layer: _Layer, key: int, velocity: int) -> bool:
    return layer.keys[0] <= key <= layer.keys[1] and layer.velocities[0] <= velocity <= layer.velocities[1]
