"""What songs are like beside a corpus, and what they share with its training songs, as one object."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from pydantic import ConfigDict

from lmn_music.models.config import Settings
from lmn_music.music.measures import Unit
from lmn_music.words import counted

HEAD = ("", "these songs", "test songs", "distance", "spread", "")


class Row(Settings):
    """One measure of the songs and of the test songs.

    Attributes:
        name: the name of the measure.
        unit: what the numbers count; of a histogram, "share".
        bins: the names of the bins of a histogram; empty for a number.
        songs: the value for the songs, one number for each bin.
        test: the value for the test songs.
        distance: how far the two lie apart; see `lmn_music.evaluation.spread.distance`.
        spread: how far random groups of test songs lie from the other test songs; see
            `lmn_music.evaluation.spread.spread`.
    """

    model_config = ConfigDict(allow_inf_nan=True)

    name: str
    unit: Unit
    bins: tuple[str, ...]
    songs: tuple[float, ...]
    test: tuple[float, ...]
    distance: float
    spread: float

    @property
    def inside(self) -> bool | None:
        """Return whether the distance is within the spread; None where one of them is not known.

        Songs that share shorter runs with the training songs than the test songs do are inside: they copy less.
        """
        if math.isnan(self.distance) or math.isnan(self.spread):
            return None
        return self.distance <= self.spread or (self.unit == "chords" and self.songs[0] < self.test[0])

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, under `HEAD`."""
        values = ("", "") if self.bins else (_shown(self.songs[0], self.unit), _shown(self.test[0], self.unit))
        verdict = {True: "inside", False: "outside", None: ""}[self.inside]
        name = self.name if self.unit in ("", "share") else f"{self.name}, in {self.unit}"
        return (name, *values, _shown(self.distance, self.unit), _shown(self.spread, self.unit), verdict)


class Origin(Settings):
    """The longest run of frames that a song shares with a training song; see `originality.SharedRun`.

    Attributes:
        song: the title of the song.
        source: the title of the training song; empty if nothing is shared.
        chords: the length in chords.
        frames: the length in frames.
        bars: the first and the last bar of the run in the song, of four quarter notes each, counted from 1.
        source_bars: the same in the training song.
        semitones: how far the training song is transposed, up.
        long: whether the run is longer than the run of 95 of 100 test songs.
    """

    song: str
    source: str
    chords: int
    frames: int
    bars: tuple[int, int]
    source_bars: tuple[int, int]
    semitones: int
    long: bool

    def __str__(self) -> str:
        if not self.source:
            return f"{self.song}: nothing"
        moved = f", transposed by {self.semitones:+d} semitones" if self.semitones else ""
        length = f"{counted(self.chords, 'chord')} ({counted(self.frames, 'frame')})"
        return f"{self.song}: {length} in {_bars(self.bars)}, as in {_bars(self.source_bars)} of {self.source}{moved}"


class Report(Settings):
    """What some songs are like beside the test split of a corpus; it shows itself in a notebook.

    Attributes:
        corpus: the name of the corpus.
        provenance: what it was read from.
        songs: the titles of the songs.
        test_songs: how many songs the test split has.
        length: how many frames of each test song are read: as many as the longest of the songs has.
        model: the name of the model whose likelihood is among the measures; None if there is none.
        rows: the measures.
        origins: what each song shares with a training song.
        common: the length in chords that 95 of 100 test songs do not exceed in what they share with a training song.
    """

    corpus: str
    provenance: str
    songs: tuple[str, ...]
    test_songs: int
    length: int
    model: str | None
    rows: tuple[Row, ...]
    origins: tuple[Origin, ...]
    common: float

    def __repr__(self) -> str:
        return f"<Report: {self.title}>"

    def __str__(self) -> str:
        cells = [HEAD, *(row.cells() for row in self.rows)]
        widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
        lines = [self.title, ""]
        for name, *rest in cells:
            right = (text.rjust(width) for text, width in zip(rest[:-1], widths[1:-1], strict=True))
            lines.append("  ".join([name.ljust(widths[0]), *right, rest[-1]]).rstrip())
        return "\n".join([*lines, "", self.explanation, "", self.shared, *(f"  {origin}" for origin in self.origins)])

    @property
    def title(self) -> str:
        """Return one line that says what is compared."""
        return f"{counted(len(self.songs), 'song')} beside the {counted(self.test_songs, 'test song')} of {self.corpus}"

    @property
    def explanation(self) -> str:
        """Return what the columns mean."""
        read = f"test songs: the first {counted(self.length, 'frame')} of each."
        group = min(len(self.songs), self.test_songs // 2)
        if not group:
            return f"{read} There is no spread: the corpus has one test song only, and nothing to compare it with."
        groups = "test songs" if group == 1 else f"groups of {group} test songs"
        return (
            f"{read} spread: 95 of 100 random {groups} lie so far from the other test songs, or nearer. "
            "inside: so do these songs."
        )

    @property
    def shared(self) -> str:
        """Return what the list of origins is."""
        return (
            "longest run of frames shared with a training song, in any transposition "
            f"({'95 of 100 test songs' if self.test_songs > 1 else 'the test song'}: "
            f"{counted(round(self.common), 'chord')} at most)"
        )

    def _repr_html_(self) -> str:
        def row(cells: Sequence[str], tag: str) -> str:
            return f"<tr>{''.join(f'<{tag}>{html.escape(text)}</{tag}>' for text in cells)}</tr>"

        rows = [row(HEAD, "th"), *(row(one.cells(), "td") for one in self.rows)]
        origins = "".join(f"<li>{html.escape(str(origin))}</li>" for origin in self.origins)
        return (
            f"<p><b>{html.escape(self.title)}</b></p><table>{''.join(rows)}</table><p>{html.escape(self.explanation)}"
            f"</p><p>{html.escape(self.shared)}</p><ul>{origins}</ul>"
        )


def _shown(number: float, unit: Unit) -> str:
    if math.isnan(number):
        return "-"
    return f"{number:.1%}" if unit == "share" else f"{number:.2f}"


def _bars(bars: tuple[int, int]) -> str:
    return f"bar {bars[0]}" if bars[0] == bars[1] else f"bars {bars[0]} to {bars[1]}"
