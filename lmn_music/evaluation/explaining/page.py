"""The page (.html) of a reading: one file that needs no network; every frame and note says its nats."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from importlib import resources
from typing import Any

from lmn_music.evaluation.explaining.reading import NoteSurprise, Reading
from lmn_music.evaluation.explaining.scale import ON_BLACK, ON_WHITE, legend, odds, steps
from lmn_music.formats.picture import BLACK_KEYS, Rows
from lmn_music.music.pianoroll import LOWEST_PITCH, pitch_name

LEFT, WIDTH, CURVE, KEY, FOOT = 66, 1140, 60, 6, 20  # pixels, of the unscaled drawing
MOST = 10  # surprising notes in the list


def page(reading: Reading, title: str, facts: list[str]) -> str:
    """Return the page as HTML.

    Args:
        reading: what to show.
        title: the heading.
        facts: sentences below it.
    """
    template = (resources.files(__package__) / "page.html").read_text(encoding="utf-8")
    filled = {
        "TITLE": escape(title),
        "FACTS": "".join(f"<p>{escape(fact)}</p>" for fact in facts),
        "LEGEND": "".join(f'<li><i class="s{step}"></i>{text}</li>' for step, text in enumerate(legend())),
        "ON_WHITE": _variables(ON_WHITE),
        "ON_BLACK": _variables(ON_BLACK),
        "ROWS": "\n".join(_rows(reading)),
        "NOTES": "\n".join(_most_surprising(reading)),
        "LAST": str(max(0, len(reading.roll) - 1)),
        "DATA": json.dumps(_data(reading), separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c"),
    }
    return re.sub(r"@([A-Z_]+)@", lambda match: filled[match[1]], template)


def _variables(colours: tuple[str, ...]) -> str:
    return " ".join(f"--s{step}: {colour};" for step, colour in enumerate(colours))


def _rows(reading: Reading) -> Iterator[str]:
    """Yield each row as SVG: stripes for black keys, lines, the curve, the notes, the numbers of the bars."""
    rows = Rows.of(reading.roll, reading.bars)
    low, high = rows.pitches
    highest = max(1.0, float(reading.frame_nats.max(initial=0.0)))
    bottom = CURVE + 8 + (high - low + 1) * KEY
    colours = steps([note.onset for note in reading.notes])
    scale = WIDTH / rows.width
    for row, (first, last) in enumerate(rows.spans):

        def x(frame: float, first: int = first) -> str:
            return f"{LEFT + (frame - first) * scale:.1f}"

        def y(pitch: int) -> int:
            return bottom - (pitch - low + 1) * KEY

        svg = [
            f'<svg viewBox="0 0 {LEFT + WIDTH + 4} {bottom + FOOT}" data-first="{first}" data-last="{last}" '
            'aria-hidden="true" focusable="false">'
        ]
        for pitch in range(low, high + 1):
            if pitch % 12 in BLACK_KEYS:
                svg.append(f'<rect class="black" x="{LEFT}" y="{y(pitch)}" width="{WIDTH}" height="{KEY}"/>')
            elif pitch % 12 == 0:
                svg.append(f'<path class="line" d="M{LEFT} {y(pitch) + KEY}h{WIDTH}"/>')
                svg.append(f'<text x="{LEFT - 6}" y="{y(pitch) + KEY}" text-anchor="end">C{pitch // 12 - 1}</text>')
        svg += [f'<path class="line" d="M{x(start)} 0V{bottom}"/>' for start in [*rows.starts(row), last]]
        numbers = [(x(start), bar.number) for start, bar in zip(rows.starts(row), rows.bars[row], strict=True)]
        step = max(1, (len(numbers) + 1) // 16)
        svg += [f'<text x="{place}" y="{bottom + 14}">{number}</text>' for place, number in numbers[::step]]
        svg.append(f'<text x="{LEFT - 6}" y="12" text-anchor="end">{highest:.3g} nats</text>')
        svg.append(f'<text x="{LEFT - 6}" y="{CURVE}" text-anchor="end">0</text>')
        nats = reading.frame_nats[first:last]
        if len(nats):
            stairs = "".join(
                f"V{CURVE * (1 - value / highest):.1f}H{x(first + number + 1)}" for number, value in enumerate(nats)
            )
            svg.append(f'<path class="curve" d="M{LEFT} {CURVE}{stairs}V{CURVE}Z"/>')
        svg.append(f'<rect class="here" y="0" width="{scale:.1f}" height="{bottom}" visibility="hidden"/>')
        for number, note in enumerate(reading.notes):
            if note.start < last and note.end > first:
                begin, end = max(note.start, first), min(note.end, last)
                svg.append(
                    f'<rect class="note s{colours[number]}" data-note="{number}" x="{x(begin)}" '
                    f'y="{y(note.key + LOWEST_PITCH)}" width="{max(1.0, (end - begin) * scale - 0.8):.1f}" '
                    f'height="{KEY - 0.6}" rx="1"><title>{escape(_title(reading, note))}</title></rect>'
                )
        svg.append("</svg>")
        yield "".join(svg)


def _title(reading: Reading, note: NoteSurprise) -> str:
    bar, beat = reading.place(note.start)
    held = f", then {note.continuation:.2f} nats while it is held" if note.end - note.start > 1 else ""
    return f"{pitch_name(note.key)}, bar {bar}, beat {beat}: {note.onset:.2f} nats ({odds(note.onset)}){held}"


def _expected(reading: Reading, frame: int) -> str:
    return ", ".join(f"{pitch_name(key)} {chance:.0%}" for key, chance in reading.expected(frame))


def _most_surprising(reading: Reading) -> Iterator[str]:
    """Yield the notes with the most surprising onsets as items of a list, each a button that leads to it."""
    for note in sorted(reading.notes, key=lambda note: -note.onset)[:MOST]:
        expected = _expected(reading, note.start)
        instead = f"; expected instead: {expected}" if expected else ""
        text = escape(_title(reading, note) + instead)
        yield f'<li><button type="button" data-frame="{note.start}">{text}</button></li>'


def _data(reading: Reading) -> dict[str, Any]:
    """Return what the program of the page needs: of each frame place, nats in parts, expectation; and the notes."""
    roll = reading.roll

    def rounded(values: Iterable[float]) -> list[float]:
        return [round(float(value), 2) for value in values]

    frames = [
        [*reading.place(frame), *rounded(part[frame] for part in reading.parts), _expected(reading, frame)]
        for frame in range(len(roll))
    ]
    notes = [
        [note.start, note.end, pitch_name(note.key), rounded(reading.nats[note.start : note.end, note.key])]
        for note in reading.notes
    ]
    return {"frames": frames, "notes": notes, "left": LEFT, "scale": WIDTH / Rows.of(roll, reading.bars).width}
