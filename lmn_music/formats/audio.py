"""Sound files (.wav): a piece, or a piano-roll, played by the instruments of the sound font that pretty_midi ships."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmn_music.errors import RenderingError
from lmn_music.files import replacing
from lmn_music.formats.midi_writer import check_tempo
from lmn_music.formats.registry import TEMPO
from lmn_music.formats.sampler import SAMPLE_RATE, loudness, release, strike
from lmn_music.formats.soundfont import Zone, load
from lmn_music.music.notes import Note
from lmn_music.music.performing import perform
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.music.piece import Piece, Tempo

PEAK = 0.9  # of full scale, so that nothing clips
UNSAID = 120  # quarter notes per minute, where a piece names no tempo, says the MIDI standard
LONGEST = 3600  # seconds; an hour of sound takes about a gigabyte of memory


def check_wav(frames: int, frames_per_quarter: int, *, tempo: float) -> None:
    """Raise UsageError if the tempo is out of range, RenderingError if so many frames sound for more than an hour."""
    check_tempo(tempo)
    if frames * 60 > LONGEST * tempo * frames_per_quarter:
        raise RenderingError("the sound would last more than an hour: write fewer frames, or a faster tempo")


def synthesize(song: Piece | PianoRoll, *, tempo: float = TEMPO, repeat_notes: bool = False) -> npt.NDArray[np.float32]:
    """Return the sound of a piece, or of a roll as `perform` writes it out.

    Each part is played by its instrument, drums by the drums, each note as loud as its velocity says. Vibrato, chorus,
    reverb and stereo are left out. The same notes give the same numbers, always.

    Args:
        song: what is played.
        tempo: quarter notes per minute of a roll, from 4 to 1000. A piece says its own tempos; where it says none, it
            is played at 120, as MIDI files are.
        repeat_notes: whether a key of a roll that sounds in consecutive frames is struck anew in each of them;
            otherwise it is one held note.

    Returns:
        One channel of samples, shape (samples,), float32, 44,100 per second; the loudest is 0.9, or all are zero. The
        sound lasts as long as the piece, and until the last note has faded.

    Raises:
        UsageError: the tempo is out of range.
        RenderingError: the sound would last more than an hour, or pretty_midi has no sound font.
    """
    if isinstance(song, PianoRoll):
        check_wav(len(song), song.frames_per_quarter, tempo=tempo)
        song = perform(song, tempo=tempo, repeat_notes=repeat_notes)
    piece = song
    clock = _Clock(piece)
    if clock.sample(piece.length) > LONGEST * SAMPLE_RATE:
        raise RenderingError("the sound would last more than an hour: write less of the piece, or a faster tempo")
    struck: dict[tuple[int, bool, int], list[Note]] = defaultdict(list)
    for part in piece.parts:
        for note in part.notes:
            struck[part.program, part.drums, note.pitch].append(note)
    sound = np.zeros(clock.sample(piece.length), dtype=np.float32)
    for (program, drums, key), notes in struck.items():
        voices: dict[int, tuple[Zone, list[Note]]] = {}
        for note in notes:
            for zone in load().zones(program, key, note.velocity, drums=drums):
                voices.setdefault(zone.number, (zone, []))[1].append(note)
        for zone, played in voices.values():
            sound = _play(sound, zone, key, [(clock.sample(n.onset), clock.sample(n.end), n.velocity) for n in played])
    peak = float(np.abs(sound).max(initial=0))
    if peak > 0:
        sound *= PEAK / peak
    return sound


def write_wav(piece: Piece, path: Path) -> None:
    """Write the sound of a piece as 16-bit mono WAV.

    Args:
        piece: the piece.
        path: the file to write.

    Raises:
        RenderingError: the sound would last more than an hour, or pretty_midi has no sound font.
        LmnMusicError: the file cannot be written.
    """
    from scipy.io import wavfile

    sound = synthesize(piece)
    sound *= 32767
    with replacing(path) as temporary:
        wavfile.write(temporary, SAMPLE_RATE, np.rint(sound, out=sound).astype(np.int16))


class _Clock:
    """Times of a piece, in quarter notes, as numbers of samples, with all its tempos."""

    def __init__(self, piece: Piece) -> None:
        first, *later = piece.tempos or (Tempo(Fraction(0), UNSAID),)
        self.quarters, self.samples, self.rates = [0.0], [0.0], [self._rate(first)]
        for tempo in later:
            self.samples.append(self._at(float(tempo.onset)))
            self.quarters.append(float(tempo.onset))
            self.rates.append(self._rate(tempo))

    def sample(self, quarters: Fraction) -> int:
        """Return the sample at a time."""
        return round(self._at(float(quarters)))

    def _at(self, quarters: float) -> float:
        place = int(np.searchsorted(self.quarters, quarters, side="right")) - 1
        return self.samples[place] + (quarters - self.quarters[place]) * self.rates[place]

    @staticmethod
    def _rate(tempo: Tempo) -> float:
        return 60 * SAMPLE_RATE / tempo.quarters_per_minute


def _play(
    sound: npt.NDArray[np.float32], zone: Zone, key: int, notes: list[tuple[int, int, int]]
) -> npt.NDArray[np.float32]:
    """Add the notes of one key to the sound, which gets longer where they need it.

    Args:
        sound: the sound so far.
        zone: the sample that plays the key.
        key: the MIDI number.
        notes: for each the first sample, the sample at which the key is let go, and the velocity.
    """
    fade = release(zone)
    held = strike(zone, key, max(end - start for start, end, _ in notes) + len(fade))
    last = max(start + min(end - start + len(fade), len(held)) for start, end, _ in notes)
    if last > len(sound):
        sound = np.concatenate([sound, np.zeros(last - len(sound), dtype=np.float32)])
    for start, end, velocity in notes:
        wave = held[: end - start + len(fade)] * np.float32(loudness(zone, velocity))
        wave[end - start :] *= fade[: max(len(wave) - (end - start), 0)]
        sound[start : start + len(wave)] += wave
    return sound
