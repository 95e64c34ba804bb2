"""The key of a piece, and its transposition to C: the benchmark corpora are all in C major or C minor."""

from __future__ import annotations

import numpy as np

from lmn_music.errors import ScoreError
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll

# How well each pitch class fits, counted in semitones from the tonic: the probe-tone ratings of Krumhansl and Kessler,
# "Tracing the dynamic changes in perceived tonal organization in a spatial representation of musical keys",
# Psychological Review 89 (1982), as Krumhansl, Cognitive Foundations of Musical Pitch (1990), table 2.1, gives them.
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def find_key(roll: PianoRoll) -> tuple[int, str]:
    """Return the key of the roll, found by the Krumhansl-Schmuckler algorithm.

    The time that each of the twelve pitch classes sounds, in frames, is correlated (Pearson) with the ratings for each
    of the 24 keys (Krumhansl 1990, chapter 4). The key with the highest correlation is the answer; of equal ones, the
    first in the order C major, C minor, C sharp major, ... Where all twelve sound equally long, as in silence, no key
    is better than another, and the answer is C major.

    Args:
        roll: The song.

    Returns:
        The tonic (0 is C, 11 is B) and the mode ("major" or "minor").
    """
    sounding = roll.frames.sum(axis=0)
    weights = np.bincount((np.arange(KEYS) + LOWEST_PITCH) % 12, weights=sounding, minlength=12)
    if np.ptp(weights) == 0:
        return 0, "major"
    candidates = [(tonic, mode) for tonic in range(12) for mode in ("major", "minor")]
    profiles = {"major": MAJOR, "minor": MINOR}
    fits = [np.corrcoef(weights, np.roll(profiles[mode], tonic))[0, 1] for tonic, mode in candidates]
    return candidates[int(np.argmax(fits))]


def transpose_to_c(roll: PianoRoll) -> PianoRoll:
    """Return the roll transposed to C major or C minor, whichever is its mode, by -5 to +6 semitones.

    Where that would move a note off the keyboard, the roll is transposed to the C on the other side.

    Args:
        roll: The song, in any key.

    Raises:
        ScoreError: The piece spans so much of the keyboard that there is room on neither side.
    """
    tonic, _ = find_key(roll)
    nearest = -tonic if tonic <= 5 else 12 - tonic
    if nearest == 0:
        return roll
    for semitones in (nearest, nearest - 12 if nearest > 0 else nearest + 12):
        try:
            return roll.transposed(semitones)
        except ValueError:
            continue
    raise ScoreError(
        "the piece needs the whole keyboard and cannot be transposed to C: leave it in its key",
        "too wide to transpose to C",
    )
