"""What songs share with the songs that a model was trained on: the longest run of frames, in any transposition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmn_music.music.measures import stretches
from lmn_music.music.pianoroll import KEYS, PianoRoll

Ids = npt.NDArray[np.int64]

TRANSPOSITIONS = sorted(range(-11, 12), key=abs)  # the original key first, as it wins among equals
FRAMES_AT_ONCE = 1_000_000  # transposed frames that are searched side by side; bounds the memory


@dataclass(frozen=True)
class SharedRun:
    """A run of frames that a song and a transposed training song have in common, rhythm and all.

    Attributes:
        chords: the length in chords, the measure of originality: a chord is a stretch of equal frames, so that a chord
            that is held for long is one, and so is a silence.
        frames: the length in frames.
        start: where it begins in the song, as a frame.
        source: which training song, as an index; -1 if nothing is shared, and then all else is 0.
        source_start: where it begins in the training song, as a frame.
        semitones: how far the training song is transposed, up, to be equal.
    """

    chords: int = 0
    frames: int = 0
    start: int = 0
    source: int = -1
    source_start: int = 0
    semitones: int = 0


def shared_runs(songs: Sequence[PianoRoll], training: Sequence[PianoRoll]) -> list[SharedRun]:
    """Return the longest run of frames that each song shares with a training song, transposed by -11 to +11 semitones.

    A run is the same frames in the same order, so the rhythm is part of it. Its length counts chords, as a chord that
    is held for many frames is not much to have in common; of runs with equally many chords the one with more frames is
    taken, then the one with the least transposition, then the earliest.

    The search is exact: all songs are sorted together with the training songs by what follows each of their frames
    (a suffix array, made by doubling prefixes), where the longest match is a neighbour.

    Args:
        songs: what is looked at.
        training: what they are compared with, of as many frames per quarter note.

    Returns:
        One run for each song, in their order.
    """
    found: list[SharedRun] = []
    group: list[PianoRoll] = []
    for song in songs:
        if group and (sum(map(len, group)) + len(song)) * len(TRANSPOSITIONS) > FRAMES_AT_ONCE:
            found += _search(group, training)
            group = []
        group.append(song)
    return found + (_search(group, training) if group else [])


def _search(songs: Sequence[PianoRoll], training: Sequence[PianoRoll]) -> list[SharedRun]:
    """See `shared_runs`; the training songs stand first, then each song in each transposition."""
    if not any(map(len, training)) or not any(map(len, songs)):
        return [SharedRun() for _ in songs]
    parts = [(song, 0) for song in training] + [(song, shift) for song in songs for shift in TRANSPOSITIONS]
    starts = np.cumsum([0, *(len(song) + 1 for song, _ in parts)])
    border = int(starts[len(training)])
    matched, where = _longest_matches(_names(parts), border)
    runs = []
    for number, song in enumerate(songs):
        best = SharedRun()
        for place, shift in enumerate(TRANSPOSITIONS):
            first = int(starts[len(training) + number * len(TRANSPOSITIONS) + place]) - border
            lengths = matched[first : first + len(song)]
            chords = _chords(song, lengths)
            start = int(np.lexsort((-lengths, -chords))[0]) if len(song) else 0
            if len(song) and (int(chords[start]), int(lengths[start])) > (best.chords, best.frames):
                at = int(where[first + start])
                source = int(np.searchsorted(starts, at, side="right")) - 1
                begin = at - int(starts[source])
                best = SharedRun(int(chords[start]), int(lengths[start]), start, source, begin, -shift)
        runs.append(best)
    return runs


def _chords(song: PianoRoll, lengths: Ids) -> Ids:
    """Return how many chords there are in the run of each length that begins at each frame of a song."""
    begins, _ = stretches(song.frames)
    changes = np.zeros(len(song), dtype=np.int64)
    changes[begins] = 1
    number = np.cumsum(changes)
    last = np.arange(len(song)) + np.maximum(lengths, 1) - 1
    return np.where(lengths > 0, number[last] - number + 1, 0)


def _names(parts: Sequence[tuple[PianoRoll, int]]) -> Ids:
    """Return one number for each frame of all parts, equal for equal frames, and a number of its own after each part.

    The keyboard is widened by an octave on either side, so that no transposition leaves it.
    """
    lows, highs = [], []
    for song, shift in parts:
        wide = np.zeros((len(song) + 1, 128), dtype=bool)  # the last frame is the border, named below
        wide[:-1, 12 + shift : 12 + shift + KEYS] = song.frames
        words = np.packbits(wide, axis=1).view(np.uint64)
        lows.append(words[:, 0])
        highs.append(words[:, 1])
    low, high = (np.unique(np.concatenate(words), return_inverse=True)[1].astype(np.int64) for words in (lows, highs))
    names = _ranks(low, high)
    ends = np.cumsum([len(song) + 1 for song, _ in parts]) - 1
    names[ends] = names.max() + 1 + np.arange(len(ends))
    return names


def _ranks(first: Ids, second: Ids) -> Ids:
    """Return the rank of each pair of numbers among all different pairs, in order, from 1."""
    pairs = first * (int(second.max()) + 1) + second
    ranks: Ids = np.unique(pairs, return_inverse=True)[1].astype(np.int64) + 1
    return ranks


def _longest_matches(names: Ids, border: int) -> tuple[Ids, Ids]:
    """Return for each place from `border` on how far it agrees with its best match before `border`, and that place."""
    levels = list(_prefix_ranks(names, border))
    order = np.argsort(levels[-1], kind="stable")
    before = _last_seen(order, border)
    after = _last_seen(order[::-1], border)
    places = np.arange(border, len(names))
    (left, right) = (_agreement(levels, places, match[places]) for match in (before, after))
    return np.maximum(left, right), np.where(left >= right, before[places], after[places])


def _prefix_ranks(names: Ids, border: int) -> Iterator[Ids]:
    """Yield the ranks of the 1, 2, 4, ... names from each place on, until none from `border` on occurs before it.

    A place whose names would go beyond the end has a border in them, which occurs nowhere else, so 0 may follow it.
    """
    ranks, width = _ranks(np.zeros_like(names), names), 1
    while True:
        yield ranks
        known = np.zeros(int(ranks.max()) + 1, dtype=bool)
        known[ranks[:border]] = True
        if not known[ranks[border:]].any():
            return
        later = np.zeros_like(ranks)
        later[:-width] = ranks[width:]
        ranks, width = _ranks(ranks, later), 2 * width


def _last_seen(order: Ids, border: int) -> Ids:
    """Return for each place the last place before `border` that comes ahead of it in the order; -1 if there is none."""
    position = np.maximum.accumulate(np.where(order < border, np.arange(len(order)), -1))
    seen = np.empty_like(order)
    seen[order] = np.where(position >= 0, order[position], -1)
    return seen


def _agreement(levels: Sequence[Ids], places: Ids, others: Ids) -> Ids:
    """Return how many names from each place on equal the names from the other place on; 0 where that is -1."""
    length = np.zeros(len(places), dtype=np.int64)
    for level in reversed(range(len(levels))):
        ranks = np.append(levels[level], [0, -1])  # beyond the end nothing agrees
        here = np.minimum(places + length, len(ranks) - 2)
        there = np.where(others >= 0, np.minimum(others + length, len(ranks) - 2), len(ranks) - 1)
        length += np.where(ranks[here] == ranks[there], 2**level, 0)
    return length
