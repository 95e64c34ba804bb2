"""Sound: the right length and pitch, no clipping, no clicks."""

import time
import wave
from pathlib import Path

import numpy as np
import pytest

from lmn_music.errors import RenderingError
from lmn_music.formats.audio import RELEASE, synthesize, write_wav
from lmn_music.music.pianoroll import KEYS, PianoRoll


def one_note(pitch: int, frames: int = 4, silence: int = 0) -> PianoRoll:
    roll = np.zeros((frames + silence, KEYS), dtype=bool)
    roll[:frames, pitch - 21] = True
    return PianoRoll(roll, 2)


@pytest.mark.parametrize("sample_rate", [22050, 44100])
def test_the_standard_library_opens_the_file(tmp_path: Path, sample_rate: int) -> None:
    roll = PianoRoll(np.random.default_rng(0).random((40, KEYS)) < 0.05, 2)
    write_wav(roll, tmp_path / "song.wav", tempo=120, sample_rate=sample_rate)
    with wave.open(str(tmp_path / "song.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, sample_rate)
        assert file.getnframes() / sample_rate == pytest.approx(40 / 2 / 2 + RELEASE, abs=1e-3)
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    assert np.abs(samples).max() == pytest.approx(0.9 * 32767, abs=1)  # loud, and not clipped
    assert samples.std() > 1000


@pytest.mark.parametrize("pitch", [33, 60, 69, 84, 108])
def test_the_pitch_is_right(pitch: int) -> None:
    sound = synthesize(one_note(pitch), tempo=60)
    spectrum = np.abs(np.fft.rfft(sound))
    expected = 440 * 2 ** ((pitch - 69) / 12)
    assert spectrum.argmax() * 22050 / len(sound) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("pitch", [21, 60, 108])
def test_notes_start_and_end_at_rest(pitch: int) -> None:
    sound = np.abs(synthesize(one_note(pitch, frames=3, silence=2), tempo=90))
    assert sound[0] < 1e-6
    assert sound[:20].max() < 0.3  # the attack is soft: less than a millisecond in, the note is far from its peak
    let_go = round(3 * 22050 / 3)  # a frame lasts a third of a second
    assert sound[let_go + int(RELEASE * 22050) - 20 :].max() < 1e-3  # faded away, and silent from then on


def test_nothing_sounds_above_half_the_sample_rate() -> None:
    """A harmonic beyond it would come back as a wrong, lower tone."""
    sound = synthesize(one_note(108), tempo=60)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    below = spectrum[: int(4000 * len(sound) / 22050)]  # the fundamental is at 4186 Hz
    assert below.max() < 1e-3 * spectrum.max()


def test_repeated_notes_are_struck_again() -> None:
    roll = one_note(60, frames=8)
    frame = 22050 // 2
    held, repeated = (np.abs(synthesize(roll, tempo=60, repeat_notes=repeat)) for repeat in (False, True))
    loudness = [[part.max() for part in np.split(sound[: 8 * frame], 8)] for sound in (held, repeated)]
    assert loudness[0][7] < 0.2 * loudness[0][0]  # dies away like a string
    assert loudness[1][7] > 0.9 * loudness[1][0]


def test_silence_is_silent() -> None:
    assert not synthesize(PianoRoll(np.zeros((4, KEYS)), 1)).any()


def test_more_than_an_hour_is_refused() -> None:
    with pytest.raises(RenderingError, match="more than an hour"):
        synthesize(PianoRoll(np.ones((1000, KEYS)), 1), tempo=4)


@pytest.mark.slow
def test_a_minute_of_four_voices_takes_less_than_two_seconds() -> None:
    frames = np.zeros((200, KEYS), dtype=bool)
    random = np.random.default_rng(0)
    for _ in range(4):
        frames[np.arange(200), random.integers(20, 60, 200)] = True
    start = time.process_time()
    synthesize(PianoRoll(frames, 2), tempo=100)
    assert time.process_time() - start < 2
