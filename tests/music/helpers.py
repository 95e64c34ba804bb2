"""Pieces made up for tests."""

from fractions import Fraction

from hypothesis import strategies as st

from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.piece import KeySignature, Piece, Tempo

GRIDS = (1, 2, 3, 4, 8, 12)  # all times of a piece are whole numbers of one of these parts of a quarter


@st.composite
def pieces(draw: st.DrawFn) -> Piece:
    """Draw a piece: several parts, chords and overlaps, changes of tempo, metre and key, pickups, silence at the end.

    Notes of one pitch never overlap inside a part, and the first bar is never a short one (MIDI could say neither).
    """
    grid = draw(st.sampled_from(GRIDS))
    parts = tuple(draw(st.lists(_parts(grid), min_size=1, max_size=4)))
    end = max(note.end for part in parts for note in part.notes)
    length = end + Fraction(draw(st.integers(0, 4 * grid)), grid)
    metres, pickup = draw(_metres())
    times = st.integers(0, 40).map(lambda place: Fraction(place, grid))
    microseconds = draw(st.dictionaries(times, st.integers(60_000, 15_000_000), max_size=3))
    signatures = draw(
        st.dictionaries(times, st.tuples(st.integers(-7, 7), st.sampled_from(("major", "minor"))), max_size=2)
    )
    return Piece(
        parts,
        max(length, *microseconds, *signatures, *(metre.onset for metre in metres), pickup),
        tuple(Tempo(onset, 6e7 / microseconds[onset]) for onset in sorted(microseconds)),
        metres,
        tuple(KeySignature(onset, *signatures[onset]) for onset in sorted(signatures)),
        pickup,
        draw(st.sampled_from(("", "Tune", "Títle 日本"))),
    )


@st.composite
def _parts(draw: st.DrawFn, grid: int) -> Part:
    rows = draw(st.dictionaries(st.integers(21, 107), st.lists(st.integers(1, 12), min_size=2, max_size=6), min_size=1))
    notes = []
    for pitch, steps in rows.items():
        now = 0
        for silence, length in zip(steps[::2], steps[1::2], strict=False):
            onset = now + silence - 1
            now = onset + length
            notes.append(Note(pitch, Fraction(onset, grid), Fraction(now, grid), draw(st.integers(1, 127))))
    drums = draw(st.booleans())
    return Part(
        tuple(sorted(notes, key=lambda note: (note.onset, note.pitch))),
        draw(st.sampled_from(("", "Violin I", "Flûte", "合唱"))),
        draw(st.integers(0, 127)),
        9 if drums else draw(st.sampled_from([channel for channel in range(16) if channel != 9])),
        drums,
    )


@st.composite
def _metres(draw: st.DrawFn) -> tuple[tuple[Metre, ...], Fraction]:
    kinds = st.tuples(st.integers(1, 9), st.sampled_from((2, 4, 8)))
    changes = [Metre(Fraction(0), *draw(kinds))]
    pickup = draw(st.sampled_from((0, 1, 2, 3))) * changes[0].quarters / 4
    start = pickup
    for _ in range(draw(st.integers(0, 2))):
        start += changes[-1].quarters * draw(st.integers(1, 3))
        changes.append(Metre(start, *draw(kinds)))
    if not pickup and len(changes) > 1 and changes[1].onset == changes[0].quarters:
        changes[1:] = []  # a first bar that MIDI may take for a pickup
    if not pickup and draw(st.booleans()):
        changes = []
    return tuple(changes), pickup
