"""One key of an instrument of the sound font as sound: its sample at the pitch of the key, its filter, its envelope.

What is played: pitch, loop, volume envelope, the low-pass filter with its envelope, loudness. What is left out:
vibrato and tremolo, chorus, reverb, the place in the stereo picture.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lmn_music.formats import soundfont as sf2

SAMPLE_RATE = 44100
SILENT = 100.0  # dB below full scale: an envelope reaches it in its decay or release time, and a sound ends there
INAUDIBLE = 70.0  # dB below its start, at which a released note ends
LONGEST_RELEASE = 3.0  # seconds; a few instruments of the font would fade for a minute
EMU = 0.4  # of the attenuation in the file: what the hardware for which fonts are made does, and all players do
OPEN = 13500  # cents: a filter that lets everything pass
STEP = 25.0  # cents: a filter moves in such steps, which are too small to be noticed

Sound = npt.NDArray[np.float32]


def strike(zone: sf2.Zone, key: int, samples: int) -> Sound:
    """Return a key that is held: so many samples, or fewer if the sound ends before.

    Args:
        zone: the sample.
        key: the MIDI number.
        samples: how many samples are needed.
    """
    samples = min(samples, _audible(zone, key))
    bend = zone[sf2.MOD_ENV_TO_PITCH]
    pitch = (key - zone.root) * zone[sf2.SCALE] / 100
    ratio = 2 ** (pitch / 12) * zone.rate / SAMPLE_RATE
    if bend:
        steps = ratio * 2 ** (bend * _modulation(zone, np.arange(samples) / SAMPLE_RATE) / 1200)
        places = np.concatenate([[0.0], np.cumsum(steps)[:-1]])[:samples]
    else:
        places = np.arange(samples) * ratio
    sound = _at(zone, places)
    sound = _filtered(zone, sound)
    sound *= _envelope(zone, key, len(sound))
    return sound


def release(zone: sf2.Zone) -> Sound:
    """Return what a note is multiplied with from the moment when the key is let go, until it cannot be heard."""
    seconds = _seconds(zone[sf2.RELEASE])
    tail = max(0.005, min(seconds * INAUDIBLE / SILENT, LONGEST_RELEASE))  # a few milliseconds, so that nothing clicks
    time = np.arange(round(tail * SAMPLE_RATE)) / SAMPLE_RATE
    fade: Sound = (10 ** (-SILENT / 20 * time / max(seconds, tail)) * (1 - time / tail) ** 0.25).astype(np.float32)
    return fade


def loudness(zone: sf2.Zone, velocity: int) -> float:
    """Return the amplitude of a note: it grows with the square of the velocity, as General MIDI recommends.

    Args:
        zone: the sample.
        velocity: from 1 to 127.
    """
    return float((velocity / 127) ** 2 * 10 ** (-EMU * zone[sf2.ATTENUATION] / 200))


def _seconds(time_cents: float) -> float:
    return float(2 ** (time_cents / 1200))


def _at(zone: sf2.Zone, places: npt.NDArray[np.float64]) -> Sound:
    """Return the sample between its points: a cubic curve through the four nearest (Catmull and Rom)."""
    source = zone.samples
    if zone.loop:
        first, last = zone.loop
        later = places >= last
        places[later] = first + (places[later] - first) % (last - first)
        source = np.concatenate([source[:last], source[first : first + 3]])  # what follows the end is the loop again
        source = np.pad(source, (1, 3), mode="edge")
    else:
        places = places[places < len(source) - 1]
        source = np.pad(source, (1, 3))
    whole = places.astype(np.int64)
    t = (places - whole).astype(np.float32)
    a, b, c, d = (source[whole + shift].astype(np.float32) for shift in range(4))
    sound: Sound = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    sound /= 32768
    return sound


def _times(zone: sf2.Zone, key: int) -> tuple[float, float, float]:
    """Return when the volume envelope has risen, when it begins to fall, and when it would reach silence."""
    risen = _seconds(zone[sf2.DELAY]) + _seconds(zone[sf2.ATTACK])
    held = risen + _seconds(zone[sf2.HOLD] + zone[sf2.KEY_TO_HOLD] * (60 - key))
    return risen, held, held + _seconds(zone[sf2.DECAY] + zone[sf2.KEY_TO_DECAY] * (60 - key))


def _audible(zone: sf2.Zone, key: int) -> int:
    """Return after how many samples the envelope of a held key falls silent, if it does."""
    if zone[sf2.SUSTAIN] < 10 * SILENT:
        return 1 << 40
    return round(_times(zone, key)[2] * SAMPLE_RATE)


def _envelope(zone: sf2.Zone, key: int, samples: int) -> Sound:
    """Return the volume of a held key: it rises, stays, then falls, in decibels, along a straight line."""
    risen, held, silent = _times(zone, key)
    time = np.arange(samples, dtype=np.float32) / SAMPLE_RATE
    sustain = min(zone[sf2.SUSTAIN] / 10, SILENT)
    fallen = held + (silent - held) * sustain / SILENT
    envelope: Sound = (10 ** (np.interp(time, [held, fallen], [0, -sustain]) / 20)).astype(np.float32)
    start = round(_seconds(zone[sf2.DELAY]) * SAMPLE_RATE)
    end = min(max(start + 1, round(risen * SAMPLE_RATE)), samples)
    envelope[:start] = 0
    envelope[start:end] *= np.linspace(0, 1, max(end - start, 0), endpoint=False, dtype=np.float32)
    return envelope


def _modulation(zone: sf2.Zone, time: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the envelope that moves the filter and the pitch: from 0 up to 1 and down to where it stays."""
    risen = _seconds(zone[sf2.MOD_ATTACK])
    held = risen + _seconds(zone[sf2.MOD_HOLD])
    sustain = 1 - min(max(zone[sf2.MOD_SUSTAIN] / 1000, 0), 1)
    fallen = held + _seconds(zone[sf2.MOD_DECAY]) * (1 - sustain)
    return np.interp(time, [0, risen, held, max(fallen, held + 1e-6)], [0, 1, 1, sustain])


def _filtered(zone: sf2.Zone, sound: Sound) -> Sound:
    """Return the sound behind the low-pass filter of the zone, whose cutoff moves in steps."""
    from scipy.signal import sosfilt

    moves = zone[sf2.MOD_ENV_TO_FILTER]
    if zone[sf2.FILTER] >= OPEN and moves >= 0:
        return sound
    filtered = np.empty_like(sound)
    state = np.zeros((1, 2))
    for start, end, cents in _steps(zone, len(sound)):
        section = _low_pass(8.176 * 2 ** (cents / 1200), zone[sf2.RESONANCE] / 10)
        filtered[start:end], state = sosfilt(section, sound[start:end], zi=state)
    return filtered


def _steps(zone: sf2.Zone, samples: int) -> Iterator[tuple[int, int, float]]:
    """Yield stretches of the sound, and the cutoff of the filter in each, in cents above 8.176 Hz."""
    block = 64
    time = np.arange(0, samples, block) / SAMPLE_RATE
    cents = zone[sf2.FILTER] + zone[sf2.MOD_ENV_TO_FILTER] * _modulation(zone, time)
    step = np.round(cents / STEP)
    starts = [0, *(np.flatnonzero(np.diff(step)) + 1).tolist()]
    for place, start in enumerate(starts):
        end = starts[place + 1] * block if place + 1 < len(starts) else samples
        yield start * block, end, float(min(step[start] * STEP, OPEN))


def _low_pass(cutoff: float, resonance: float) -> npt.NDArray[np.float64]:
    """Return a filter of second order: Robert Bristow-Johnson's, from "Cookbook formulae for audio EQ biquads".

    Args:
        cutoff: in Hz.
        resonance: in decibels; at 0 the filter has no peak.
    """
    angle = 2 * np.pi * min(cutoff, 0.45 * SAMPLE_RATE) / SAMPLE_RATE
    q = 10 ** ((resonance - 3.01) / 20)
    alpha, cosine = np.sin(angle) / (2 * q), np.cos(angle)
    gain = 10 ** (-resonance / 40)  # half of the peak is taken back, says the specification
    b = gain * (1 - cosine) / 2
    section = np.array([[b, 2 * b, b, 1 + alpha, -2 * cosine, 1 - alpha]], dtype=np.float64)
    section /= 1 + alpha
    return section
