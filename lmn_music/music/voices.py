"""From a roll to voices: lines of single notes, each of which moves as little as can be."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from lmn_music.music.notes import Note, Run
from lmn_music.music.part import Part
from lmn_music.music.pianoroll import LOWEST_PITCH, PianoRoll

HOME = 0.3  # what a semitone away from the usual key of a voice costs, in semitones of movement
EXTRA = 1e6  # what a key without one of the usual voices costs: more than all else together
USUAL = 0.95  # so many of the frames that sound need no extra voice


def split_voices(roll: PianoRoll, names: tuple[str, ...] = ()) -> tuple[Part, ...]:
    """Return the voices of a roll, the highest first: each key of each frame in one voice, one at a time in each voice.

    There are as many voices as there are names; without names, as many as keys sound together in all but the fullest
    twentieth of the frames. Where more keys sound, extra voices take some of them. Voices do not cross. Where fewer
    keys sound than there are voices, those rest for which the sum of two costs is least: the semitones that voices
    move, and their distance from where they usually are (the mean of their keys in chords of one key for each voice).
    A key that a voice keeps is one held note; a key that passes to another voice is struck anew.

    Args:
        roll: the song.
        names: the names of the voices, the highest first; further ones are called "Voice 5" and so on.

    Returns:
        The voices that have a note, extra voices last.
    """
    homes = _homes(roll.frames, len(names))
    voices: list[list[Run]] = [[] for _ in range(max(len(homes), int(roll.frames.sum(axis=1).max(initial=0))))]
    for frame, sounding in enumerate(roll.frames):
        keys = np.flatnonzero(sounding)[::-1].tolist()
        if not keys:
            continue
        extra = iter(voices[len(homes) :])
        costs = [[_cost(key, line, home) for line, home in zip(voices, homes, strict=False)] for key in keys]
        for key, choice in zip(keys, _match(costs), strict=True):
            line = next(extra) if choice is None else voices[choice]
            if line and line[-1].key == key and line[-1].end == frame:
                line[-1] = line[-1]._replace(end=frame + 1)
            else:
                line.append(Run(key, frame, frame + 1))
    labels = [*names, *(f"Voice {place + 1}" for place in range(len(names), len(voices)))]
    return tuple(_part(line, roll.frames_per_quarter, name) for line, name in zip(voices, labels, strict=True) if line)


def _homes(frames: npt.NDArray[np.bool_], count: int) -> list[float]:
    """Return the mean key of each voice, the highest first, in the chords of so many keys; 0: as many as is usual."""
    sizes = frames.sum(axis=1)
    sounding = sizes[sizes > 0]
    if not len(sounding):
        return [0.0] * count
    size = int(np.quantile(sounding, USUAL, method="higher"))
    if count:  # chords of so many keys, if there are any
        size = max((int(found) for found in sounding if found <= count), default=size)
    chords = np.nonzero(frames[sizes == size])[1].reshape(-1, size)[:, ::-1]
    means = np.interp(np.linspace(0, 1, count or size), np.linspace(0, 1, size), chords.mean(axis=0))
    return [float(mean) for mean in means]


def _cost(key: int, line: list[Run], home: float) -> float:
    """Return what it costs a voice to take a key. `line`: its notes so far; `home`: where it usually is."""
    return (abs(key - line[-1].key) if line else 0) + HOME * abs(key - home)


def _match(costs: Sequence[Sequence[float]]) -> list[int | None]:
    """Return the voice for each of several keys, both counted from the highest, so that the sum of costs is least.

    No voices cross. A key gets no voice, None, only where there are more keys than voices.

    Args:
        costs: what each voice costs for each key.
    """
    voices = len(costs[0])
    # best[n][v]: the least cost of the keys from n on in the voices from v on, and the choice for key n
    best: list[list[tuple[float, int | None]]] = [[(0.0, None)] * (voices + 1)]
    for row in reversed(costs):
        after = best[0]
        here: list[tuple[float, int | None]] = [(after[voices][0] + EXTRA, None)]
        for voice in reversed(range(voices)):
            taken = (after[voice + 1][0] + row[voice], voice)
            left = (after[voice][0] + EXTRA, None)
            here.insert(0, min(taken, left, here[0], key=lambda option: option[0]))
        best.insert(0, here)
    choices: list[int | None] = []
    voice = 0
    for options in best[:-1]:
        choice = options[voice][1]
        choices.append(choice)
        voice = voice if choice is None else choice + 1
    return choices


def _part(line: list[Run], frames_per_quarter: int, name: str) -> Part:
    """Return a voice as a part."""
    notes = tuple(
        Note(run.key + LOWEST_PITCH, Fraction(run.start, frames_per_quarter), Fraction(run.end, frames_per_quarter))
        for run in line
    )
    return Part(notes, name)
