"""MIDI files as notes, in quarter notes: ticks, never seconds, so that tempo changes move nothing off the grid."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from lmn_music.errors import ScoreError
from lmn_music.music.notes import Note

if TYPE_CHECKING:
    import mido

LATEST = 1 << 60  # in ticks; no float holds what a forged file may say
DRUMS = 9  # MIDI channel 10, counted from zero
# No variable-length number or run of letters is that long. mido would shift a number of a megabyte for hours.
_ENDLESS_NUMBER = re.compile(rb"[\x80-\xff]{4096}")


def read_midi(data: bytes) -> tuple[list[Note], float, str]:
    """Return the notes of a MIDI file, its length in quarter notes, and what to say if there are no notes.

    Formats 0 and 1; the tracks of format 2 follow one another. Channel 10, the drums, is left out. A note ends, as in
    pretty_midi, with the first note-off (or note-on of velocity 0) after its onset, and at the end of its track if
    there is none. The sustain pedal is not heard: a frame tells what is written, not what rings on.
    ScoreError: not a MIDI file, a damaged one, or one in SMPTE time.
    """
    import mido

    if _ENDLESS_NUMBER.search(data):
        raise ScoreError("the MIDI file is damaged: export it anew", "unreadable (damaged MIDI file)")
    try:
        song = mido.MidiFile(file=io.BytesIO(data))
    except EOFError as error:
        raise ScoreError("the MIDI file ends too early: export it anew", "unreadable (truncated MIDI file)") from error
    except Exception as error:  # mido meets damaged files with whatever its parser stumbles over
        kind = "damaged MIDI file" if data.startswith(b"MThd") else "not a MIDI file"
        raise ScoreError(
            f"{kind}: export it anew from a notation or sequencer program", f"unreadable ({kind})"
        ) from error
    if song.ticks_per_beat < 0:
        raise ScoreError(
            "the MIDI file counts in SMPTE seconds, so its quarter notes are unknown: export it in ticks per quarter",
            "unreadable (SMPTE time, no quarter notes)",
        )
    if song.ticks_per_beat == 0:
        raise ScoreError(
            "the MIDI file has zero ticks per quarter: export it anew", "unreadable (zero ticks a quarter)"
        )
    notes: list[Note] = []
    drums = False
    start = length = 0
    for track in song.tracks:
        track_notes, end, track_drums = _read_track(track, start, song.ticks_per_beat)
        notes += track_notes
        drums |= track_drums
        length = max(length, end)
        start = end if song.type == 2 else 0
    return notes, length / song.ticks_per_beat, "drums only" if drums else "no notes"


def _read_track(track: mido.MidiTrack, start: int, ticks_per_quarter: int) -> tuple[list[Note], int, bool]:
    """Return the notes of a track that starts at tick `start`, the tick at which it ends, and whether drums play."""
    notes: list[Note] = []
    drums = False
    now = start
    sounding: dict[tuple[int, int], list[int]] = {}  # (channel, pitch) -> onsets in ticks

    def close(pitch: int, onsets: list[int]) -> None:
        notes.extend(Note(pitch, onset / ticks_per_quarter, now / ticks_per_quarter) for onset in onsets)

    for message in track:
        now += message.time
        if now > LATEST:
            raise ScoreError("the MIDI file is damaged: export it anew", "unreadable (impossible note times)")
        if message.type not in ("note_on", "note_off"):
            continue
        if message.channel == DRUMS:
            drums |= message.type == "note_on" and message.velocity > 0
            continue
        key = (message.channel, message.note)
        if message.type == "note_on" and message.velocity > 0:
            sounding.setdefault(key, []).append(now)
        elif onsets := sounding.pop(key, []):
            # A note-off that follows a new onset in the same tick is meant for the notes before it.
            earlier = [onset for onset in onsets if onset < now]
            close(message.note, earlier or onsets)
            if earlier and len(earlier) < len(onsets):
                sounding[key] = onsets[len(earlier) :]
    for (_, pitch), onsets in sounding.items():
        close(pitch, onsets)
    return notes, now, drums
