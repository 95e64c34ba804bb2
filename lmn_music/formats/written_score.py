"""A score as it is written, bar by bar: what the readers of notation make of a file. `played` makes a piece of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Self

from lmn_music.errors import ScoreError
from lmn_music.formats.repeats import Signs
from lmn_music.music.metre import MAX_BARS
from lmn_music.music.notes import VELOCITY

TICKS = 2**10 * 9 * 5 * 7 * 11 * 13  # of a quarter note: all usual notes and tuplets are whole numbers of them


class WrittenNote(NamedTuple):
    """A note of a bar.

    Attributes:
        onset: in ticks from the start of the bar.
        end: in ticks from the start of the bar.
        pitch: the MIDI number.
        voice: the place of its voice in the score.
        velocity: how hard it is struck, from 1 to 127.
        tied: whether a tie leads to it from the note before it.
        held: whether a tie leads on to the note after it.
    """

    onset: int
    end: int
    pitch: int
    voice: int
    velocity: int = VELOCITY
    tied: bool = False
    held: bool = False


class Voice(NamedTuple):
    """A voice of a part.

    Attributes:
        part: the number of its part. Ties lead from any voice of a part to any other.
        order: where it stands among the voices of its part.
        name: the name of its part.
        program: the instrument, as MIDI numbers them from 0.
        drums: whether its pitches mean drums.
    """

    part: int
    order: tuple[int, ...]
    name: str = ""
    program: int = 0
    drums: bool = False


class Extent(NamedTuple):
    """How far a part fills a bar, in ticks: with notes, and with notes, rests and gaps."""

    notes: int
    whole: int


@dataclass(slots=True)
class WrittenBar:
    """A bar.

    Attributes:
        notes: its notes, in any order.
        extents: of each part that has anything in the bar.
        metre: the time signature that stands at its beginning, if one does.
        keys: the key signatures: (ticks from the start of the bar, sharps or negative flats, mode).
        tempos: the tempos: (ticks from the start of the bar, quarter notes per minute).
        joins: whether it belongs to the bar before it, as the second half of a bar that a repeat sign divides.
        signs: what stands in it about the order of bars.
    """

    notes: list[WrittenNote] = field(default_factory=list)
    extents: list[Extent] = field(default_factory=list)
    metre: tuple[int, int] | None = None
    keys: dict[int, tuple[int, str | None]] = field(default_factory=dict)
    tempos: dict[int, float] = field(default_factory=dict)
    joins: bool = False
    signs: Signs = field(default_factory=Signs)

    def length(self, full: int, *, flexible: bool) -> int:
        """Return how long the bar is, in ticks: the same for all parts.

        Parts that agree are right. Where they do not, a part has a rest or a gap that is too short or too long, or one
        bar of it is damaged: the bar is then full, unless notes are longer, or all parts are shorter.

        Args:
            full: the length of a full bar.
            flexible: whether a bar that is not full is to be expected here, so that parts of rests alone, which are
                often written as whole bars, do not count.
        """
        lengths = {extent.whole for extent in self.extents}
        if len(lengths) < 2:
            return lengths.pop() if lengths else full
        notes = max(extent.notes for extent in self.extents)
        counted = [extent.whole for extent in self.extents if extent.notes or not (flexible and notes)]
        return max(notes, min(full, max(counted)))


@dataclass
class WrittenScore:
    """A score as it is written.

    Attributes:
        ticks: the number of ticks in a quarter note.
        bars: the bars, the same for all parts.
        voices: the voices; a note names its voice by its place here.
        passed_over: what could not be used, and how often.
    """

    ticks: int
    bars: list[WrittenBar] = field(default_factory=list)
    voices: list[Voice] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)

    def bar(self, place: int) -> WrittenBar:
        """Return a bar, a new one if it is the next one; ScoreError beyond 100,000."""
        if place >= MAX_BARS:
            raise ScoreError(f"the score has more than {MAX_BARS} bars: split it", "too long (bars)")
        while len(self.bars) <= place:
            self.bars.append(WrittenBar())
        return self.bars[place]

    def to_lists(self) -> list[Any]:
        """Return all of it as lists, strings and numbers, which JSON can say."""
        bars = []
        for bar in self.bars:
            signs = asdict(bar.signs) | {"endings": sorted(bar.signs.endings)}
            keys, tempos = list(bar.keys.items()), list(bar.tempos.items())
            bars.append([bar.notes, bar.extents, bar.metre, keys, tempos, bar.joins, signs])
        return [self.ticks, bars, self.voices, list(self.passed_over.items())]

    @classmethod
    def from_lists(cls, lists: list[Any]) -> Self:
        """Return what `to_lists` was made of."""
        ticks, bars, voices, passed_over = lists
        score = cls(ticks, voices=[Voice(part, tuple(order), *rest) for part, order, *rest in voices])
        score.passed_over.update(dict(passed_over))
        for notes, extents, metre, keys, tempos, joins, signs in bars:
            score.bars.append(
                WrittenBar(
                    [WrittenNote(*note) for note in notes],
                    [Extent(*extent) for extent in extents],
                    None if metre is None else (metre[0], metre[1]),
                    {tick: (fifths, mode) for tick, (fifths, mode) in keys},
                    dict(tempos),
                    joins,
                    Signs(**{**signs, "endings": frozenset(signs["endings"])}),
                )
            )
        return score
