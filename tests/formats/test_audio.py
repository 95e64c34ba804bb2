"""Sound: the right notes at the right time, partials that fade as a piano's do, no clipping, no clicks."""

import time
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lmn_music.errors import RenderingError
from lmn_music.formats import soundfont, write_roll
from lmn_music.formats.audio import synthesize
from lmn_music.formats.sampler import SAMPLE_RATE, loudness, release
from lmn_music.formats.soundfont import load
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.pianoroll import KEYS, PianoRoll
from lmn_music.music.piece import Piece, Tempo

SECOND = Fraction(1)  # at sixty quarters a minute


def one_note(pitch: int, frames: int = 4, silence: int = 0) -> PianoRoll:
    roll = np.zeros((frames + silence, KEYS), dtype=bool)
    roll[:frames, pitch - 21] = True
    return PianoRoll(roll, 2)


def piece(*notes: Note, program: int = 0, drums: bool = False) -> Piece:
    return Piece((Part(notes, program=program, drums=drums),), tempos=(Tempo(Fraction(0), 60.0),))


def note(pitch: int, start: int = 0, end: int = 2, velocity: int = 80) -> Note:
    return Note(pitch, start * SECOND, end * SECOND, velocity)


def spectrum(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies in Hz and amplitudes."""
    size = 8 * len(sound)
    return np.fft.rfftfreq(size, 1 / SAMPLE_RATE), np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size))


def centre(sound: np.ndarray) -> float:
    """Return the mean frequency, weighed by energy: how bright the sound is."""
    frequencies, amplitudes = spectrum(sound)
    return float((frequencies * amplitudes**2).sum() / (amplitudes**2).sum())


def test_the_standard_library_opens_the_file(tmp_path: Path) -> None:
    roll = PianoRoll(np.random.default_rng(0).random((40, KEYS)) < 0.05, 2)
    write_roll(roll, tmp_path / "song.wav", tempo=120)
    with wave.open(str(tmp_path / "song.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE)
        assert 10 <= file.getnframes() / SAMPLE_RATE <= 13  # forty eighths, and the last notes fade
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    assert np.abs(samples).max() == pytest.approx(0.9 * 32767, abs=1)  # loud, and not clipped
    assert samples.std() > 1000


@pytest.mark.parametrize("pitch", range(21, 109, 5))
def test_a_key_has_its_fundamental_and_its_partials(pitch: int) -> None:
    """Of the energy of a note nearly all lies within a quarter of a semitone of multiples of its frequency."""
    frequencies, amplitudes = spectrum(synthesize(piece(note(pitch, 0, 2)))[:SAMPLE_RATE])
    fundamental = 440 * 2 ** ((pitch - 69) / 12)
    nearest = np.maximum(np.round(frequencies / fundamental), 1) * fundamental
    with np.errstate(divide="ignore"):
        near = np.abs(12 * np.log2(frequencies / nearest)) < 0.25
    near |= np.abs(frequencies - nearest) < 4  # Hz: what one second can tell apart
    energy = amplitudes**2
    assert energy[near].sum() > 0.95 * energy.sum()
    first = np.abs(frequencies - fundamental) < max(4, 0.015 * fundamental)
    assert energy[first].max() > 1e-4 * energy.max()  # the lowest strings have more in their partials


def test_low_keys_ring_longer_and_keys_in_the_middle_get_duller() -> None:
    left = {}
    for pitch in (28, 40, 52, 64, 76, 88, 100):
        sound = synthesize(piece(note(pitch, 0, 4)))
        early, late = sound[: SAMPLE_RATE // 2], sound[3 * SAMPLE_RATE : 7 * SAMPLE_RATE // 2]
        left[pitch] = late.std() / early.std()
        if 40 <= pitch <= 64:  # where most music is; partials of a struck string fade sooner than its fundamental
            assert centre(late) < 0.97 * centre(early)
    assert left[28] > left[64] > left[88] > left[100]
    assert left[28] > 10 * left[100]


def test_a_note_is_as_loud_as_the_square_of_its_velocity() -> None:
    sound = synthesize(piece(note(60, 0, 2, 100), note(60, 4, 6, 50)))
    loud, soft = (sound[start * SAMPLE_RATE : (start + 2) * SAMPLE_RATE] for start in (0, 4))
    np.testing.assert_allclose(soft * 4, loud, atol=1e-4)
    (zone,) = load().zones(0, 60, 80)
    assert loudness(zone, 127) == pytest.approx(4 * loudness(zone, 127 / 2))  # type: ignore[arg-type]


def test_keys_that_sound_together_add_up() -> None:
    together, low, high = (synthesize(piece(*notes)) for notes in ([note(48), note(60)], [note(48)], [note(60)]))
    size = min(len(low), len(high))
    found, *_ = np.linalg.lstsq(np.stack([low[:size], high[:size]], 1), together[:size])
    np.testing.assert_allclose(found @ np.stack([low[:size], high[:size]]), together[:size], atol=1e-4)
    assert (found > 0).all()


def test_notes_start_in_time_through_all_tempos() -> None:
    """Four quarters at 60, two at 120, then at 30: a note on each tempo's second quarter."""
    tempos = (Tempo(Fraction(0), 60.0), Tempo(Fraction(4), 120.0), Tempo(Fraction(6), 30.0))
    onsets = {Fraction(1): 1.0, Fraction(5): 4.5, Fraction(7): 7.0}
    for onset, seconds in onsets.items():
        struck = Piece((Part((Note(60, onset, onset + 1),)),), Fraction(9), tempos)
        sound = synthesize(struck)
        start = round(seconds * SAMPLE_RATE)
        assert not sound[:start].any()
        assert np.abs(sound[start : start + SAMPLE_RATE // 100]).max() > 0.05


@pytest.mark.parametrize("pitch", [21, 60, 108])
def test_notes_start_and_end_at_rest(pitch: int) -> None:
    sound = np.abs(synthesize(one_note(pitch, frames=3, silence=2), tempo=90))
    assert sound[0] < 1e-3
    let_go = SAMPLE_RATE  # a frame lasts a third of a second
    (zone,) = load().zones(0, pitch, 80)
    end = let_go + len(release(zone))
    assert sound[end - 20 : end].max(initial=0) < 2e-3  # faded away
    assert not sound[end:].any()  # and silent from then on
    assert np.abs(np.diff(synthesize(one_note(pitch), tempo=90))[let_go - 50 : let_go + 50]).max() < 0.3  # no click


def test_nothing_sounds_above_what_the_sample_holds() -> None:
    """Between the points of a sample the curve is smooth: the mirror image above half its rate is faint."""
    frequencies, amplitudes = spectrum(synthesize(piece(note(60, 0, 1)))[:SAMPLE_RATE])
    assert amplitudes[frequencies > 12000].max() < 1e-3 * amplitudes.max()


def test_repeated_notes_are_struck_again() -> None:
    roll = one_note(60, frames=16)
    frame = SAMPLE_RATE // 2
    held, repeated = (np.abs(synthesize(roll, tempo=60, repeat_notes=repeat)) for repeat in (False, True))
    loudness = [[part.max() for part in np.split(sound[: 16 * frame], 16)] for sound in (held, repeated)]
    assert loudness[0][8] < 0.5 * loudness[0][0]  # dies away like a string
    assert loudness[1][8] > 0.8 * loudness[1][0]  # the first beat of the second bar, as that of the first


def test_each_instrument_has_its_own_sound() -> None:
    organ, piano = (synthesize(piece(note(60, 0, 4), program=program)) for program in (19, 0))
    early, late = slice(SAMPLE_RATE // 2, SAMPLE_RATE), slice(3 * SAMPLE_RATE, 4 * SAMPLE_RATE)
    assert organ[late].std() > 0.8 * organ[early].std()  # an organ holds what a piano cannot
    assert piano[late].std() < 0.4 * piano[early].std()
    drum, cymbal = (synthesize(piece(note(pitch), drums=True)) for pitch in (36, 49))
    assert centre(drum) < 1000 < centre(cymbal)
    assert not synthesize(piece(note(3), drums=True)).any()  # no drum has this number


@pytest.mark.parametrize("program", range(128))
def test_every_instrument_of_general_midi_sounds(program: int) -> None:
    sound = synthesize(piece(note(60, 0, 1), program=program))
    assert np.isfinite(sound).all()
    assert sound.std() > 0.001
    assert len(sound) < 5 * SAMPLE_RATE


def test_silence_is_silent_and_everything_at_once_does_not_clip() -> None:
    assert not synthesize(PianoRoll(np.zeros((4, KEYS)), 1)).any()
    assert np.abs(synthesize(piece(*(note(pitch, 0, 1, 127) for pitch in range(21, 109))))).max() <= 0.9


def test_the_same_notes_give_the_same_file(tmp_path: Path) -> None:
    roll = PianoRoll(np.random.default_rng(0).random((10, KEYS)) < 0.05, 2)
    for name in ("a.wav", "b.wav"):
        write_roll(roll, tmp_path / name)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_more_than_an_hour_is_refused() -> None:
    with pytest.raises(RenderingError, match="more than an hour"):
        synthesize(PianoRoll(np.ones((1000, KEYS)), 1), tempo=4)


def test_a_sound_font_that_is_gone_is_an_error_of_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (str(tmp_path / "gone.sf2"), __file__):  # none, and one that is no sound font
        monkeypatch.setattr(soundfont, "FONT", name)
        load.cache_clear()
        with pytest.raises(RenderingError, match="install pretty_midi again"):
            synthesize(one_note(60))
    monkeypatch.undo()
    load.cache_clear()


@pytest.mark.slow
def test_half_a_minute_of_four_voices_takes_about_a_second() -> None:
    frames = np.zeros((100, KEYS), dtype=bool)
    random = np.random.default_rng(0)
    for _ in range(4):
        frames[np.arange(100), random.integers(20, 60, 100)] = True
    start = time.process_time()
    synthesize(PianoRoll(frames, 2), tempo=100)
    assert time.process_time() - start < 2
