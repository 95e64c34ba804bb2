"""Pieces in MusicXML: voices and staves as parts, tempo, metre, key, and bars counted as the score counts them."""

from fractions import Fraction
from pathlib import Path

import pytest

from lmn_music.formats import read_piece, write_piece
from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note
from lmn_music.music.piece import KeySignature, Piece, Tempo
from tests.formats.helpers import musicxml, xml_note

BACK = "<backup><duration>{}</duration></backup>"


def read(folder: Path, data: bytes) -> Piece:
    (folder / "song.musicxml").write_bytes(data)
    return read_piece(folder / "song.musicxml")


def measures(*contents: str, attributes: str = "", implicit: tuple[int, ...] = ()) -> bytes:
    """Return a score of one part and several measures, four divisions a quarter."""
    first = musicxml(contents[0], attributes=attributes).decode()
    first = first.replace('number="1"', 'number="1" implicit="yes"') if 0 in implicit else first
    rest = "".join(
        f'<measure number="{place + 1}" implicit="{"yes" if place in implicit else "no"}">{content}</measure>'
        for place, content in enumerate(contents[1:], start=1)
    )
    return first.replace("</part></score", f"{rest}</part></score").encode()


def time(beats: int, beat_type: int) -> str:
    return f"<time><beats>{beats}</beats><beat-type>{beat_type}</beat-type></time>"


def bars(piece: Piece) -> list[tuple[int, float]]:
    return [(bar.number, float(bar.start)) for bar in piece.bars()]


def test_voices_are_parts(tmp_path: Path) -> None:
    two = xml_note("E", 8, after="<voice>1</voice>") + BACK.format(8) + xml_note("C", 8, after="<voice>2</voice>")
    for voice in ("<voice>1</voice>", "<staff>1</staff>", ""):  # some programs number the voices where there are two
        one = xml_note("F", 8, after=voice)
        piece = read(tmp_path, measures(two, one, two, attributes=time(2, 4)))
        assert [part.name for part in piece.parts] == ["x 1", "x 2"]
    assert [[note.pitch for note in part.notes] for part in piece.parts] == [[64, 65, 64], [60, 60]]


def test_staves_are_parts_and_chords_stay_together(tmp_path: Path) -> None:
    upper = xml_note("E", 4, after="<voice>1</voice><staff>1</staff>")
    chord = xml_note("G", 4, before="<chord/>", after="<voice>1</voice><staff>1</staff>")
    lower = xml_note("C", 4, after="<voice>5</voice><staff>2</staff>")
    data = musicxml(upper + chord + BACK.format(4) + lower, attributes=f"{time(1, 4)}<staves>2</staves>")
    piece = read(tmp_path, data)
    assert [[note.pitch for note in part.notes] for part in piece.parts] == [[64, 67], [60]]


def test_exact_times_and_ties(tmp_path: Path) -> None:
    """A triplet and a note tied over the bar line."""
    triplet = "".join(xml_note(step, 4).replace(">4</dur", f">{4 / 3:.12f}</dur") for step in "CDE")
    tied = xml_note("F", 12, after='<tie type="start"/>')
    end = xml_note("F", 4, after='<tie type="stop"/>') + xml_note("G", 12)
    notes = read(tmp_path, measures(triplet + tied, end, attributes=time(4, 4))).parts[0].notes
    third = Fraction(1, 3)
    assert [(n.pitch, n.onset, n.end) for n in notes] == [
        (60, 0, third),
        (62, third, 2 * third),
        (64, 2 * third, 1),
        (65, 1, 5),
        (67, 5, 8),
    ]


def test_tempo_metre_and_key(tmp_path: Path) -> None:
    slow, fast = '<direction><sound tempo="60"/></direction>', '<sound tempo="90.5"/>'
    key = "<key><fifths>{}</fifths>{}</key>"
    data = measures(
        slow + xml_note("C", 12),
        f"<attributes>{key.format(2, '')}{time(2, 4)}</attributes>" + xml_note("C", 4) + fast + xml_note("D", 4),
        attributes=key.format(-3, "<mode>minor</mode>") + time(3, 4),
    )
    piece = read(tmp_path, data)
    zero, three = Fraction(0), Fraction(3)
    assert piece.tempos == (Tempo(zero, 60.0), Tempo(Fraction(4), 90.5))
    assert piece.metres == (Metre(zero, 3, 4), Metre(three, 2, 4))
    assert piece.key_signatures == (KeySignature(zero, -3, "minor"), KeySignature(three, 2, None))
    assert piece.title == "song"


@pytest.mark.parametrize(
    ("lengths", "implicit", "expected"),
    [
        ((12, 12), (), [(1, 0), (2, 3)]),
        ((4, 12, 12), (0,), [(0, 0), (1, 1), (2, 4)]),  # a pickup
        ((4, 12, 12), (), [(0, 0), (1, 1), (2, 4)]),  # one that is not marked as such
        ((12, 8, 4, 12), (2,), [(1, 0), (2, 3), (3, 6)]),  # a bar that a repeat sign divides
        ((12, 8, 12), (), [(1, 0), (2, 3), (3, 5)]),  # a short bar
        ((12, 8, 8, 12), (), [(1, 0), (2, 3), (3, 5), (4, 7)]),
        ((12, 12, 20, 12), (), [(1, 0), (2, 3), (3, 6), (4, 11)]),  # a long one
        ((4, 12, 8, 4, 12), (0, 3), [(0, 0), (1, 1), (2, 4), (3, 7)]),
    ],
)
def test_bars_are_those_of_the_score(
    tmp_path: Path, lengths: tuple[int, ...], implicit: tuple[int, ...], expected: list[tuple[int, float]]
) -> None:
    contents = [xml_note("C", length) for length in lengths]
    piece = read(tmp_path, measures(*contents, attributes=time(3, 4), implicit=implicit))
    assert bars(piece) == expected
    write_piece(piece, tmp_path / "song.mid")
    assert bars(read_piece(tmp_path / "song.mid")) == expected  # MIDI keeps them


def test_drums_are_a_part_of_their_own(tmp_path: Path) -> None:
    hit = "<note><unpitched><display-step>C</display-step><display-octave>5</display-octave></unpitched>"
    hit += "<duration>4</duration></note>"
    piece = read(tmp_path, measures(xml_note("C", 4) + hit, attributes=time(2, 4)))
    assert [(part.drums, len(part.notes)) for part in piece.parts] == [(False, 1), (True, 1)]
    assert piece.parts[1].channel == 9


def test_loudness_that_is_not_said_is_mezzo_forte(tmp_path: Path) -> None:
    (part,) = read(tmp_path, musicxml(xml_note("C", 4))).parts
    assert part.notes == (Note(60, Fraction(0), Fraction(1), 80),)


@pytest.mark.parametrize("beats", ["10000", "1000000", "1+" * 2000 + "1", "9" * 5000])
def test_absurd_time_signatures_are_passed_over(tmp_path: Path, beats: str) -> None:
    """music21 would work on them for hours."""
    absurd = f"<time><beats>{beats}</beats><beat-type>4</beat-type></time>"
    assert read(tmp_path, musicxml(xml_note("C", 4), attributes=absurd)).metres[:1] in ((), (Metre(Fraction(0), 4, 4),))
    additive = read(tmp_path, musicxml(xml_note("C", 10), attributes=time(5, 8).replace(">5<", ">3+2<")))
    assert additive.metres == (Metre(Fraction(0), 5, 8),)
