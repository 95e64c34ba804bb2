"""Songs in many that are near-duplicates of each other, in any transposition, found without comparing all with all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lmn_music.music.prints import SKETCH

ALIKE = 1 / 3  # of the windows of two songs together: two equally long songs of which each has half of the other's


def groups(wholes: Sequence[bytes], sketches: Sequence[Sequence[bytes | None]]) -> npt.NDArray[np.int32]:
    """Put songs that are alike into one group, and those that are like one of these, and so on.

    Two songs are alike if they are equal but for a transposition, or if their sketches of one kind have a third of
    their numbers or more in common. Only songs that have two neighbouring numbers in common are compared
    (locality-sensitive hashing), which passes 98 in 100 pairs with a third in common, and all but one in 10,000 of
    those with half. The share itself is an estimate from SKETCH numbers: its standard deviation is 0.06.

    Args:
        wholes: the name of each song, equal for songs that are equal but for a transposition.
        sketches: for each kind of windows the sketch of each song as bytes, see `lmn_music.music.prints.sketch`; None
            for a song without windows.

    Returns:
        (songs,), the number of the group of each song.

    Source: Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", chapter 3.
    """
    from scipy import sparse

    first: dict[bytes, int] = {}
    pairs = [np.array([[first.setdefault(name, number), number] for number, name in enumerate(wholes)])]
    for kind in sketches:
        there = np.array([number for number, one in enumerate(kind) if one is not None], dtype=np.int64)
        if len(there):
            numbers = np.frombuffer(b"".join(one for one in kind if one is not None), np.uint32).reshape(-1, SKETCH)
            pairs += [there[found] for found in _alike(numbers)]
    one, other = np.concatenate([pair.reshape(-1, 2) for pair in pairs]).T
    graph = sparse.coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(len(wholes), len(wholes)))
    labels: npt.NDArray[np.int32] = sparse.csgraph.connected_components(graph, directed=False)[1]
    return labels


def _alike(sketches: npt.NDArray[np.uint32]) -> list[npt.NDArray[np.int64]]:
    """Return pairs of songs that are alike, (pairs, 2), for each two neighbouring numbers of a sketch."""
    found = []
    for both in sketches.view(np.uint64).T:
        order = np.argsort(both, kind="stable")
        new = np.concatenate([[True], both[order][1:] != both[order][:-1]])
        leader = order[np.flatnonzero(new)[np.cumsum(new) - 1]]  # the first song with the same two numbers
        before = np.concatenate([order[:1], order[:-1]])
        for other in (leader, before):
            pair = np.stack([order[~new], other[~new]], axis=1)
            alike = (sketches[pair[:, 0]] == sketches[pair[:, 1]]).mean(axis=1) >= ALIKE
            found.append(pair[alike])
    return found
