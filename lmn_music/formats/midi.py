"""Reading MIDI files. Time is counted in ticks, never in seconds, so tempo changes move no note."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from lmn_music.errors import ScoreError
from lmn_music.formats.midi_writer import DRUMS, KEY_NAMES
from lmn_music.music.metre import Metre, is_metre, split_pickup
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.piece import KeySignature, Piece, Tempo

if TYPE_CHECKING:
    import mido

LATEST = 1 << 60  # in ticks; no float holds what a forged file may say
_CHANGES = ("set_tempo", "time_signature", "key_signature")
_SIGNATURES = {name: signature for signature, name in KEY_NAMES.items()}
# No variable-length number or run of letters is that long. mido would shift a number of a megabyte for hours.
_ENDLESS_NUMBER = re.compile(rb"[\x80-\xff]{4096}")


def read_midi(data: bytes, title: str) -> Piece:
    """Return the piece in a MIDI file.

    Formats 0 and 1 are read as they are; the tracks of format 2 follow one another. Each channel of each track is a
    part; channel 10 plays drums. The name of a track is the name of its part if the track has one channel. A note ends,
    as in pretty_midi, with the first note-off (or note-on of velocity 0) after its onset, and at the end of its track
    if there is none. The sustain pedal is ignored: a note lasts as long as is written, not as long as it rings. Of
    several tempos, time signatures or key signatures in one tick, the last counts; `split_pickup` says what is taken
    for a pickup.

    Args:
        data: the content of the file.
        title: the title of the piece.

    Raises:
        ScoreError: not a MIDI file, a damaged one, or one in SMPTE time.
    """
    song = _parse(data)
    quarter = song.ticks_per_beat
    when = _Times(quarter)
    parts: list[Part] = []
    changes: dict[tuple[str, int], mido.MetaMessage] = {}  # (type, tick) -> the last one there
    programs: dict[int, int] = {}  # channel -> the instrument that was chosen last, on any track
    start = length = 0
    for messages in song.tracks:
        track = _read_track(messages, start, programs)
        for channel, notes in sorted(track.notes.items()):
            name = track.name if len(track.notes) == 1 else ""
            notes.sort()
            exact = (Note(pitch, when[onset], when[end], velocity) for onset, pitch, end, velocity in notes)
            parts.append(Part(tuple(exact), name, track.programs[channel], channel, drums=channel == DRUMS))
        changes |= track.changes
        length = max(length, track.end)
        start = track.end if song.type == 2 else 0
    metres, pickup = split_pickup(list(_metres(_sorted(changes, "time_signature", quarter))))
    return Piece(
        tuple(parts),
        Fraction(length, quarter),
        tuple(
            Tempo(onset, 6e7 / change.tempo)
            for onset, change in _sorted(changes, "set_tempo", quarter)
            if change.tempo > 0
        ),
        metres,
        tuple(
            KeySignature(onset, *_SIGNATURES[change.key])
            for onset, change in _sorted(changes, "key_signature", quarter)
        ),
        pickup,
        title,
    )


def _metres(changes: Iterable[tuple[Fraction, mido.MetaMessage]]) -> Iterable[Metre]:
    for onset, change in changes:
        if is_metre(change.numerator, change.denominator):
            yield Metre(onset, change.numerator, change.denominator)


def _sorted(
    changes: dict[tuple[str, int], mido.MetaMessage], kind: str, ticks_per_quarter: int
) -> list[tuple[Fraction, mido.MetaMessage]]:
    """Return the changes of one kind and their onsets in quarters, in the order of time."""
    ticks = sorted(tick for found, tick in changes if found == kind)
    return [(Fraction(tick, ticks_per_quarter), changes[kind, tick]) for tick in ticks]


def _parse(data: bytes) -> mido.MidiFile:
    """Return the file as mido reads it; ScoreError unless it counts in ticks per quarter."""
    import mido

    if _ENDLESS_NUMBER.search(data):
        raise ScoreError("the MIDI file is damaged: export it anew", "unreadable (damaged MIDI file)")
    try:
        song = mido.MidiFile(file=io.BytesIO(data))
    except EOFError:
        raise ScoreError("the MIDI file ends too early: export it anew", "unreadable (truncated MIDI file)") from None
    except Exception as error:  # on damaged files mido raises errors of every kind
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


class _Times(dict[int, Fraction]):
    """Ticks in quarter notes; each is computed once, as many notes share them."""

    def __init__(self, ticks_per_quarter: int) -> None:
        super().__init__()
        self.ticks_per_quarter = ticks_per_quarter

    def __missing__(self, tick: int) -> Fraction:
        self[tick] = Fraction(tick, self.ticks_per_quarter)
        return self[tick]


class _Struck(NamedTuple):
    """A note; its times in ticks."""

    onset: int
    pitch: int
    end: int
    velocity: int


@dataclass
class _Track:
    """What a track holds.

    Attributes:
        name: the first name that it is given.
        notes: the notes of each channel.
        programs: the instrument of each channel at its first note.
        changes: the last tempo, time signature and key signature in each tick, by (type, tick).
        end: the tick at which it ends.
    """

    name: str = ""
    notes: dict[int, list[_Struck]] = field(default_factory=dict)
    programs: dict[int, int] = field(default_factory=dict)
    changes: dict[tuple[str, int], mido.MetaMessage] = field(default_factory=dict)
    end: int = 0


def _read_track(messages: mido.MidiTrack, start: int, programs: dict[int, int]) -> _Track:
    """Return what a track that starts at tick `start` holds; `programs` is kept up to date."""
    track = _Track()
    now = start
    sounding: dict[tuple[int, int], list[tuple[int, int]]] = {}  # (channel, pitch) -> (onset, velocity) of each note

    def close(channel: int, pitch: int, struck: list[tuple[int, int]]) -> None:
        notes = track.notes.setdefault(channel, [])
        notes.extend(_Struck(onset, pitch, now, velocity) for onset, velocity in struck)

    for message in messages:
        now += message.time
        if now > LATEST:
            raise ScoreError("the MIDI file is damaged: export it anew", "unreadable (impossible note times)")
        if message.type == "note_on" and message.velocity > 0:
            sounding.setdefault((message.channel, message.note), []).append((now, message.velocity))
            track.programs.setdefault(message.channel, programs.get(message.channel, 0))
        elif message.type in ("note_on", "note_off"):
            key = (message.channel, message.note)
            if struck := sounding.pop(key, []):
                # A note-off that follows a new onset in the same tick is meant for the notes before it.
                earlier = [(onset, velocity) for onset, velocity in struck if onset < now]
                close(*key, earlier or struck)
                if earlier and len(earlier) < len(struck):
                    sounding[key] = struck[len(earlier) :]
        elif message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type == "track_name":
            track.name = track.name or _text(message.name)
        elif message.type in _CHANGES:
            track.changes[message.type, now] = message
    for key, struck in sounding.items():
        close(*key, struck)
    track.end = now
    return track


def _text(latin: str) -> str:
    """Return a name that mido read as Latin-1, which has a letter for every byte, as UTF-8 if it is that."""
    try:
        return latin.encode("latin-1").decode()
    except UnicodeDecodeError:
        return latin
