"""Reading MIDI files. Time is counted in ticks, never in seconds, so tempo changes move no note."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from fractions import Fraction

from lmn_music.formats.encodings import as_text
from lmn_music.formats.midi_events import (
    KEY,
    METRE,
    NAME,
    NOTE_OFF,
    NOTE_ON,
    PROGRAM,
    TEMPO,
    Message,
    damaged,
    read_events,
)
from lmn_music.formats.midi_writer import DRUMS
from lmn_music.music.metre import Metre, is_metre, split_pickup
from lmn_music.music.notes import Note, Quarters
from lmn_music.music.part import Part
from lmn_music.music.piece import KeySignature, Piece, Tempo

_Struck = tuple[int, int, int, int]  # a note: onset in ticks, pitch, end in ticks, velocity
_Move = tuple[int, int]  # tick, and the velocity of a note; 0 for a note-off
_SILENCED = -1  # in the place of a velocity: all notes end


def read_midi(data: bytes, title: str) -> Piece:
    """Return the piece in a MIDI file; what makes no sense in the file is passed over where no note depends on it.

    Formats 0 and 1 are read as they are; the tracks of format 2 follow one another. Each channel of each track is a
    part; channel 10 plays drums. The name of a track is the name of its part if the track has one channel. Of several
    tempos, time signatures or key signatures in one tick, the last counts; `split_pickup` says what is taken for a
    pickup.

    Of the notes that sound together on one key, a note-off ends the first one. Where the notes and note-offs of a key
    do not match one by one, a note-off ends all of them, and what is never let go ends with the track. "All notes off"
    and "all sound off" end the notes of their channel in their track. The sustain pedal is ignored: a note lasts as
    long as is written, not as long as it rings.

    Args:
        data: the content of the file.
        title: the title of the piece.

    Raises:
        ScoreError: not a MIDI file, or one in SMPTE time.
    """
    events = read_events(data)
    when = Quarters(events.ticks_per_quarter)
    parts: list[Part] = []
    changes: dict[tuple[int, int], Tempo | Metre | KeySignature] = {}  # (kind, tick) -> the last one there
    programs: dict[int, int] = {}  # channel -> the instrument that was chosen last, on any track
    length = 0
    for track in events.tracks:
        name = ""
        for tick, kind, content in track.metas:
            if kind == NAME:
                name = name or " ".join(as_text(content).split())
            elif change := _change(kind, when[tick], content):
                changes[kind, tick] = change
            else:
                events.passed_over["broken meta events"] += 1
        played = _read_notes(track.messages, track.end, programs)
        for channel, (program, notes) in sorted(played.items()):
            onsets, pitches, ends, velocities = zip(*sorted(notes), strict=True)
            exact = map(Note, pitches, map(when.__getitem__, onsets), map(when.__getitem__, ends), velocities)
            parts.append(Part(tuple(exact), name if len(played) == 1 else "", program, channel, channel == DRUMS))
        length = max(length, track.end)
    passed_over = ", ".join(f"{what} ({count})" for what, count in events.passed_over.items() if count)
    if passed_over and not parts:
        raise damaged()
    found = [change for _, change in sorted(changes.items())]
    metres, pickup = split_pickup([change for change in found if isinstance(change, Metre)])
    return Piece(
        tuple(parts),
        when[length],
        tuple(change for change in found if isinstance(change, Tempo)),
        metres,
        tuple(change for change in found if isinstance(change, KeySignature)),
        pickup,
        title,
        passed_over,
    )


def _change(kind: int, onset: Fraction, content: bytes) -> Tempo | Metre | KeySignature | None:
    """Return what a meta event says; None if that makes no sense."""
    if kind == TEMPO and len(content) == 3 and any(content):
        return Tempo(onset, 6e7 / int.from_bytes(content))
    if kind == METRE and len(content) >= 2 and is_metre(content[0], 1 << content[1]):
        return Metre(onset, content[0], 1 << content[1])
    if kind == KEY and len(content) == 2:
        fifths, minor = int.from_bytes(content[:1], signed=True), content[1]
        if abs(fifths) <= 7 and minor in (0, 1):
            return KeySignature(onset, fifths, ("major", "minor")[minor])
    return None


def _read_notes(
    messages: Sequence[Message], last: int, programs: dict[int, int]
) -> dict[int, tuple[int, list[_Struck]]]:
    """Return for each channel of a track its instrument at the first note, and its notes.

    Args:
        messages: those of the track.
        last: the tick at which the track ends.
        programs: the instrument of each channel, which is kept up to date.
    """
    played: dict[int, tuple[int, list[_Struck]]] = {}
    moves: defaultdict[int, list[_Move]] = defaultdict(list)  # of each key of each channel
    struck: defaultdict[int, set[int]] = defaultdict(set)  # the keys of each channel since it was silenced
    for tick, status, first, second in messages:
        what, channel = status & 0xF0, status & 0x0F
        key = channel << 7 | first
        if what == NOTE_ON and second:
            moves[key].append((tick, second))
            struck[channel].add(key)
            if channel not in played:
                played[channel] = programs.get(channel, 0), []
        elif what in (NOTE_ON, NOTE_OFF):
            moves[key].append((tick, 0))
        elif what == PROGRAM:
            programs[channel] = first
        else:
            for sounded in struck[channel]:
                moves[sounded].append((tick, _SILENCED))
            struck[channel].clear()
    for key, moved in moves.items():
        channel, pitch = divmod(key, 128)
        if ended := _first_by_first(moved, pitch) or _all_at_once(moved, pitch, last):
            played[channel][1].extend(ended)
    return played


def _first_by_first(moves: Sequence[_Move], pitch: int) -> list[_Struck]:
    """Return the notes of a key; nothing unless notes and note-offs match one by one.

    Note-offs before the first note and after the last one are no fault: some programs begin and end with them.
    """
    sounding: deque[_Move] = deque()
    ended: list[_Struck] = []
    stray = False
    for tick, velocity in moves:
        if velocity > 0:
            if stray:
                return []
            sounding.append((tick, velocity))
        elif velocity == 0:
            if sounding:
                onset, force = sounding.popleft()
                ended.append((onset, pitch, tick, force))
            else:
                stray = bool(ended)
        else:
            ended += [(onset, pitch, tick, force) for onset, force in sounding]
            sounding.clear()
    return [] if sounding else ended


def _all_at_once(moves: Sequence[_Move], pitch: int, last: int) -> list[_Struck]:
    """Return the notes of a key if each note-off ends all that sounds.

    Two messages in one tick may be in the wrong order. A note-off after a new note ends the notes before it only; one
    that ends nothing ends the note after it, if that is never let go: a note of no length.
    """
    sounding: list[_Move] = []
    ended = []
    idle = None  # when a note-off last ended nothing
    for place, (tick, velocity) in enumerate(moves):
        if velocity > 0:
            if tick == idle and (place + 1 == len(moves) or moves[place + 1][1] > 0):
                ended.append((tick, pitch, tick, velocity))
            else:
                sounding.append((tick, velocity))
        elif sounding:
            before = [note for note in sounding if note[0] < tick and not velocity] or sounding
            ended += [(onset, pitch, tick, force) for onset, force in before]
            sounding = sounding[len(before) :]
        else:
            idle = tick
    return ended + [(onset, pitch, last, force) for onset, force in sounding]
