"""What every corpus is, wherever it was read from: three splits of piano-rolls, and where they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lmn_music.errors import UsageError
from lmn_music.music.pianoroll import PianoRoll

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Rejected:
    """A file that was left out of a corpus. path: relative to the corpus; reason: a few words for its reader."""

    path: str
    reason: str


@dataclass(frozen=True)
class Corpus:
    """A corpus of piano-rolls in three splits.

    frames_per_quarter: how many frames a quarter note lasts, the same in every roll.
    provenance: one line on what it was read from, without an absolute path.
    sha256: of the benchmark file; for other corpora `content_sha256` of the three splits. A checkpoint stores it, to
        name what it was trained on.
    comparable: may a likelihood on this corpus stand beside the published figures? True only for the benchmark.
    rejected: the files that were left out, each with its reason.
    """

    name: str
    train: tuple[PianoRoll, ...]
    valid: tuple[PianoRoll, ...]
    test: tuple[PianoRoll, ...]
    frames_per_quarter: int
    provenance: str
    sha256: str
    comparable: bool
    licence: str
    citation: str
    rejected: tuple[Rejected, ...] = ()

    def split(self, name: str) -> tuple[PianoRoll, ...]:
        """Return the songs of the split "train", "valid" or "test"; UsageError for any other name."""
        splits = {"train": self.train, "valid": self.valid, "test": self.test}
        if name not in splits:
            raise UsageError(f"There is no split '{name}': choose train, valid or test.")
        return splits[name]

    @property
    def songs(self) -> tuple[int, int, int]:
        """Return the number of songs in train, valid and test."""
        return len(self.train), len(self.valid), len(self.test)

    @property
    def frames(self) -> tuple[int, int, int]:
        """Return the number of frames in train, valid and test."""
        train, valid, test = (sum(map(len, self.split(name))) for name in SPLITS)
        return train, valid, test


def content_sha256(*splits: Iterable[PianoRoll]) -> str:
    """Return the SHA-256, in hex, of all rolls in order: their grids, lengths, frames and the split borders."""
    digest = hashlib.sha256()
    for split in splits:
        for roll in split:
            digest.update(f"{roll.frames_per_quarter} {len(roll)}\n".encode())
            digest.update(np.packbits(roll.frames).tobytes())
        digest.update(b"end of split\n")
    return digest.hexdigest()
