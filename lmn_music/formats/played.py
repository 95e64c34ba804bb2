"""From a score as it is written to the piece that sounds when it is played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import zip_longest
from operator import itemgetter
from typing import NamedTuple, TypeVar

from lmn_music.formats.midi_writer import DRUMS
from lmn_music.formats.repeats import playing_order
from lmn_music.formats.written_score import WrittenScore
from lmn_music.music.metre import Metre, is_metre
from lmn_music.music.notes import Note, Quarters
from lmn_music.music.part import Part
from lmn_music.music.piece import KeySignature, Piece, Tempo

MAX_NOTES = 400_000  # with all repeats: four times as many as the largest file holds


class _Bar(NamedTuple):
    """A bar as it is played.

    Attributes:
        place: its place in the score.
        start: in ticks.
        end: in ticks.
        metre: the time signature that holds, if there is any.
        joins: whether it belongs to the bar before it.
    """

    place: int
    start: int
    end: int
    metre: tuple[int, int] | None
    joins: bool


_Value = TypeVar("_Value")


def play(score: WrittenScore, title: str, *, as_written: bool) -> Piece:
    """Return the piece.

    Args:
        score: the score.
        title: the title of the piece.
        as_written: whether each bar is played once, in the order of the score; otherwise repeats are played out.
    """
    order, unclear = list(range(len(score.bars))), ""
    if not as_written:
        order, unclear = playing_order([bar.signs for bar in score.bars])
        if sum(len(score.bars[place].notes) for place in order) > MAX_NOTES:
            order, unclear = list(range(len(score.bars))), "repeats, which make the piece too long"
    bars = _lay_out(score, order)
    quarters = Quarters(score.ticks)
    metres, pickup = _metres([bar for bar in bars if not bar.joins], quarters)
    tempos = _changes(bars, [bar.tempos for bar in score.bars])
    keys = _changes(bars, [bar.keys for bar in score.bars])
    passed_over = [f"{what} ({count})" for what, count in score.passed_over.items()] + [unclear] * bool(unclear)
    return Piece(
        tuple(_parts(score, bars, quarters)),
        quarters[bars[-1].end if bars else 0],
        tuple(Tempo(quarters[tick], tempo) for tick, tempo in tempos.items()),
        metres,
        tuple(KeySignature(quarters[tick], *key) for tick, key in keys.items()),
        pickup,
        title,
        ", ".join(passed_over),
    )


def _full(metre: tuple[int, int] | None, ticks: int) -> int:
    """Return the length of a full bar in ticks; of 4/4, where no time signature holds."""
    beats, beat_type = metre or (4, 4)
    return 4 * beats * ticks // beat_type


def _lay_out(score: WrittenScore, order: Sequence[int]) -> list[_Bar]:
    """Return the bars, one after the other."""
    lengths: list[int] = []
    metres: list[tuple[int, int] | None] = []
    for place, bar in enumerate(score.bars):
        metres.append(bar.metre or (metres[-1] if metres else None))
        lengths.append(bar.length(_full(metres[-1], score.ticks), flexible=bar.joins or place == 0))
    bars: list[_Bar] = []
    for place in order:
        start = bars[-1].end if bars else 0
        joins = bool(bars) and score.bars[place].joins and score.bars[place].metre is None
        if bars and (place != bars[-1].place + 1 or _divided(score, place)):  # back to a pickup, which fills the bar up
            both = start - bars[-1].start + lengths[place]
            joins = metres[place] == bars[-1].metre and both == _full(metres[place], score.ticks)
        bars.append(_Bar(place, start, start + lengths[place], metres[place], joins))
    return bars


def _divided(score: WrittenScore, place: int) -> bool:
    """Return whether a repeat sign stands before a bar that is not the first."""
    return score.bars[place].signs.begins or bool(score.bars[place - 1].signs.times)


def _changes(bars: Sequence[_Bar], found: Sequence[dict[int, _Value]]) -> dict[int, _Value]:
    """Return what changes, such as the tempo, and when, in ticks.

    Args:
        bars: the bars as they are played.
        found: for each bar of the score the changes in it, by the ticks from its start.
    """
    before: list[_Value | None] = []
    last: _Value | None = None
    for changes in found:
        before.append(last)
        last = changes[max(changes)] if changes else last
    now: _Value | None = None
    result: dict[int, _Value] = {}
    for bar in bars:
        for offset, value in sorted({0: before[bar.place], **found[bar.place]}.items(), key=itemgetter(0)):
            if value is not None and value != now:
                result[min(bar.start + offset, bar.end)] = now = value
    return result


def _metres(bars: Sequence[_Bar], quarters: Quarters) -> tuple[tuple[Metre, ...], Fraction]:
    """Return the metres, with more of them where bars are too short or too long, and the pickup.

    Args:
        bars: the bars, without those that belong to the bar before.
        quarters: ticks in quarter notes.
    """
    ticks = quarters.ticks
    pickup = 0
    if len(bars) > 1 and bars[0].metre == bars[1].metre and bars[1].start < _full(bars[0].metre, ticks):
        pickup = bars[1].start
        bars = [bars[0], *bars[2:]]
    metres: dict[Fraction, Metre] = {}
    metre: tuple[int, int] | None = None
    expected = 0
    for bar, following in zip_longest(bars, bars[1:]):
        onset = quarters[bar.start]
        if bar.start != expected or bar.metre != metre:
            metres[onset] = Metre(onset, *(bar.metre or (4, 4)))
        metre = bar.metre
        expected = max(bar.start, pickup) + _full(metre, ticks)
        if following is not None and following.start > expected:
            beat_type = (metre or (4, 4))[1]
            beats = (quarters[following.start] - onset) * beat_type / 4
            if beats.denominator == 1 and is_metre(beats.numerator, beat_type):
                metres[onset] = Metre(onset, beats.numerator, beat_type)
    return tuple(metres.values()), quarters[pickup]


def _parts(score: WrittenScore, bars: Sequence[_Bar], quarters: Quarters) -> Iterator[Part]:
    """Yield the voices that have notes, as parts."""
    notes: list[list[list[int]]] = [[] for _ in score.voices]  # of each voice: onset, pitch, end, velocity
    held: dict[tuple[int, int, int], dict[int, list[int]]] = {}  # (part, pitch, tick) -> voice -> what is held there
    for written_bar in score.bars:
        written_bar.notes.sort()
    for bar in bars:
        for written in score.bars[bar.place].notes:
            onset, end = bar.start + written.onset, bar.start + written.end
            part = score.voices[written.voice].part
            before = held.get((part, written.pitch, onset), {}) if written.tied else {}
            note = before.pop(written.voice, None) or (before.popitem()[1] if before else None)
            if note is None:  # nothing is held in the voice, nor in another one of the part
                note = [onset, written.pitch, end, written.velocity]
                notes[written.voice].append(note)
            note[2] = end
            if written.held:
                held.setdefault((part, written.pitch, end), {})[written.voice] = note
    of_part: dict[int, list[int]] = {}
    for place, voice in enumerate(score.voices):
        if notes[place]:
            of_part.setdefault(voice.part, []).append(place)
    for part in sorted(of_part):
        places = sorted(of_part[part], key=lambda place: (score.voices[place].drums, score.voices[place].order))
        for number, place in enumerate(places, start=1):
            voice = score.voices[place]
            exact = (
                Note(pitch, quarters[onset], quarters[end], velocity)
                for onset, pitch, end, velocity in sorted(notes[place])
            )
            name = f"{voice.name} {number}".strip() if len(places) > 1 else voice.name
            yield Part(tuple(exact), name, voice.program, DRUMS if voice.drums else None, voice.drums)
