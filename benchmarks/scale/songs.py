"""Many small MIDI files, made up: `python benchmarks/scale/songs.py FOLDER COUNT`.

Two wandering voices of 100 to 400 eighth notes. One song in five is a near-duplicate: the song before it,
transposed, with one note in fifty another one.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HEADER = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x02"  # one track, two ticks to a quarter note
PER_FOLDER = 1000
LOWEST, HIGHEST = 36, 96


def song(number: int) -> bytes:
    """Return the bytes of a MIDI file."""
    twin = number % 5 == 4
    random = np.random.default_rng(number - twin)
    frames = int(random.integers(100, 400))
    events: list[tuple[int, int, int]] = []
    for centre in (48, 66):
        lengths = random.choice([2, 4, 4, 8], size=frames)
        starts = np.cumsum(lengths) - lengths
        count = int(np.searchsorted(starts, frames))
        pitches = np.clip(centre + np.cumsum(random.integers(-4, 5, size=count)), LOWEST, HIGHEST)
        if twin:
            other = np.random.default_rng(10**9 + number)
            pitches = pitches + int(other.integers(-5, 6)) + 2 * (other.random(count) < 0.02)
        for start, length, pitch in zip(starts.tolist(), lengths.tolist(), pitches.tolist(), strict=False):
            events += [(start, 0x90, pitch), (min(frames, start + length), 0x80, pitch)]
    events.sort()
    track, now = bytearray(), 0
    for time, status, pitch in events:  # sorted: at the same time notes end before others begin
        track += bytes((time - now, status, pitch, 64))
        now = time
    track += b"\x00\xff\x2f\x00"
    return HEADER + b"MTrk" + len(track).to_bytes(4, "big") + bytes(track)


def main(folder: Path, count: int) -> None:
    """Write the files, a thousand in each subfolder."""
    for number in range(count):
        place = folder / f"{number // PER_FOLDER:03}"
        if number % PER_FOLDER == 0:
            place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:06}.mid").write_bytes(song(number))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
