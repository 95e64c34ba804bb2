"""Writing MIDI files: a piece with its parts on tracks of their own.

pretty_midi lays out the notes. mido adds what pretty_midi cannot say exactly: it rounds each tempo down, knows key
signatures only by the pitch of the tonic, chooses the channels itself and ends each track a tick after its last note.
"""

from __future__ import annotations

import io
import math
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmn_music.errors import UsageError
from lmn_music.files import as_utf8, replacing
from lmn_music.music.metre import join_pickup
from lmn_music.music.part import Part
from lmn_music.music.piece import KeySignature, Piece

if TYPE_CHECKING:
    import mido

TICKS_PER_QUARTER = 480  # the usual resolution; raised where it does not divide the times of the piece
MAX_TICKS_PER_QUARTER = 0x7FFF  # fifteen bits in the file's header
ROUNDED_TICKS_PER_QUARTER = (
    27720  # where no resolution is fine enough: as many divisors as possible, 1 to 12 among them
)
SLOWEST, FASTEST = 4, 1000  # quarters per minute; a MIDI file cannot say a tempo below 3.6
DRUMS = 9  # MIDI channel 10, counted from zero
CHANNELS = [channel for channel in range(16) if channel != DRUMS]
_MAJOR = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")  # by fifths, from -7
_MINOR = ("Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")
KEY_NAMES = {
    (place - 7, mode): name + ("m" if mode == "minor" else "")
    for mode, names in (("major", _MAJOR), ("minor", _MINOR))
    for place, name in enumerate(names)
}


def check_tempo(tempo: float) -> None:
    """Raise UsageError unless `tempo`, in quarter notes per minute, lies between 4 and 1000."""
    if not (math.isfinite(tempo) and SLOWEST <= tempo <= FASTEST):
        raise UsageError(f"the tempo must lie between {SLOWEST} and {FASTEST} quarters per minute, not {tempo:g}")


def check_midi(_frames: int, frames_per_quarter: int, *, tempo: float) -> None:
    """Raise UsageError if a MIDI file cannot hold the tempo or the frames per quarter; any length fits."""
    check_tempo(tempo)
    if frames_per_quarter > MAX_TICKS_PER_QUARTER:
        raise UsageError(
            f"a MIDI file cannot hold {frames_per_quarter} frames per quarter: use at most {MAX_TICKS_PER_QUARTER}"
        )


def write_midi(piece: Piece, path: Path) -> None:
    """Write the piece as the MIDI file that `to_midi` makes.

    Args:
        piece: the piece.
        path: the file to write.

    Raises:
        LmnMusicError: the file cannot be written.
    """
    song = to_midi(piece)
    with replacing(path) as temporary:
        song.save(temporary)


def to_midi(piece: Piece) -> mido.MidiFile:
    """Return the piece as a MIDI file of format 1: tempo, metre and key on the first track, then a track for each part.

    Times are exact where some number of ticks per quarter up to 32767 allows it, else each goes to the nearest of 27720
    ticks. A note lasts one tick at least. A part whose channel is None gets one that no other part has, while there
    are any.

    Args:
        piece: the piece; its title becomes the name of the first track.
    """
    import mido
    import pretty_midi

    ticks = _ticks_per_quarter(piece)
    # At sixty quarters a minute a quarter lasts a second, and pretty_midi's seconds are our quarters.
    notes = pretty_midi.PrettyMIDI(resolution=ticks, initial_tempo=60, charset="utf-8")
    for part in piece.parts:
        instrument = pretty_midi.Instrument(part.program, is_drum=part.drums, name=as_utf8(part.name))
        for note in part.notes:
            onset = round(note.onset * ticks)
            end = max(round(note.end * ticks), onset + 1)
            instrument.notes.append(pretty_midi.Note(note.velocity, note.pitch, onset / ticks, end / ticks))
        notes.instruments.append(instrument)
    buffer = io.BytesIO()
    notes.write(buffer)
    buffer.seek(0)
    song = mido.MidiFile(file=buffer, charset="utf-8")
    song.tracks[0] = _conductor(piece, ticks)
    for track, channel in zip(song.tracks[1:], _channels(piece.parts), strict=True):
        for message in track:
            if not message.is_meta:
                message.channel = channel
        track[-1].time = 0
    return song


def _ticks_per_quarter(piece: Piece) -> int:
    """Return the least number of ticks, 480 or more, in which all times of the piece are whole numbers."""
    times = [time for part in piece.parts for note in part.notes for time in (note.onset, note.end)]
    changes: tuple[Any, ...] = (*piece.tempos, *piece.metres, *piece.key_signatures)
    times += [piece.length, piece.pickup, *(change.onset for change in changes)]
    smallest = 1
    for denominator in {time.denominator for time in times}:
        smallest = math.lcm(smallest, denominator)
        if smallest > MAX_TICKS_PER_QUARTER:
            return ROUNDED_TICKS_PER_QUARTER
    ticks = smallest * math.ceil(TICKS_PER_QUARTER / smallest)
    return ticks if ticks <= MAX_TICKS_PER_QUARTER else smallest


def _channels(parts: tuple[Part, ...]) -> list[int]:
    """Return the channel of each part."""
    taken = {part.channel for part in parts}
    free = [channel for channel in CHANNELS if channel not in taken] or CHANNELS
    channels = []
    for part in parts:
        if part.drums or part.channel is not None:
            channels.append(DRUMS if part.drums else part.channel)
        else:
            channels.append(free[0])
            free = free[1:] or CHANNELS
    return [channel for channel in channels if channel is not None]


def _conductor(piece: Piece, ticks: int) -> mido.MidiTrack:
    """Return the track of the title, the tempos, the metres and the key signatures, as long as the piece."""
    import mido

    events: list[tuple[Fraction, mido.MetaMessage]] = []
    for tempo in piece.tempos:
        microseconds = min(max(mido.bpm2tempo(tempo.quarters_per_minute), 1), 0xFFFFFF)
        events.append((tempo.onset, mido.MetaMessage("set_tempo", tempo=microseconds)))
    for metre in join_pickup(piece.metres, piece.pickup):
        message = mido.MetaMessage("time_signature", numerator=metre.beats, denominator=metre.beat_type)
        events.append((metre.onset, message))
    for signature in piece.key_signatures:
        if name := _key_name(signature):
            events.append((signature.onset, mido.MetaMessage("key_signature", key=name)))
    track = mido.MidiTrack()
    if piece.title:
        track.append(mido.MetaMessage("track_name", name=as_utf8(piece.title)))
    now = 0
    for onset, message in sorted(events, key=lambda event: event[0]):
        tick = max(round(onset * ticks), now)
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(round(piece.length * ticks) - now, 0)))
    return track


def _key_name(signature: KeySignature) -> str | None:
    """Return what mido calls the key signature; None if it has more than seven accidentals."""
    return KEY_NAMES.get((signature.fifths, signature.mode or "major"))
