"""The key of a piece, and its transposition to C: the benchmark corpora are all in C major or C minor."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lmn_music.errors import ScoreError
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll
from lmn_music.music.piece import Piece

KEY_FRAMES_PER_QUARTER = 4  # fine enough to weigh the notes of a piece by their length

# How well each pitch class fits, counted in semitones from the tonic: the probe-tone ratings of Krumhansl and Kessler,
# "Tracing the dynamic changes in perceived tonal organization in a spatial representation of musical keys",
# Psychological Review 89 (1982), as Krumhansl, Cognitive Foundations of Musical Pitch (1990), table 2.1, gives them.
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)

# Of each tonic, the key with the fewest accidentals.
_TONICS = {
    "major": ("C", "D flat", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B"),
    "minor": ("C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "G sharp", "A", "B flat", "B"),
}


def find_key(roll: PianoRoll, fifths: int | None = None) -> tuple[int, str]:
    """Return the key of the roll, found by the Krumhansl-Schmuckler algorithm.

    The time that each of the twelve pitch classes sounds, in frames, is correlated (Pearson) with the ratings for each
    of the 24 keys (Krumhansl 1990, chapter 4). The key with the highest correlation is the answer; of equal ones, the
    first in the order C major, C minor, C sharp major, ... Where all twelve sound equally long, as in silence, no key
    is better than another, and the answer is the first.

    Args:
        roll: the song.
        fifths: a key signature, as its number of sharps, or of flats if negative: the answer is one of its two keys.
            None: it is any key.

    Returns:
        The tonic (0 is C, 11 is B) and the mode ("major" or "minor").
    """
    candidates = [(tonic, mode) for tonic in range(12) for mode in ("major", "minor")]
    if fifths is not None:
        candidates = [(7 * fifths % 12, "major"), ((7 * fifths + 9) % 12, "minor")]
    sounding = roll.frames.sum(axis=0)
    weights = np.bincount((np.arange(KEYS) + LOWEST_PITCH) % 12, weights=sounding, minlength=12)
    if np.ptp(weights) == 0:
        return candidates[0]
    profiles = {"major": MAJOR, "minor": MINOR}
    fits = [np.corrcoef(weights, np.roll(profiles[mode], tonic))[0, 1] for tonic, mode in candidates]
    return candidates[int(np.argmax(fits))]


def key_of(piece: Piece) -> tuple[int, str]:
    """Return the key of a piece: what its first key signature says, and its notes where that leaves a doubt.

    A signature without sharps or flats says nothing, as programs write it where nobody chose a key. "Major" is doubted
    too, for the same reason: by its notes, the piece may be in the minor key of the same signature.

    Args:
        piece: the piece, in one key for the most part.

    Returns:
        As `find_key`.

    Raises:
        ScoreError: the piece has no notes.
    """
    roll = piece.roll(KEY_FRAMES_PER_QUARTER)
    signature = next(iter(piece.key_signatures), None)
    if signature is None or not signature.fifths:
        return find_key(roll)
    if signature.mode == "minor":
        return (7 * signature.fifths + 9) % 12, "minor"
    return find_key(roll, signature.fifths)


def semitones_to_c(roll: PianoRoll, tonic: int) -> list[int]:
    """Return by how many semitones a roll can be transposed to C without leaving the keyboard.

    The shortest way comes first; of two that are equally short, the way up.

    Args:
        roll: the song.
        tonic: its tonic; 0 is C, 11 is B.

    Raises:
        ScoreError: the piece spans so much of the keyboard that there is no such way.
    """
    sounding = np.flatnonzero(roll.frames.any(axis=0))
    low, high = (int(sounding[0]), int(sounding[-1])) if len(sounding) else (0, 0)
    ways = [steps for steps in range(-low, KEYS - high) if (tonic + steps) % 12 == 0]
    if not ways:
        raise ScoreError(
            "the piece needs the whole keyboard and cannot be transposed to C: leave it in its key",
            "too wide to transpose to C",
        )
    return sorted(ways, key=lambda steps: (abs(steps), -steps))


def transpose_to_c(roll: PianoRoll) -> PianoRoll:
    """Return the roll transposed to C major or C minor, whichever is its mode, by -5 to +6 semitones.

    Where that would move a note off the keyboard, the roll is transposed to the nearest C that is left.

    Args:
        roll: the song, in any key.

    Raises:
        ScoreError: the piece spans so much of the keyboard that there is room on neither side.
    """
    tonic, _ = find_key(roll)
    semitones = semitones_to_c(roll, tonic)[0]
    return roll.transposed(semitones) if semitones else roll


def mean_top_key(songs: Iterable[PianoRoll]) -> float:
    """Return the mean, over all frames in which anything sounds, of the highest key.

    Args:
        songs: the songs, not all of them silent.
    """
    total = count = 0
    for song in songs:
        frames = song.frames[song.frames.any(axis=1)]
        total += int((KEYS - 1 - frames[:, ::-1].argmax(axis=1)).sum())
        count += len(frames)
    return total / count


def fifths(tonic: int, mode: str) -> int:
    """Return the key signature of a key: its number of sharps, or of flats if negative, from -5 to 6.

    Args:
        tonic: 0 is C, 11 is B; any multiple of 12 may be added.
        mode: "major" or "minor".
    """
    return (7 * (tonic + (3 if mode == "minor" else 0)) + 5) % 12 - 5


def key_name(tonic: int, mode: str) -> str:
    """Return the name of a key, as "B flat major".

    Args:
        tonic: 0 is C, 11 is B; any multiple of 12 may be added.
        mode: "major" or "minor".
    """
    return f"{_TONICS[mode][tonic % 12]} {mode}"
