"""MIDI files: to and from piano-rolls. Time is counted in ticks, never in seconds, so tempo changes move no note."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.errors import ScoreError, UsageError
from lmn_music.files import as_utf8, replacing
from lmn_music.music.notes import Note, strokes, to_roll
from lmn_music.music.pianoroll import LOWEST_PITCH, PianoRoll

if TYPE_CHECKING:
    import mido

TICKS_PER_QUARTER = 480  # the usual resolution; raised where the frames per quarter do not divide it
MAX_TICKS_PER_QUARTER = 0x7FFF  # fifteen bits in the file's header
VELOCITY = 80  # mezzo forte
SLOWEST, FASTEST = 4, 1000  # quarters per minute; a MIDI file cannot say a tempo below 3.6
LATEST = 1 << 60  # in ticks; no float holds what a forged file may say
DRUMS = 9  # MIDI channel 10, counted from zero
# No variable-length number or run of letters is that long. mido would shift a number of a megabyte for hours.
_ENDLESS_NUMBER = re.compile(rb"[\x80-\xff]{4096}")


def check_tempo(tempo: float) -> None:
    """Raise UsageError unless `tempo`, in quarter notes per minute, lies between 4 and 1000."""
    if not (math.isfinite(tempo) and SLOWEST <= tempo <= FASTEST):
        raise UsageError(f"The tempo must lie between {SLOWEST} and {FASTEST} quarters per minute, not {tempo:g}.")


def check_midi(_frames: int, frames_per_quarter: int, *, tempo: float) -> None:
    """Raise UsageError if a MIDI file cannot hold the tempo or the frames per quarter; any length fits."""
    check_tempo(tempo)
    _ticks_per_frame(frames_per_quarter)


def write_midi(roll: PianoRoll, path: Path, *, tempo: float = 100, repeat_notes: bool = False) -> None:
    """Write the roll as the MIDI file that `to_midi` makes.

    Args:
        roll: The song.
        path: The file to write.
        tempo: As for `to_midi`.
        repeat_notes: As for `to_midi`.

    Raises:
        UsageError: As `to_midi` raises it.
        LmnMusicError: The file cannot be written.
    """
    song = to_midi(roll, tempo=tempo, repeat_notes=repeat_notes)
    with replacing(path) as temporary:
        song.save(temporary)


def to_midi(roll: PianoRoll, *, tempo: float = 100, repeat_notes: bool = False) -> mido.MidiFile:
    """Return the roll as a MIDI file of one piano track, exactly as long as the roll.

    Reading the file back with `read_score`, at the same frames per quarter, gives the same roll.

    Args:
        roll: The song; its title becomes the name of the track.
        tempo: Quarter notes per minute, from 4 to 1000.
        repeat_notes: Whether a key that sounds in consecutive frames is struck anew in each of them. Otherwise it is
            one held note.

    Raises:
        UsageError: The tempo is out of range, or a frame is shorter than MIDI can say.
    """
    import mido

    check_tempo(tempo)
    ticks_per_frame = _ticks_per_frame(roll.frames_per_quarter)
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
    ticks_per_quarter = roll.frames_per_quarter * ticks_per_frame
    # Latin-1, mido's default, cannot write every title.
    return mido.MidiFile(type=0, ticks_per_beat=ticks_per_quarter, charset="utf-8", tracks=[track])


def _ticks_per_frame(frames_per_quarter: int) -> int:
    ticks = math.ceil(TICKS_PER_QUARTER / frames_per_quarter)
    if frames_per_quarter * ticks > MAX_TICKS_PER_QUARTER:
        raise UsageError(
            f"A MIDI file cannot hold {frames_per_quarter} frames per quarter: use at most {MAX_TICKS_PER_QUARTER}."
        )
    return ticks


def read_midi(data: bytes, frames_per_quarter: int, title: str) -> PianoRoll:
    """Return the roll of a MIDI file.

    Formats 0 and 1 are read as they are; the tracks of format 2 follow one another. Channel 10, the drums, is left out.
    A note ends, as in pretty_midi, with the first note-off (or note-on of velocity 0) after its onset, and at the end
    of its track if there is none. The sustain pedal is ignored: a frame says what is written, not what rings longer.

    Args:
        data: The content of the file.
        frames_per_quarter: The number of frames that a quarter note lasts in the roll.
        title: The title of the roll.

    Raises:
        ScoreError: Not a MIDI file, a damaged one, one in SMPTE time, or one without notes.
    """
    song = _parse(data)
    notes: list[Note] = []
    drums = False
    start = length = 0
    for track in song.tracks:
        track_notes, end, track_drums = _read_track(track, start, song.ticks_per_beat)
        notes += track_notes
        drums |= track_drums
        length = max(length, end)
        start = end if song.type == 2 else 0
    nothing = "drums only" if drums else "no notes"
    return to_roll(notes, length / song.ticks_per_beat, frames_per_quarter, title=title, nothing=nothing)


def _parse(data: bytes) -> mido.MidiFile:
    """Return the file as mido reads it; ScoreError unless it counts in ticks per quarter."""
    import mido

    if _ENDLESS_NUMBER.search(data):
        raise ScoreError("the MIDI file is damaged: export it anew", "unreadable (damaged MIDI file)")
    try:
        song = mido.MidiFile(file=io.BytesIO(data))
    except EOFError:
        raise ScoreError("the MIDI file ends too early: export it anew", "unreadable (truncated MIDI file)") from None
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
    return song


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
