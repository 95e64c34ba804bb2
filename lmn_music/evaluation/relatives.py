"""Which songs have half or more of another song in them: its windows, of the whole texture or of the top voice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lmn_music.memory.sequences import FloatArray
from lmn_music.music.prints import Prints

HALF = 0.5  # of the windows of a song: another song that has so many of them, or more, is a relative
ROWS = 500  # songs that are compared with all others at once; bounds the memory


@dataclass(frozen=True)
class Nearest:
    """What one song has in common with the songs that it is compared with.

    Attributes:
        number: the song that shares most with it, as an index; -1 if there is no other.
        texture: the largest share of its windows that one of them has, between 0 and 1.
        top_voice: the same of its top voice alone.
        exact: whether one of them is the same song, transposed or not.
    """

    number: int
    texture: float
    top_voice: float
    exact: bool

    @property
    def related(self) -> bool:
        """Return whether one of them is a relative."""
        return self.exact or max(self.texture, self.top_voice) >= HALF


def nearest(songs: Sequence[Prints], others: Sequence[Prints]) -> list[Nearest]:
    """Return what each song has in common with the others.

    Args:
        songs: what is looked at.
        others: what the songs are compared with; if it is the same list, no song is compared with itself.
    """
    kinds = [_shares([song[kind] for song in songs], [song[kind] for song in others]) for kind in range(3)]
    found = []
    for number, (texture, voice, whole) in enumerate(zip(*kinds, strict=True)):
        most = np.maximum(texture, voice) + whole
        for shares in (most, texture, voice, whole):
            if songs is others:
                shares[number] = 0
        best = int(most.argmax()) if len(others) > (songs is others) else -1
        found.append(Nearest(best, float(texture.max(initial=0)), float(voice.max(initial=0)), bool(whole.any())))
    return found


def _shares(songs: Sequence[set[bytes]], others: Sequence[set[bytes]]) -> Iterator[FloatArray]:
    """Yield for each song which share of its windows each of the others has, (others,); 0 if it has no windows."""
    from scipy import sparse

    known = {name: number for number, name in enumerate(set().union(*songs))}

    def table(some: Sequence[set[bytes]]) -> sparse.csr_array:
        """Return which song has which of the known windows, (songs, windows)."""
        columns = [[known[name] for name in names if name in known] for names in some]
        starts = np.cumsum([0, *map(len, columns)])
        numbers = np.fromiter((number for row in columns for number in row), np.int64, int(starts[-1]))
        return sparse.csr_array((np.ones(len(numbers)), numbers, starts), shape=(len(some), len(known)))

    beside = table(others).T.tocsr()
    for first in range(0, len(songs), ROWS):
        block = songs[first : first + ROWS]
        counted = np.array([max(1, len(names)) for names in block])
        yield from (table(block) @ beside).toarray() / counted[:, None]
