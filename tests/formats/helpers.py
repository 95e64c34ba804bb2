"""Small scores, written out as MusicXML, and songs made up to be written."""

from fractions import Fraction

from hypothesis import strategies as st

from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.performing import CHOIR
from lmn_music.music.piece import KeySignature, Piece, Tempo

METRES = [(4, 4), (3, 4), (2, 4), (6, 8), (9, 8), (2, 2), (5, 4), (3, 8), (12, 8)]
START = Fraction(0)


def musicxml(measures: str, *, part_list: str = "", attributes: str = "") -> bytes:
    """Return a score of one part, four divisions a quarter."""
    return (
        '<?xml version="1.0"?><score-partwise version="4.0"><part-list><score-part id="P1">'
        f'<part-name>x</part-name>{part_list}</score-part></part-list><part id="P1"><measure number="1">'
        f"<attributes><divisions>4</divisions>{attributes}</attributes>{measures}</measure></part></score-partwise>"
    ).encode()


def xml_note(step: str, duration: int, *, before: str = "", after: str = "") -> str:
    pitch = f"<pitch><step>{step}</step><octave>4</octave></pitch>"
    return f"<note>{before}{pitch}<duration>{duration}</duration>{after}</note>"


@st.composite
def lines(draw: st.DrawFn, lowest: int, unit: Fraction, length: int) -> tuple[Note, ...]:
    """Draw a line of notes and rests whose lengths are multiples of the unit, over bar lines and beats."""
    notes, now = [], draw(st.integers(0, 3))
    while now < length:
        end = min(now + draw(st.sampled_from([1, 1, 2, 2, 3, 4, 5, 7, 12])), length)
        notes.append(Note(lowest + draw(st.integers(0, 9)), now * unit, end * unit))
        now = end + draw(st.sampled_from([0, 0, 0, 1, 2]))
    return tuple(notes)


@st.composite
def pieces(draw: st.DrawFn, *, chords: bool = False) -> Piece:
    """Draw a song of one to four lines with a metre, a pickup, a key and a tempo. `chords`: all lines in one part."""
    metre = Metre(START, *draw(st.sampled_from(METRES)))
    pickup = draw(st.integers(0, metre.beats - 1)) * Fraction(4, metre.beat_type)
    unit = draw(st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(1, 4), Fraction(1, 3), Fraction(1, 6)]))
    voices = draw(st.integers(1, 4))
    parts = [Part(draw(lines(lowest, unit, 24)), name) for lowest, name in zip((72, 62, 52, 42), CHOIR, strict=True)][
        :voices
    ]
    parts = [part for part in parts if part.notes] or [Part((Note(60, START, START + 1),))]
    if pickup >= max(note.end for part in parts for note in part.notes):
        pickup = START  # what is no longer than a pickup is a short bar
    if chords:
        parts = [Part(tuple(sorted((n for part in parts for n in part.notes), key=lambda n: (n.onset, n.pitch))))]
    key = KeySignature(START, draw(st.integers(-7, 7)), draw(st.sampled_from(["major", "minor"])))
    tempo = Tempo(START, float(draw(st.integers(40, 200))))
    return Piece(tuple(parts), START, (tempo,), (metre,), (key,), pickup, "A song")


def waltz() -> Piece:
    """A pickup, ties over bars, an accidental, a triplet, and a chord of the left hand that is held below it."""
    third = Fraction(1, 3)
    right = [(67, 0, 1), (72, 1, 3), (73, 3, 5), (74, 5, 6), (76, 6, 6 + third), (77, 6 + third, 6 + 2 * third)]
    right += [(79, 6 + 2 * third, 7), (72, 7, 9)]
    left = [(48, 1, 4), (52, 2, 3), (55, 2, 3), (50, 4, 7), (53, 5, 6), (57, 5, 6), (48, 7, 9)]
    hands = [
        Part(tuple(Note(pitch, START + begin, START + end) for pitch, begin, end in notes), name)
        for notes, name in ((right, "Right hand"), (left, "Left hand"))
    ]
    signs = {"metres": (Metre(START, 3, 4),), "key_signatures": (KeySignature(START, 0, "major"),)}
    return Piece(tuple(hands), Fraction(9), (Tempo(START, 90.0),), pickup=Fraction(1), title="Waltz", **signs)
