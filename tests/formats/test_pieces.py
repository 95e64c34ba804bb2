"""Pieces in files: what is read, and that what was written is read again, here and by other programs."""

import warnings
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import mido
import pretty_midi
import pytest
from hypothesis import HealthCheck, given, settings

from lmn_music.errors import ScoreError
from lmn_music.formats import FORMATS, Format, read_piece, read_score, write_piece
from lmn_music.formats.midi_writer import to_midi
from lmn_music.formats.npz import write_npz
from lmn_music.music.metre import Metre
from lmn_music.music.notes import Note
from lmn_music.music.part import Part
from lmn_music.music.piece import KeySignature, Piece, Tempo
from tests.helpers import make_roll
from tests.music.helpers import pieces

ZERO = Fraction(0)


def waltz() -> Piece:
    """A tune in G with a pickup, an accompaniment and a drum; slower from the second bar on."""

    def notes(*tones: tuple[int, float, float]) -> tuple[Note, ...]:
        return tuple(Note(pitch, Fraction(onset), Fraction(end), 70 + pitch % 8) for pitch, onset, end in tones)

    tune = Part(notes((74, 0, 1), (79, 1, 3), (78, 3, 3.5), (76, 3.5, 4), (74, 4, 7)), "Tune", 73, 0)
    chords = Part(notes((43, 1, 2), (59, 2, 4), (62, 2, 4), (50, 4, 7)), "Accompaniment", 0, 1)
    drum = Part(notes((36, 1, 1.25), (36, 4, 4.25)), "Drum", 0, 9, drums=True)
    return Piece(
        (tune, chords, drum),
        Fraction(10),
        (Tempo(ZERO, 120.0), Tempo(Fraction(4), 90.0)),
        (Metre(ZERO, 3, 4),),
        (KeySignature(ZERO, 1, "major"),),
        Fraction(1),
        "waltz",
    )


@given(pieces())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_what_is_written_is_read_again(tmp_path: Path, piece: Piece) -> None:
    write_piece(piece, tmp_path / "song.mid")
    back = read_piece(tmp_path / "song.mid")
    assert back.parts == piece.parts
    assert back.metres == piece.metres
    assert back.pickup == piece.pickup
    assert back.tempos == piece.tempos
    assert back.key_signatures == piece.key_signatures
    assert back.length == piece.length
    assert back.bars() == piece.bars()


@given(pieces())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_a_file_written_twice_has_the_same_bytes(tmp_path: Path, piece: Piece) -> None:
    first, second = tmp_path / "song.mid", tmp_path / "again" / "song.mid"
    second.parent.mkdir(exist_ok=True)
    to_midi(piece).save(first)
    read = read_piece(first)
    write_piece(read, first)
    write_piece(read_piece(first), second)
    assert first.read_bytes() == second.read_bytes()


def test_the_roll_of_a_file_is_the_roll_of_its_piece(tmp_path: Path) -> None:
    write_piece(waltz(), tmp_path / "song.mid")
    assert read_score(tmp_path / "song.mid", 4) == waltz().roll(4)


def test_in_pretty_midi(tmp_path: Path) -> None:
    write_piece(waltz(), tmp_path / "song.mid")
    song = pretty_midi.PrettyMIDI(str(tmp_path / "song.mid"))
    assert [(i.name, i.program, i.is_drum) for i in song.instruments] == [
        ("Tune", 73, False),
        ("Accompaniment", 0, False),
        ("Drum", 0, True),
    ]
    times, tempos = song.get_tempo_changes()
    assert times == pytest.approx([0, 2])  # four quarters at 120
    assert tempos == pytest.approx([120, 90], abs=1e-3)
    assert [(m.numerator, m.denominator, m.time) for m in song.time_signature_changes] == [(1, 4, 0), (3, 4, 0.5)]
    assert [(k.key_number, k.time) for k in song.key_signature_changes] == [(7, 0)]  # G
    tune = [
        (n.pitch, song.time_to_tick(n.start) / 480, song.time_to_tick(n.end) / 480) for n in song.instruments[0].notes
    ]
    assert tune == [(n.pitch, n.onset, n.end) for n in waltz().parts[0].notes]


def test_in_mido(tmp_path: Path) -> None:
    write_piece(waltz(), tmp_path / "song.mid")
    song = mido.MidiFile(tmp_path / "song.mid")
    assert [track.name for track in song.tracks] == ["waltz", "Tune", "Accompaniment", "Drum"]
    assert {m.channel for m in song.tracks[2] if not m.is_meta} == {1}
    assert song.length == pytest.approx(4 * 0.5 + 6 * 60 / 90, abs=1e-4)  # the silence at the end included


def test_in_music21(tmp_path: Path) -> None:
    write_piece(waltz(), tmp_path / "song.mid")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import converter, meter

        score = converter.parse(tmp_path / "song.mid", forceSource=True, storePickle=False)
    tune, _, _ = score.parts
    assert tune.partName == "Tune"
    assert [m.ratioString for m in tune.recurse().getElementsByClass(meter.TimeSignature)] == ["1/4", "3/4"]
    heard = [(n.pitch.midi, float(n.offset)) for n in tune.flatten().notes if not n.tie or n.tie.type == "start"]
    assert heard == [(74, 0), (79, 1), (78, 3), (76, 3.5), (74, 4)]


def test_parts_without_a_channel_get_one_each() -> None:
    note = (Note(60, ZERO, Fraction(1)),)
    parts = [Part(note, program=number) for number in range(17)] + [Part(note, drums=True), Part(note, channel=3)]
    tracks = to_midi(Piece(tuple(parts))).tracks[1:]
    channels = [{m.channel for m in track if not m.is_meta} for track in tracks]
    assert all(len(found) == 1 for found in channels)
    chosen = [found.pop() for found in channels]
    assert chosen[17:] == [9, 3]
    assert len(set(chosen[:14])) == 14
    assert not {3, 9} & set(chosen[:14])


def test_times_too_fine_for_midi_go_to_the_nearest_tick(tmp_path: Path) -> None:
    fine = Piece((Part((Note(60, ZERO, Fraction(1, 9973)), Note(62, Fraction(1, 31), Fraction(1, 13)))),))
    write_piece(fine, tmp_path / "song.mid")
    (part,) = read_piece(tmp_path / "song.mid").parts
    assert part.notes[0].end == Fraction(3, 27720)
    assert abs(part.notes[1].onset - Fraction(1, 31)) <= Fraction(1, 2 * 27720)


def test_a_note_of_no_length_lasts_a_tick(tmp_path: Path) -> None:
    """Otherwise its end would come before its beginning, and it would never stop."""
    write_piece(Piece((Part((Note(60, Fraction(1), Fraction(1)),)),), Fraction(4)), tmp_path / "song.mid")
    assert read_piece(tmp_path / "song.mid").parts[0].notes == (Note(60, Fraction(1), 1 + Fraction(1, 480)),)


def test_a_format_of_frames_holds_the_roll_of_a_piece(tmp_path: Path) -> None:
    piece = waltz()
    write_piece(piece, tmp_path / "song.npz")
    assert read_score(tmp_path / "song.npz", piece.frames_needed()) == piece.roll(piece.frames_needed())
    with pytest.raises(ScoreError, match="no such file"):
        read_piece(tmp_path / "song.mid")


def test_a_roll_in_a_file_is_a_piece(tmp_path: Path) -> None:
    roll = make_roll(20, frames_per_quarter=3)
    write_npz(roll, tmp_path / "song.npz")
    piece = read_piece(tmp_path / "song.npz")
    assert piece == Piece.from_roll(roll)
    assert piece.title == roll.title


# --- What MIDI files say


def midi(*messages: mido.Message | mido.MetaMessage, kind: int = 0) -> mido.MidiFile:
    return mido.MidiFile(type=kind, ticks_per_beat=480, tracks=[mido.MidiTrack(messages)], charset="latin-1")


def strike(pitch: int, *, channel: int = 0, ticks: int = 480) -> list[mido.Message]:
    on = mido.Message("note_on", note=pitch, channel=channel, velocity=50)
    return [on, mido.Message("note_off", note=pitch, channel=channel, time=ticks)]


def read(folder: Path, song: mido.MidiFile) -> Piece:
    song.save(folder / "song.mid")
    return read_piece(folder / "song.mid")


def test_channels_of_one_track_are_parts(tmp_path: Path) -> None:
    song = midi(
        mido.MetaMessage("track_name", name="All of it"),
        mido.Message("program_change", channel=3, program=40),
        *strike(60, channel=3),
        mido.Message("program_change", channel=3, program=41),
        *strike(40, channel=9),
        *strike(61, channel=3),
        *strike(50),
    )
    found = [(p.channel, p.program, p.drums, p.name, len(p.notes)) for p in read(tmp_path, song).parts]
    assert found == [(0, 0, False, "", 1), (3, 40, False, "", 2), (9, 0, True, "", 1)]


@pytest.mark.parametrize(
    ("name", "encodings"),
    [
        ("Flûte à bec", ["utf-8", "latin-1"]),
        ("Hélène, l\u2019été", ["utf-8", "cp1252"]),
        ("\u201cd\u2019Hélène\u201d, Größe", ["utf-8", "cp1252"]),
        ("Œuvres… n° 3", ["utf-8", "cp1252"]),
        ("ピアノ", ["utf-8", "shift_jis"]),
        ("第一楽章", ["utf-8", "shift_jis"]),
        ("Track 1: 尺八 (solo)", ["utf-8", "shift_jis"]),
        ("x\x81", ["utf-8", "latin-1"]),
    ],
)
def test_names_in_encodings_of_all_kinds(tmp_path: Path, name: str, encodings: list[str]) -> None:
    for encoding in encodings:
        song = midi(mido.MetaMessage("track_name", name=name.encode(encoding).decode("latin-1")), *strike(60))
        assert read(tmp_path, song).parts[0].name == name


def test_odd_changes_are_passed_over(tmp_path: Path) -> None:
    """A metre in 4096ths, a tempo of no time; of two tempos in one tick the last counts."""
    song = midi(
        mido.MetaMessage("time_signature", numerator=3, denominator=4096),
        mido.MetaMessage("time_signature", numerator=3, denominator=4, time=1440),
        mido.MetaMessage("set_tempo", tempo=0),
        mido.MetaMessage("set_tempo", tempo=500_000, time=480),
        mido.MetaMessage("set_tempo", tempo=600_000),
        *strike(60),
    )
    piece = read(tmp_path, song)
    assert piece.tempos == (Tempo(Fraction(4), 100.0),)
    assert piece.metres == (Metre(ZERO, 4, 4), Metre(Fraction(3), 3, 4))  # 4/4 by default
    assert piece.pickup == 0


def test_what_was_passed_over_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = Format("odd", lambda data, title: replace(waltz(), title=title, passed_over=data.decode()))
    monkeypatch.setitem(FORMATS, ".odd", read)
    path = tmp_path / "song.odd"
    path.write_text("2 notes without a length")
    assert read_piece(path) == replace(waltz(), title="song")
    assert caplog.messages == [f"{path}: passed over 2 notes without a length"]
