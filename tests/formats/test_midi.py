"""Roll to MIDI and back, and what other programs make of the file."""

import struct
import warnings
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmn_music.errors import LmnMusicError, RenderingError, UsageError
from lmn_music.formats import FORMATS, check_output, read_score, write_roll
from lmn_music.formats.midi_writer import to_midi, write_midi
from lmn_music.music.performing import perform
from lmn_music.music.pianoroll import KEYS, PianoRoll
from lmn_music.music.piece import Piece

WRITTEN = [suffix for suffix, entry in FORMATS.items() if entry.write]
FRAMES_PER_QUARTER = st.sampled_from([1, 2, 3, 4, 7, 1000])


@st.composite
def rolls(draw: st.DrawFn) -> PianoRoll:
    """Draw a roll with a note in it: any keys, leading and trailing silence included."""
    length = draw(st.integers(1, 24))
    frames = draw(arrays(bool, (length, KEYS), elements=st.booleans(), fill=st.just(False)))
    frames[draw(st.integers(0, length - 1)), draw(st.integers(0, KEYS - 1))] = True
    return PianoRoll(frames, draw(FRAMES_PER_QUARTER))


def scale() -> PianoRoll:
    """C4 held for three frames, then E4 and G4 together for two, then a frame of silence, at two frames per quarter."""
    frames = np.zeros((6, KEYS), dtype=bool)
    frames[0:3, 60 - 21] = True
    frames[3:5, [64 - 21, 67 - 21]] = True
    return PianoRoll(frames, 2, "Scale")


@given(roll=rolls(), repeat_notes=st.booleans(), tempo=st.floats(4, 1000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_reading_what_was_written_gives_the_same_roll(
    tmp_path: Path, roll: PianoRoll, repeat_notes: bool, tempo: float
) -> None:
    path = tmp_path / "song.mid"
    write_roll(roll, path, tempo=tempo, repeat_notes=repeat_notes)
    assert read_score(path, roll.frames_per_quarter) == roll


@pytest.mark.parametrize("name", ["JSB_Chorales", "Nottingham", "Piano_midi"])
def test_benchmark_songs_survive_the_round_trip(benchmark_folder: Path, tmp_path: Path, name: str) -> None:
    from scipy.io import loadmat

    frames_per_quarter = 1 if name == "JSB_Chorales" else 2
    for frames in loadmat(benchmark_folder / f"{name}.mat")["testdata"][0][:3]:
        roll = PianoRoll(frames[:200], frames_per_quarter)
        write_roll(roll, tmp_path / "song.mid")
        assert read_score(tmp_path / "song.mid", frames_per_quarter) == roll


def test_held_and_repeated_notes_in_pretty_midi(tmp_path: Path) -> None:
    held, repeated = tmp_path / "held.mid", tmp_path / "repeated.mid"
    write_roll(scale(), held, tempo=60)
    write_roll(scale(), repeated, tempo=60, repeat_notes=True)

    def notes(path: Path) -> list[tuple[int, float, float]]:
        (piano,) = pretty_midi.PrettyMIDI(str(path)).instruments
        assert (piano.program, piano.is_drum) == (0, False)
        return sorted((n.pitch, round(n.start, 6), round(n.end, 6)) for n in piano.notes)

    assert notes(held) == [(60, 0, 1.5), (64, 1.5, 2.5), (67, 1.5, 2.5)]
    assert [note for note in notes(repeated) if note[0] == 60] == [(60, 0, 0.5), (60, 0.5, 1), (60, 1, 1.5)]


def test_tempo_metre_title_and_length_in_mido(tmp_path: Path) -> None:
    write_roll(scale(), tmp_path / "song.mid", tempo=90)
    song = mido.MidiFile(tmp_path / "song.mid")
    meta = {message.type: message for message in song.tracks[0] if message.is_meta}
    assert mido.tempo2bpm(meta["set_tempo"].tempo) == pytest.approx(90, abs=1e-3)
    assert (meta["time_signature"].numerator, meta["time_signature"].denominator) == (4, 4)
    assert meta["track_name"].name == "Scale"
    assert song.length == pytest.approx(3 * 60 / 90, abs=1e-4)  # three quarters, the silent end included


def test_pitches_and_onsets_in_music21(tmp_path: Path) -> None:
    write_roll(scale(), tmp_path / "song.mid")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import converter

        flat = converter.parse(tmp_path / "song.mid", forceSource=True, storePickle=False).flatten()
    found = sorted((p.midi, float(n.offset), float(n.quarterLength)) for n in flat.notes for p in n.pitches)
    # music21 splits notes at bar lines and beats in its own way, so only the onset of the first part is compared
    assert [note[:2] for note in found] == [(60, 0.0), (64, 1.5), (67, 1.5)]


def test_a_repeated_key_is_let_go_before_it_is_struck_again() -> None:
    piece = Piece.from_roll(scale(), repeat_notes=True)
    events = [message for message in to_midi(piece).tracks[1] if message.type in ("note_on", "note_off")]
    down: set[int] = set()
    for event in events:
        if event.type == "note_on" and event.velocity:
            assert event.note not in down
            down.add(event.note)
        else:
            down.remove(event.note)
    assert not down


@pytest.mark.parametrize("tempo", [0, -1, 3.9, 1001, float("nan"), float("inf")])
def test_impossible_tempo(tmp_path: Path, tempo: float) -> None:
    with pytest.raises(UsageError, match="between 4 and 1000"):
        write_roll(scale(), tmp_path / "song.mid", tempo=tempo)


def test_frames_per_quarter_that_midi_cannot_hold(tmp_path: Path) -> None:
    write_roll(PianoRoll(scale().frames, 32767), tmp_path / "song.mid")
    assert mido.MidiFile(tmp_path / "song.mid").ticks_per_beat == 32767
    with pytest.raises(UsageError, match="at most 32767"):
        write_roll(PianoRoll(scale().frames, 32768), tmp_path / "song.mid")


@pytest.mark.parametrize("title", ["日本の歌", "E\u0301tude", "$x^", "\udcff", "a\0b\nc", "x" * 5000])
@pytest.mark.parametrize("extension", WRITTEN)
def test_any_title_can_be_written(tmp_path: Path, title: str, extension: str) -> None:
    path = tmp_path / f"song{extension}"
    write_roll(PianoRoll(scale().frames, 2, title), path)
    assert path.stat().st_size > 50


@pytest.mark.parametrize("extension", WRITTEN)
@pytest.mark.parametrize("length", [0, 1, 5])
def test_silence_can_be_written(tmp_path: Path, extension: str, length: int) -> None:
    write_roll(PianoRoll(np.zeros((length, KEYS)), 2), tmp_path / f"song{extension}")


@pytest.mark.parametrize(
    ("extension", "magic"), [(".MID", b"MThd"), (".wav", b"RIFF"), (".png", b"\x89PNG"), (".npz", b"PK")]
)
def test_the_extension_chooses_the_form(tmp_path: Path, extension: str, magic: bytes) -> None:
    path = tmp_path / f"song{extension}"
    write_roll(scale(), path)
    assert path.read_bytes().startswith(magic)
    assert list(tmp_path.iterdir()) == [path], "a temporary file was left behind"


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'song\.mp3'.*\.mid.*\.wav.*\.png.*\.npz"):
        check_output(tmp_path / "song.mp3")
    with pytest.raises(UsageError, match="does not exist"):
        write_roll(scale(), tmp_path / "missing" / "song.mid")
    (tmp_path / "folder.mid").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        check_output(tmp_path / "folder.mid")
    with pytest.raises(LmnMusicError, match="cannot write"):
        write_midi(perform(scale(), tempo=90), tmp_path / "missing" / "song.mid")
    with pytest.raises(UsageError, match="too long"):
        check_output(tmp_path / ("x" * 300 + ".mid"))
    check_output(tmp_path / "song.mid")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(b"old")
    with pytest.raises(RenderingError, match="more than an hour"):
        write_roll(PianoRoll(np.ones((20_000, KEYS)), 1), path, tempo=4)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_header_says_ticks_per_quarter(tmp_path: Path) -> None:
    write_roll(PianoRoll(scale().frames, 7), tmp_path / "song.mid")
    ticks = struct.unpack(">H", (tmp_path / "song.mid").read_bytes()[12:14])[0]
    assert ticks % 7 == 0
