"""ABC files: what they say, and the notes that other programs find in them."""

import shutil
import subprocess
import warnings
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from lmn_music import load_corpus, read_piece, write_piece
from lmn_music.formats.abc import read_abc
from lmn_music.formats.abc_writer import to_abc
from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note, to_roll
from lmn_music.music.part import Part
from lmn_music.music.performing import perform
from lmn_music.music.piece import KeySignature, Piece, Tempo
from lmn_music.music.sheet import write_out
from tests.formats.helpers import pieces, waltz

SAMPLES = sorted((Path(__file__).resolve().parents[2] / "data" / "samples").glob("*.musicxml"))
START = Fraction(0)


def struck(piece: Piece) -> Counter[tuple[int, Fraction]]:
    return Counter((note.pitch, note.onset) for part in piece.parts for note in part.notes)


def sounding(piece: Piece) -> Counter[tuple[int, Fraction, Fraction]]:
    return Counter((note.pitch, note.onset, note.end) for part in piece.parts for note in part.notes)


def in_music21(text: str) -> Counter[tuple[int, Fraction]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import converter

        notes = converter.parse(text, format="abc").stripTies().flatten().notes
        return Counter((p.midi, Fraction(n.offset).limit_denominator(48)) for n in notes for p in n.pitches)


def test_a_waltz_as_text() -> None:
    expected = """%abc-2.1
X:1
T:Waltz
M:3/4
L:1/8
Q:1/4=90
%%score {1 (2 3)}
K:C
V:1 clef=treble
G2 | c4 ^c2- | ^c2 d2 (3efg | c4 |]
V:2 clef=bass
z2 | z2 [E,G,]2 z2 | z2 [F,A,]2 z2 | C,4 |]
V:3 clef=bass
z2 | C,6 | D,6 | z4 |]
"""
    assert to_abc(write_out(waltz())) == expected


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_music21_reads_the_samples(path: Path) -> None:
    piece = read_piece(path)
    assert in_music21(to_abc(write_out(piece))) == struck(piece)


def test_music21_reads_a_chorale() -> None:
    piece = perform(load_corpus("chorales").test[3], tempo=90)
    assert in_music21(to_abc(write_out(piece))) == struck(piece)


@given(piece=pieces())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_sounds_in_music21_is_what_was_written(piece: Piece) -> None:
    """Metres, pickups, keys, triplets, ties over bars, in one to four voices; music21 loses some ties, but no time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import converter

        notes = converter.parse(to_abc(write_out(piece)), format="abc").flatten().notes
    single = [
        Note(p.midi, _exact(n.offset), _exact(n.offset) + _exact(n.quarterLength)) for n in notes for p in n.pitches
    ]
    back = to_roll(single, piece.length, 12, title="")
    assert back[: int(piece.length * 12)] == piece.roll(12)


def _exact(time: object) -> Fraction:
    return Fraction(time).limit_denominator(48)  # type: ignore[call-overload]


@given(piece=pieces(chords=True) | pieces())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_song_that_is_written_is_read_again(piece: Piece) -> None:
    back = read_abc(to_abc(write_out(piece)).encode(), piece.title)
    assert sounding(back) == sounding(piece)
    assert [bar[:2] for bar in back.bars()] == [bar[:2] for bar in piece.bars()]
    assert [key[1:] for key in back.key_signatures] == [key[1:] for key in piece.key_signatures]
    assert back.tempos[0].quarters_per_minute == pytest.approx(piece.tempos[0].quarters_per_minute, rel=1e-4)


@pytest.mark.skipif(shutil.which("abc2midi") is None, reason="needs abc2midi (Debian's package abcmidi)")
@given(piece=pieces(chords=True))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_abc2midi_plays_the_same_notes(piece: Piece, tmp_path: Path) -> None:
    write_piece(piece, tmp_path / "song.abc")
    command = ["abc2midi", str(tmp_path / "song.abc"), "-o", str(tmp_path / "song.mid")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Error" not in done.stdout
    played = read_piece(tmp_path / "song.mid")
    first = min(note.onset for part in piece.parts for note in part.notes)
    late = min(note.onset for part in played.parts for note in part.notes) - first  # a tick
    found = Counter((pitch, round((onset - late) * 12)) for pitch, onset in struck(played).elements())
    assert found == Counter((pitch, round(onset * 12)) for pitch, onset in struck(piece).elements())
    (tempo,) = played.tempos
    assert tempo.quarters_per_minute == pytest.approx(piece.tempos[0].quarters_per_minute, rel=1e-4)
    assert [key[1:] for key in played.key_signatures] == [key[1:] for key in piece.key_signatures]


def test_changes_stand_where_they_hold() -> None:
    notes = tuple(Note(60 + number, Fraction(number), Fraction(number + 1)) for number in range(8))
    metres = (Metre(START, 3, 4), Metre(Fraction(3), 2, 4), Metre(Fraction(5), 6, 8))
    keys = (KeySignature(START, -1, "minor"), KeySignature(Fraction(3), 2, "major"))
    tempos = (Tempo(START, 60.0), Tempo(Fraction(5), 90.0))
    lines = to_abc(write_out(Piece((Part(notes),), START, tempos, metres, keys))).splitlines()
    assert "K:Dm" in lines
    assert lines[-1] == "C2 ^C2 D2 | [M:2/4][K:D]^D2 E2 | [M:6/8][Q:3/8=60]=F2^F- ^FG2 |]"


@pytest.mark.parametrize(("title", "line"), [("50 % more", "T:50 \\% more"), ("a\nX:2\\", "T:a X:2/"), ("", "T:")])
def test_a_title_cannot_break_the_file(title: str, line: str) -> None:
    lines = to_abc(write_out(Piece((Part((Note(60, START, Fraction(4)),)),), title=title))).splitlines()
    assert lines[2] == line
    assert sum(text.startswith("X:") for text in lines) == 1


def test_instruments_have_their_names_and_numbers() -> None:
    flute = Part((Note(79, START, Fraction(4)),), 'The "flute"', program=73)
    bass = Part((Note(36, START, Fraction(4)),), "Bass", program=32)
    text = to_abc(write_out(Piece((flute, bass))))
    assert "%%score 1 2\n" in text
    assert "V:1 clef=treble name=\"The 'flute'\"\n%%MIDI program 73\ng8 |]" in text
    assert 'V:2 clef=bass name="Bass"\n%%MIDI program 32\nC,,8 |]' in text
