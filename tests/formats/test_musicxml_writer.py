"""Written scores: read again they are the same piece, and programs that are not ours open them."""

import io
import warnings
from collections import Counter
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lmn_music import load_corpus, read_piece, write_piece, write_roll
from lmn_music.errors import RenderingError
from lmn_music.formats import check_length
from lmn_music.formats.musicxml import read_musicxml
from lmn_music.formats.musicxml_writer import to_musicxml
from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.performing import perform
from lmn_music.music.pianoroll import KEYS, PianoRoll
from lmn_music.music.piece import KeySignature, Piece
from lmn_music.music.sheet import write_out
from tests.formats.helpers import pieces, waltz
from tests.helpers import make_roll

START = Fraction(0)


def notes_of(piece: Piece) -> Counter[tuple[int, Fraction, Fraction]]:
    return Counter((n.pitch, n.onset, n.end) for part in piece.parts for n in part.notes)


def again(piece: Piece) -> Piece:
    return read_musicxml(to_musicxml(write_out(piece)), piece.title)


@given(piece=pieces())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_song_that_is_written_is_read_again(piece: Piece) -> None:
    back = again(piece)
    assert notes_of(back) == notes_of(piece)
    assert [bar[:2] for bar in back.bars()] == [bar[:2] for bar in piece.bars()]
    assert back.pickup == piece.pickup
    assert back.key_signatures == piece.key_signatures
    assert [tempo.quarters_per_minute for tempo in back.tempos] == [
        pytest.approx(tempo.quarters_per_minute, abs=0.01) for tempo in piece.tempos
    ]
    assert len(back.parts) == len(piece.parts)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 3, 4, 6]), st.floats(0.01, 0.2))
@settings(max_examples=15, deadline=None)
def test_a_roll_that_is_written_is_read_again(seed: int, per_quarter: int, density: float) -> None:
    """Any keys at once: chords and held notes beside each other, two hands, in at most two voices for each."""
    frames = np.random.default_rng(seed).random((12, KEYS)) < density
    frames[0, 40] = True
    roll = PianoRoll(frames, per_quarter, "A song")
    back = again(perform(roll, tempo=90)).roll(per_quarter)
    np.testing.assert_array_equal(back.frames[: len(roll)], roll.frames)
    assert not back.frames[len(roll) :].any()  # the last bar is filled with rests


@pytest.mark.parametrize("name", ["chorales", "jsb", "nottingham", "muse", "piano"])
def test_songs_of_the_corpora_survive(name: str, tmp_path: Path, benchmark_folder: Path) -> None:
    for song in load_corpus(name, data=benchmark_folder).test[:1]:
        roll = song[:160]
        write_roll(roll, tmp_path / "song.musicxml")
        back = read_piece(tmp_path / "song.musicxml").roll(roll.frames_per_quarter)
        np.testing.assert_array_equal(back.frames[: len(roll)], roll.frames)


def chorale() -> Piece:
    return perform(load_corpus("chorales").test[3], tempo=72)


@pytest.mark.parametrize("make", [chorale, waltz])
def test_music21_opens_it(make: object, tmp_path: Path) -> None:
    piece = make()  # type: ignore[operator]
    write_piece(piece, tmp_path / "song.musicxml")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import converter

        score = converter.parse(tmp_path / "song.musicxml", forceSource=True, storePickle=False)
        assert len(score.parts) == 2
        assert score.isWellFormedNotation()
        for measure in score.recurse().getElementsByClass("Measure"):
            for voice in measure.voices:
                assert measure.barDuration.quarterLength >= voice.duration.quarterLength
        flat = score.flatten()
        single = [(n.offset, one) for n in flat.notes for one in getattr(n, "notes", (n,))]
    begun = [(offset, one) for offset, one in single if one.tie is None or one.tie.type == "start"]
    found = Counter((one.pitch.midi, Fraction(offset).limit_denominator(48)) for offset, one in begun)
    assert found == Counter((n.pitch, n.onset) for part in piece.parts for n in part.notes)


@pytest.mark.parametrize("make", [chorale, waltz])
def test_partitura_opens_it(make: object, tmp_path: Path) -> None:
    piece = make()  # type: ignore[operator]
    write_piece(piece, tmp_path / "song.musicxml")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import partitura
        from partitura.io.importmusicxml import validate_musicxml

        assert validate_musicxml(str(tmp_path / "song.musicxml"))  # as the schema of MusicXML says
        notes = partitura.load_musicxml(tmp_path / "song.musicxml").note_array()
    found = Counter((int(n["pitch"]), round(float(n["onset_quarter"]) + float(piece.pickup), 3)) for n in notes)
    assert found == Counter((n.pitch, round(float(n.onset), 3)) for part in piece.parts for n in part.notes)


@pytest.mark.parametrize("make", [chorale, waltz])
def test_verovio_plays_the_same_notes(make: object) -> None:
    verovio = pytest.importorskip("verovio")
    import base64

    import mido

    piece = make()  # type: ignore[operator]
    toolkit = verovio.toolkit()
    assert toolkit.loadData(to_musicxml(write_out(piece)).decode())
    song = mido.MidiFile(file=io.BytesIO(base64.b64decode(toolkit.renderToMIDI())))
    found: Counter[tuple[int, float]] = Counter()
    for track in song.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                found[message.note, round(now / song.ticks_per_beat, 1)] += 1
    assert found == Counter((n.pitch, round(float(n.onset), 1)) for part in piece.parts for n in part.notes)


def test_a_chorale_stands_on_two_staves_with_two_voices_each() -> None:
    root = ElementTree.fromstring(to_musicxml(write_out(chorale())))  # noqa: S314 -- our own
    assert len(root.findall("part")) == 1
    assert root.findtext(".//staves") == "2"
    clefs = [(clef.findtext("sign"), clef.findtext("clef-octave-change")) for clef in root.iter("clef")]
    assert clefs == [("G", "1"), ("F", "1")]  # the songs of this corpus lie an octave too high
    stems = {
        (note.findtext("staff"), note.findtext("stem")) for note in root.iter("note") if note.find("pitch") is not None
    }
    assert stems <= {("1", "up"), ("1", "down"), ("2", "up"), ("2", "down"), ("1", None), ("2", None)}
    assert {note.findtext("voice") for note in root.iter("note")} == {"1", "2"}


def test_what_stands_in_the_file() -> None:
    root = ElementTree.fromstring(to_musicxml(write_out(waltz())))  # noqa: S314 -- our own
    measures = root.findall("part/measure")
    assert [measure.get("number") for measure in measures] == ["0", "1", "2", "3"]
    assert [measure.get("implicit") for measure in measures] == ["yes", "no", "no", "no"]
    assert root.findtext("movement-title") == "Waltz"
    assert root.findtext(".//key/mode") == "major"
    assert [accidental.text for accidental in root.iter("accidental")] == ["sharp"]
    assert root.find(".//tuplet[@type='start']") is not None
    upper = [
        [note for note in measure.iter("note") if (note.findtext("voice"), note.findtext("staff")) == ("1", "1")]
        for measure in measures
    ]
    lengths = [sum(int(note.findtext("duration", "0")) for note in notes) for notes in upper]
    division = int(root.findtext(".//divisions", "1"))
    assert [length / division for length in lengths] == [1, 3, 3, 2]  # the last bar waits for the pickup
    assert "music21" not in ElementTree.tostring(root).decode().lower()


def test_the_same_piece_gives_the_same_file() -> None:
    assert to_musicxml(write_out(waltz())) == to_musicxml(write_out(waltz()))


def test_a_performance_is_written_in_sixteenths_and_triplets() -> None:
    """Notes that a person played a little early or late become those that were meant; reading says no more."""
    played = [(60, 3, 470), (62, 484, 950), (64, 955, 1120), (65, 1119, 1290), (67, 1283, 1430), (72, 1451, 1900)]
    piece = Piece((Part(tuple(Note(p, Fraction(a, 480), Fraction(b, 480)) for p, a, b in played)),))
    third = Fraction(1, 3)
    meant = [(60, 0, 1), (62, 1, 2), (64, 2, 2 + third), (65, 2 + third, 2 + 2 * third), (67, 2 + 2 * third, 3)]
    assert notes_of(again(piece)) == Counter([*meant, (72, 3, 4)])


def test_parts_of_other_instruments_have_staves_of_their_own() -> None:
    flute = Part((Note(79, START, Fraction(4)),), "Flute", program=73)
    chords = tuple(Note(pitch, START, Fraction(4)) for pitch in (36, 48, 64, 67))
    drums = Part((Note(36, START, Fraction(1)),), "Drums", drums=True)
    piece = Piece((flute, Part(chords, "Piano"), drums), Fraction(4))
    root = ElementTree.fromstring(to_musicxml(write_out(piece)))  # noqa: S314 -- our own
    assert [name.text for name in root.iter("part-name")] == ["Flute", "Piano"]
    assert [program.text for program in root.iter("midi-program")] == ["74", "1"]
    assert [staves.text for staves in root.iter("staves")] == ["2"]
    assert notes_of(again(piece)) == Counter({(n.pitch, n.onset, n.end): 1 for n in (*flute.notes, *chords)})


def test_metres_and_keys_change_at_their_bars() -> None:
    metres = (Metre(START, 3, 4), Metre(Fraction(6), 2, 4), Metre(Fraction(10), 6, 8))
    keys = (KeySignature(START, 2, "major"), KeySignature(Fraction(6), -1, "minor"))
    notes = tuple(Note(60 + number % 5, Fraction(number), Fraction(number + 1)) for number in range(13))
    piece = Piece((Part(notes),), metres=metres, key_signatures=keys)
    back = again(piece)
    assert (back.metres, back.key_signatures) == (metres, keys)
    assert notes_of(back) == notes_of(piece)


def test_silence_and_odd_titles_can_be_written(tmp_path: Path) -> None:
    for title in ("", "日本の歌", "\udcff", "a\0b\nc", "<&>"):
        write_roll(PianoRoll(np.zeros((3, KEYS)), 2, title), tmp_path / "song.musicxml")
        ElementTree.parse(tmp_path / "song.musicxml")  # noqa: S314 -- our own


def test_a_score_of_more_than_four_thousand_bars_is_refused() -> None:
    with pytest.raises(RenderingError, match="4000 bars"):
        check_length(Path("song.musicxml"), 16_001, 1)
    with pytest.raises(RenderingError, match="4000 bars"):
        to_musicxml(write_out(Piece((Part((Note(60, START, Fraction(16_001)),)),))))
    check_length(Path("song.musicxml"), 16_000, 1)


def test_voices_in_unison_keep_their_ties() -> None:
    """Alto and tenor hold one key over two bar lines, each from its own beginning to its own end."""
    spans = ((79, 0, 12), (69, 2, 9), (69, 3, 10), (40, 0, 12))
    voices = tuple(Part((Note(pitch, Fraction(start), Fraction(end)),)) for pitch, start, end in spans)
    back = again(Piece(voices))
    assert [part.notes for part in back.parts] == [part.notes for part in voices]


def test_extra_voices_of_a_choir_are_written_too() -> None:
    roll = make_roll(24)
    frames = roll.frames.copy()
    frames[3:5, 60] = True
    full = PianoRoll(frames, 1)
    piece = perform(full, tempo=90)
    assert len(piece.parts) == 5
    assert again(piece).roll(1) == full
