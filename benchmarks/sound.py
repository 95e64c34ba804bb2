"""How our sampler compares with another player of the same sound font, note by note, and how long it takes.

pip install midirenderer
python benchmarks/sound.py
"""

from __future__ import annotations

import io
import time
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy.io import wavfile
from scipy.signal import resample_poly

from lmn_music.formats.audio import synthesize
from lmn_music.formats.midi_writer import to_midi
from lmn_music.formats.sampler import SAMPLE_RATE
from lmn_music.formats.soundfont import font_path
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.piece import Piece, Tempo

KEYS = range(21, 109, 12)
SECONDS = 30


def piece(notes: list[Note]) -> Piece:
    """Return a piece for piano, at two quarters a second."""
    return Piece((Part(tuple(notes)),), tempos=(Tempo(Fraction(0), 120.0),))


def other(song: Piece) -> npt.NDArray[np.float64]:
    """Return the sound that midirenderer makes of the piece, at our sample rate."""
    import midirenderer

    file = io.BytesIO()
    to_midi(song).save(file=file)
    rate, sound = wavfile.read(io.BytesIO(midirenderer.render_wave_from(font_path().read_bytes(), file.getvalue())))
    common = np.gcd(rate, SAMPLE_RATE)
    mono: npt.NDArray[np.float64] = resample_poly(sound.mean(axis=1), SAMPLE_RATE // common, rate // common)
    return mono


def agreement(key: int) -> float:
    """Return the correlation of both sounds of a key that is held for two seconds, sample by sample."""
    song = piece([Note(key, Fraction(0), Fraction(4), 90)])
    ours, theirs = synthesize(song), other(song)
    size = min(len(ours), len(theirs))
    return float(np.corrcoef(ours[:size], theirs[:size])[0, 1])


def half_a_minute() -> float:
    """Return the seconds of processor time that half a minute of four voices takes."""
    random = np.random.default_rng(0)
    notes = [
        Note(int(key), Fraction(beat, 2), Fraction(beat + 1, 2), int(random.integers(50, 110)))
        for beat in range(4 * SECONDS)
        for key in random.integers(36, 84, 4)
    ]
    synthesize(piece(notes[:4]))  # the font is read once
    start = time.process_time()
    synthesize(piece(notes))
    return time.process_time() - start


if __name__ == "__main__":
    for key in KEYS:
        print(f"key {key}: correlation {agreement(key):.3f}")
    print(f"{SECONDS} s of four voices: {half_a_minute():.2f} s")
