"""Sound files (.wav) of piano-rolls, without a sound font: a note is a few harmonics that fade like a struck string."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmn_music.errors import RenderingError
from lmn_music.files import replacing
from lmn_music.formats.midi_writer import check_tempo
from lmn_music.formats.registry import TEMPO
from lmn_music.music.notes import strokes
from lmn_music.music.pianoroll import LOWEST_PITCH, PianoRoll

HARMONICS = (1.0, 0.5, 0.28, 0.14, 0.08, 0.05)  # amplitudes of the fundamental and its multiples
ATTACK = 0.006  # seconds; shorter ones click
RELEASE = 0.18  # seconds that a note takes to fade after its end, and that the sound lasts longer than the roll
PEAK = 0.9  # of full scale, so that nothing clips
LONGEST = 3600  # seconds; an hour of sound takes about half a gigabyte of memory


def check_wav(frames: int, frames_per_quarter: int, *, tempo: float) -> None:
    """Raise UsageError if the tempo is out of range, RenderingError if so many frames sound for more than an hour."""
    check_tempo(tempo)
    if frames * 60 > LONGEST * tempo * frames_per_quarter:
        raise RenderingError("the sound would last more than an hour: write fewer frames, or a faster tempo")


def synthesize(
    roll: PianoRoll, *, tempo: float = TEMPO, repeat_notes: bool = False, sample_rate: int = 22050
) -> npt.NDArray[np.float32]:
    """Return the sound of the roll.

    Args:
        roll: the song.
        tempo: quarter notes per minute, from 4 to 1000.
        repeat_notes: whether a key that sounds in consecutive frames is struck anew in each of them. Otherwise it is
            one held note.
        sample_rate: samples per second.

    Returns:
        One channel of samples, shape (samples,), float32; the loudest is 0.9, or all are zero. The sound lasts 0.18
        seconds longer than the roll.

    Raises:
        UsageError: the tempo is out of range.
        RenderingError: the sound would last more than an hour.
    """
    check_wav(len(roll), roll.frames_per_quarter, tempo=tempo)
    samples_per_frame = 60 * sample_rate / (tempo * roll.frames_per_quarter)
    tail = int(RELEASE * sample_rate)

    @lru_cache(maxsize=256)  # a song repeats the same notes of the same length
    def note(key: int, samples: int) -> npt.NDArray[np.float32]:
        return _note(key, samples, sample_rate)

    sound = np.zeros(round(len(roll) * samples_per_frame) + tail, dtype=np.float32)
    for key, start, end in strokes(roll, repeat_notes=repeat_notes):
        first, last = round(start * samples_per_frame), round(end * samples_per_frame)
        wave = note(key, last - first)
        sound[first : first + len(wave)] += wave
    peak = np.abs(sound).max(initial=0)
    if peak > 0:
        sound *= PEAK / peak
    return sound


def write_wav(
    roll: PianoRoll, path: Path, *, tempo: float = TEMPO, repeat_notes: bool = False, sample_rate: int = 22050
) -> None:
    """Write the sound of the roll as 16-bit mono WAV.

    Args:
        roll: the song.
        path: the file to write.
        tempo: as for `synthesize`.
        repeat_notes: as for `synthesize`.
        sample_rate: samples per second.

    Raises:
        UsageError: the tempo is out of range.
        RenderingError: the sound would last more than an hour.
        LmnMusicError: the file cannot be written.
    """
    from scipy.io import wavfile

    sound = synthesize(roll, tempo=tempo, repeat_notes=repeat_notes, sample_rate=sample_rate)
    with replacing(path) as temporary:
        wavfile.write(temporary, sample_rate, np.round(sound * 32767).astype(np.int16))


def _note(key: int, samples: int, sample_rate: int) -> npt.NDArray[np.float32]:
    """Return a key held for `samples` and let go: samples + RELEASE long, starting and ending at zero."""
    frequency = 440 * 2 ** ((key + LOWEST_PITCH - 69) / 12)
    tail = int(RELEASE * sample_rate)
    time = np.arange(samples + tail) / sample_rate
    # High strings and high harmonics fade faster: A0 rings for seconds, C8 for tenths of a second.
    decay = 0.5 + 0.5 * frequency / 261.6
    fundamental = np.exp(-decay * time)
    angle = 2 * np.pi * frequency * time
    sine, twice_cosine = np.sin(angle), 2 * np.cos(angle)
    extra = np.exp(-0.6 * time)
    previous, current, envelope = np.zeros_like(sine), sine, fundamental
    wave = np.zeros_like(sine)
    for number, amplitude in enumerate(HARMONICS, start=1):
        if number * frequency > 0.45 * sample_rate:
            break  # above what the sample rate can carry, it would fold back as a false tone
        wave += amplitude * envelope * current
        # sin((n + 1)x) = 2 cos(x) sin(nx) - sin((n - 1)x) saves a sine for each harmonic
        previous, current = current, twice_cosine * current - previous
        envelope = envelope * extra
    attack = min(int(ATTACK * sample_rate), samples)
    wave[:attack] *= np.linspace(0, 1, attack, endpoint=False)
    wave[samples:] *= np.cos(np.linspace(0, np.pi / 2, tail)) ** 2
    # To the ear low notes are softer; an amplitude that falls with the frequency makes all keys equally loud.
    quieter: npt.NDArray[np.float32] = (wave * (261.6 / frequency) ** 0.3).astype(np.float32)
    return quieter
