"""The sound of the page's piano: some of its keys, each struck once and held, from which the page makes all others."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lmn_music.errors import UsageError
from lmn_music.formats import file_bytes
from lmn_music.music.performing import perform
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll

STEP = 3  # semitones from one sampled key to the next: no key is moved by more than one
PITCHES = range(LOWEST_PITCH, LOWEST_PITCH + KEYS, STEP)
SECONDS = 4


@lru_cache(maxsize=len(PITCHES))
def sample(pitch: int) -> bytes:
    """Return a key of the piano, held for four seconds, as a WAV file.

    Args:
        pitch: one of PITCHES.

    Raises:
        UsageError: another one.
    """
    if pitch not in PITCHES:
        raise UsageError(f"the studio samples every third key, from {PITCHES[0]} to {PITCHES[-1]}, not {pitch}")
    frames = np.zeros((SECONDS, KEYS), dtype=bool)
    frames[:, pitch - LOWEST_PITCH] = True
    return file_bytes(perform(PianoRoll(frames, 1), tempo=60), ".wav")
