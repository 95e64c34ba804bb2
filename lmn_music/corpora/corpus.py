"""What every corpus is, wherever it was read from: three splits of piano-rolls, and where they came from."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmn_music.errors import UsageError
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.words import counted

SPLITS = ("train", "valid", "test")
SAME_MUSIC = "same music as"  # the reason of a file that is left out begins so, and ends with the other file's name


@dataclass(frozen=True)
class Rejected:
    """A file that was left out of a corpus, or something in it was.

    Attributes:
        path: its name, relative to the corpus.
        reason: why, in a few words for a reader. What differs from file to file stands in parentheses.
    """

    path: str
    reason: str

    @property
    def kind(self) -> str:
        """Return the reason without what differs from file to file: "too short", "same music as another file"."""
        return f"{SAME_MUSIC} another file" if self.reason.startswith(SAME_MUSIC) else self.reason.partition(" (")[0]


def by_kind(rejected: Iterable[Rejected]) -> dict[str, tuple[Rejected, ...]]:
    """Group the files that were left out by the kind of their reason, for a summary of one line per kind.

    Args:
        rejected: the files, as `Corpus.rejected` lists them.

    Returns:
        The files of each kind in the order given; the kind with most files first, equal ones by name.
    """
    groups: defaultdict[str, list[Rejected]] = defaultdict(list)
    for file in rejected:
        groups[file.kind].append(file)
    return {kind: tuple(files) for kind, files in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))}


def summed_up(rejected: Sequence[Rejected]) -> str:
    """Return how many files there are of each kind, in one line: "3 files: 2 no notes, 1 drums only"; empty if none."""
    counts = ", ".join(f"{len(files)} {kind}" for kind, files in by_kind(rejected).items())
    return f"{counted(len(rejected), 'file')}: {counts}" if counts else ""


@dataclass(frozen=True)
class Corpus:
    """A corpus of piano-rolls in three splits.

    Attributes:
        name: what it is called.
        train: the songs to train on.
        valid: the songs to choose settings and the best epoch by.
        test: the songs to measure the final model with.
        frames_per_quarter: how many frames a quarter note lasts, the same in every roll.
        provenance: one line about what it was read from, without an absolute path.
        sha256: the SHA-256 of the benchmark file; for other corpora `content_sha256` of the three splits. A checkpoint
            stores it, to name what it was trained on.
        comparable: whether a likelihood on this corpus may stand beside the published figures. True only for the
            benchmark.
        licence: what the music and its encoding may be used for.
        citation: what to cite.
        rejected: the files that were left out, each with its reason.
        in_part: the files that were read but for what was passed over in them, each with what that is.
        source: what `load_corpus` takes to load it again: a name, or the path of a folder. Empty if the songs were put
            together in a program.
        to_c: whether a folder's songs were transposed to C.
        mean_top_key: what `tonality.mean_top_key` says of the training split, where it is known without reading that.
    """

    name: str
    train: Sequence[PianoRoll]
    valid: Sequence[PianoRoll]
    test: Sequence[PianoRoll]
    frames_per_quarter: int
    provenance: str
    sha256: str
    comparable: bool
    licence: str
    citation: str
    rejected: tuple[Rejected, ...] = ()
    in_part: tuple[Rejected, ...] = ()
    source: str = ""
    to_c: bool = False
    mean_top_key: float | None = None

    def __repr__(self) -> str:
        train, valid, test = self.songs
        return f"<Corpus {self.name!r}: {train} songs to train on, {valid} to validate, {test} to test>"

    def split(self, name: str) -> Sequence[PianoRoll]:
        """Return the songs of a split.

        Args:
            name: "train", "valid" or "test".

        Raises:
            UsageError: any other name.
        """
        splits = {"train": self.train, "valid": self.valid, "test": self.test}
        if name not in splits:
            raise UsageError(f"there is no split '{name}': choose train, valid or test")
        return splits[name]

    @property
    def left_out(self) -> str:
        """Return how many files were left out, and why, in one line; empty if none was."""
        return summed_up(self.rejected)

    @property
    def read_in_part(self) -> str:
        """Return in how many files something was passed over, and what, in one line; empty if in none."""
        return summed_up(self.in_part)

    @property
    def songs(self) -> tuple[int, int, int]:
        """Return the number of songs in train, valid and test."""
        return len(self.train), len(self.valid), len(self.test)

    @property
    def frames(self) -> tuple[int, int, int]:
        """Return the number of frames in train, valid and test."""
        train, valid, test = (int(lengths_of(self.split(name)).sum()) for name in SPLITS)
        return train, valid, test


def lengths_of(songs: Sequence[PianoRoll]) -> npt.NDArray[np.int64]:
    """Return the number of frames of each song; of songs that lie on the disk, without reading them.

    Args:
        songs: the songs; those of a packed corpus have `lengths`.
    """
    known = getattr(songs, "lengths", None)
    return np.array(list(map(len, songs)) if known is None else known, dtype=np.int64)


def content_sha256(*splits: Iterable[PianoRoll]) -> str:
    """Return the SHA-256, in hex, of what the splits hold: frames, their length, and which split each song is in.

    Args:
        splits: the songs of each split. Their order matters, their titles do not.
    """
    digest = hashlib.sha256()
    for split in splits:
        for roll in split:
            digest.update(f"{roll.frames_per_quarter} {len(roll)}\n".encode())
            digest.update(np.packbits(roll.frames).tobytes())
        digest.update(b"end of split\n")
    return digest.hexdigest()
