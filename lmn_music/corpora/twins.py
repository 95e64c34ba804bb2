"""Songs in many that are near-duplicates of each other, in any transposition, found without comparing all with all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

ALIKE = 1 / 3  # of the windows of two songs together: two equally long songs of which each has half of the other's

AT_ONCE = 100_000  # pairs that are compared at once: each takes half a kilobyte of memory


def groups(
    wholes: Sequence[bytes], sketches: Iterable[tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]]
) -> npt.NDArray[np.int32]:
    """Put songs that are alike into one group, and those that are like one of these, and so on.

    Two songs are alike if they are equal but for a transposition, or if their sketches of one kind have a third of
    their numbers or more in common. Only songs that have two neighbouring numbers in common are compared
    (locality-sensitive hashing), which passes 98 in 100 pairs with a third in common, and all but one in 10,000 of
    those with half. The share itself is an estimate from SKETCH numbers: its standard deviation is 0.06.

    Args:
        wholes: the name of each song, equal for songs that are equal but for a transposition.
        sketches: for each kind of windows the songs that have some, and their sketches, (songs, SKETCH), see
            `lmn_music.music.prints.sketch`. One kind after the other is asked for: each takes 256 bytes a song.

    Returns:
        (songs,), the number of the group of each song.

    Source: Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", chapter 3.
    """
    first: dict[bytes, int] = {}
    label = np.array([first.setdefault(name, number) for number, name in enumerate(wholes)], dtype=np.int32)
    for there, numbers in sketches:
        for found in _alike(numbers):
            label = _joined(label, there[found])
        del there, numbers  # before those of the next kind are made
    return np.unique(label, return_inverse=True)[1].astype(np.int32)


def _joined(label: npt.NDArray[np.int32], pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Return the groups of songs after those of some pairs of songs, (pairs, 2), have become one."""
    from scipy import sparse

    one, other = label[pairs].T
    graph = sparse.coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(len(label), len(label)))
    joined: npt.NDArray[np.int32] = sparse.csgraph.connected_components(graph, directed=False)[1][label]
    return joined


def _alike(sketches: npt.NDArray[np.uint32]) -> Iterator[npt.NDArray[np.int64]]:
    """Yield pairs of songs that are alike, (pairs, 2), for each two neighbouring numbers of a sketch."""
    if not len(sketches):
        return
    for both in sketches.view(np.uint64).T:
        order = np.argsort(both, kind="stable")
        new = np.concatenate([[True], both[order][1:] != both[order][:-1]])
        leader = order[np.flatnonzero(new)[np.cumsum(new) - 1]]  # the first song with the same two numbers
        before = np.concatenate([order[:1], order[:-1]])
        for other in (leader, before):
            pair = np.stack([order[~new], other[~new]], axis=1)
            for some in np.array_split(pair, 1 + len(pair) // AT_ONCE):
                yield some[(sketches[some[:, 0]] == sketches[some[:, 1]]).mean(axis=1) >= ALIKE]
