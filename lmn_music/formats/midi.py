"""Piano-rolls as MIDI files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.errors import UsageError
from lmn_music.files import replacing
from lmn_music.formats.output import as_utf8
from lmn_music.music.notes import strokes
from lmn_music.music.pianoroll import LOWEST_PITCH, PianoRoll

if TYPE_CHECKING:
    import mido

TICKS_PER_QUARTER = 480  # the usual resolution; raised where the grid does not divide it
VELOCITY = 80  # mezzo forte
SLOWEST, FASTEST = 4, 1000  # quarters per minute; a MIDI file cannot say a tempo below 3.6


def check_tempo(tempo: float) -> None:
    """Raise UsageError unless `tempo` (quarters per minute) lies between 4 and 1000."""
    if not (math.isfinite(tempo) and SLOWEST <= tempo <= FASTEST):
        raise UsageError(f"The tempo must lie between {SLOWEST} and {FASTEST} quarters per minute, not {tempo:g}.")


def to_midi(roll: PianoRoll, *, tempo: float = 100, repeat_notes: bool = False) -> mido.MidiFile:
    """Return the roll as a MIDI file of one piano track, exactly on the grid and exactly as long as the roll.

    tempo: quarters per minute.
    repeat_notes: a key that sounds in consecutive frames is one held note, or with True is struck in every frame;
        a piano-roll cannot say which is meant.
    Reading the file back with `read_score` on the same grid gives the same roll. UsageError: tempo out of range.
    """
    import mido

    check_tempo(tempo)
    grid = roll.frames_per_quarter
    ticks_per_frame = math.ceil(TICKS_PER_QUARTER / grid)
    if grid * ticks_per_frame > 0x7FFF:  # fifteen bits in the file's header
        raise UsageError(f"A MIDI file cannot hold {grid} frames per quarter: use at most {0x7FFF}.")
    # Sorted by (time, off before on, pitch): a repeated key is let go before it is struck again.
    events = sorted(
        (frame * ticks_per_frame, sounds, LOWEST_PITCH + run.key)
        for run in strokes(roll, repeat_notes=repeat_notes)
        for frame, sounds in ((run.start, True), (run.end, False))
    )
    track = mido.MidiTrack()
    if roll.title:
        track.append(mido.MetaMessage("track_name", name=as_utf8(roll.title)))
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)))
    track.append(mido.MetaMessage("time_signature", numerator=4, denominator=4))
    track.append(mido.Message("program_change", program=0))  # acoustic grand piano
    now = 0
    for tick, sounds, pitch in events:
        kind, velocity = ("note_on", VELOCITY) if sounds else ("note_off", 0)
        track.append(mido.Message(kind, note=pitch, velocity=velocity, time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=len(roll) * ticks_per_frame - now))
    # Latin-1, mido's default, cannot write every title.
    return mido.MidiFile(type=0, ticks_per_beat=grid * ticks_per_frame, charset="utf-8", tracks=[track])


def write_midi(roll: PianoRoll, path: Path, *, tempo: float = 100, repeat_notes: bool = False) -> None:
    """Write the roll as a MIDI file, as `to_midi` makes it. LmnMusicError: the file cannot be written."""
    song = to_midi(roll, tempo=tempo, repeat_notes=repeat_notes)
    with replacing(path) as temporary:
        song.save(temporary)
