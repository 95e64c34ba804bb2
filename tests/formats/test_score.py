"""Reading music: what the notes become in frames, and what damaged files are answered with."""

import contextlib
import io
import math
import struct
import warnings
import zipfile
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lmn_music.errors import ScoreError
from lmn_music.formats import read_score
from lmn_music.formats.midi_writer import to_midi
from lmn_music.formats.npz import write_npz
from lmn_music.formats.registry import XML_BYTES
from lmn_music.music.notes import MAX_FRAMES
from lmn_music.music.pianoroll import KEYS, PianoRoll
from lmn_music.music.piece import Piece
from lmn_music.music.tonality import MAJOR, MINOR, find_key, transpose_to_c
from tests.formats.helpers import musicxml, xml_note

TICKS = 480
END = b"\x00\xff\x2f\x00"

Events = list[tuple[int, str, int]]  # (tick, "on" or "off", pitch)


def track(events: Events, *, channel: int = 0, length: int = 0, silent_offs: bool = False) -> mido.MidiTrack:
    messages = mido.MidiTrack()
    now = 0
    for tick, kind, pitch in events:
        if silent_offs and kind == "off":
            message = mido.Message("note_on", note=pitch, velocity=0, channel=channel, time=tick - now)
        else:
            message = mido.Message(f"note_{kind}", note=pitch, channel=channel, time=tick - now)
        messages.append(message)
        now = tick
    messages.append(mido.MetaMessage("end_of_track", time=max(0, length - now)))
    return messages


def read_tracks(folder: Path, *tracks: mido.MidiTrack, kind: int = 1, frames_per_quarter: int = 2) -> PianoRoll:
    mido.MidiFile(type=kind, ticks_per_beat=TICKS, tracks=list(tracks)).save(folder / "song.mid")
    return read_score(folder / "song.mid", frames_per_quarter)


def read_bytes(folder: Path, data: bytes, name: str = "song.mid") -> PianoRoll:
    (folder / name).write_bytes(data)
    return read_score(folder / name)


def spans(roll: PianoRoll) -> list[tuple[int, int, int]]:
    """List (pitch, first frame, frame after the last) of every unbroken run, found the slow and plain way."""
    found = []
    for key in range(KEYS):
        start = None
        for frame, sounds in enumerate([*roll.frames[:, key], False]):
            if sounds and start is None:
                start = frame
            elif not sounds and start is not None:
                found.append((key + 21, start, frame))
                start = None
    return found


def midi_bytes(body: bytes, *, division: int = TICKS, kind: int = 0, tracks: int = 1) -> bytes:
    header = b"MThd" + struct.pack(">IHHH", 6, kind, tracks, division)
    return header + b"MTrk" + struct.pack(">I", len(body)) + body


# --- MIDI: notes in frames


@pytest.mark.parametrize(
    ("onset", "end", "frames_per_quarter", "expected"),
    [
        (0, 240, 2, (0, 1)),  # an eighth is a frame
        (100, 350, 2, (1, 2)),  # from 0.42 to 1.46: it sounds at the start of frame 1
        (30, 270, 2, (0, 1)),  # struck an eighth of a frame late, and let go as late
        (40, 290, 2, (1, 2)),  # later than that
        (120, 360, 2, (1, 2)),
        (0, 10, 2, (0, 1)),  # where nothing sounds at the start of any frame, times are rounded
        (200, 200, 2, (1, 2)),  # even those of a note of no length
        (0, 480, 1, (0, 1)),
        (160, 320, 3, (1, 2)),  # a triplet
        (480, 1920, 4, (4, 16)),
    ],
)
def test_a_frame_holds_what_sounds_at_its_start(
    tmp_path: Path, onset: int, end: int, frames_per_quarter: int, expected: tuple[int, int]
) -> None:
    roll = read_tracks(tmp_path, track([(onset, "on", 60), (end, "off", 60)]), frames_per_quarter=frames_per_quarter)
    assert spans(roll) == [(60, *expected)]
    assert roll.frames_per_quarter == frames_per_quarter


def test_what_lies_between_two_frames_leaves_no_trace(tmp_path: Path) -> None:
    """Of four sixteenths two sound on the eighths, and nothing clashes with them."""
    run = track(
        [(120 * place, kind, 60 + step) for step in range(4) for place, kind in ((step, "on"), (step + 1, "off"))]
    )
    assert spans(read_tracks(tmp_path, run)) == [(60, 0, 1), (62, 1, 2)]


def test_tempo_changes_do_not_move_notes(tmp_path: Path) -> None:
    plain = track([(0, "on", 60), (960, "off", 60), (960, "on", 62), (1920, "off", 62)])
    tempi = mido.MidiTrack(mido.MetaMessage("set_tempo", tempo=200_000 + 97_531 * i, time=313) for i in range(5))
    assert read_tracks(tmp_path, plain) == read_tracks(tmp_path, tempi, plain)


@pytest.mark.parametrize("silent_offs", [False, True])
@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # struck again while it sounds: the first note-off ends the first note
        ([(0, "on", 60), (480, "on", 60), (960, "off", 60), (1440, "off", 60)], [(60, 0, 6)]),
        # struck again in the tick of its note-off, in the wrong order: the new note goes on
        ([(0, "on", 60), (480, "on", 60), (480, "off", 60), (960, "off", 60)], [(60, 0, 4)]),
        # never let go: it lasts to the end of its track
        ([(0, "on", 60), (480, "on", 64), (960, "off", 64)], [(60, 0, 8), (64, 2, 4)]),
        # a note-off of nothing
        ([(0, "off", 60), (480, "on", 60), (960, "off", 60), (1000, "off", 60)], [(60, 2, 4)]),
    ],
)
def test_odd_note_ends(tmp_path: Path, events: Events, expected: list[tuple[int, int, int]], silent_offs: bool) -> None:
    assert spans(read_tracks(tmp_path, track(events, length=1920, silent_offs=silent_offs))) == expected


def test_tracks_sound_together_except_in_format_2(tmp_path: Path) -> None:
    first = track([(0, "on", 60), (480, "off", 60)], length=960)
    second = track([(0, "on", 72), (480, "off", 72)], length=960)
    assert spans(read_tracks(tmp_path, first, second, kind=1)) == [(60, 0, 2), (72, 0, 2)]
    assert spans(read_tracks(tmp_path, first, second, kind=2)) == [(60, 0, 2), (72, 4, 6)]
    assert spans(read_tracks(tmp_path, first, kind=0)) == [(60, 0, 2)]


def test_channels_have_their_own_notes(tmp_path: Path) -> None:
    """A note-off on one channel ends no note of another."""
    messages = mido.MidiTrack(
        [
            mido.Message("note_on", note=60, channel=0),
            mido.Message("note_on", note=60, channel=1),
            mido.Message("note_off", note=60, channel=1, time=480),
            mido.Message("note_off", note=60, channel=0, time=480),
        ]
    )
    assert spans(read_tracks(tmp_path, messages, kind=0)) == [(60, 0, 4)]


def test_drums_and_notes_off_the_keyboard_are_left_out(tmp_path: Path) -> None:
    melody = track([(0, "on", 60), (480, "off", 60)])
    drums = track([(0, "on", 40), (480, "off", 40)], channel=9)
    outside = track([(0, "on", 20), (0, "on", 109), (480, "off", 20), (480, "off", 109)])
    assert spans(read_tracks(tmp_path, melody, drums, outside)) == [(60, 0, 2)]
    with pytest.raises(ScoreError) as caught:
        read_tracks(tmp_path, drums)
    assert caught.value.reason == "drums only"
    with pytest.raises(ScoreError) as caught:
        read_tracks(tmp_path, outside)
    assert caught.value.reason == "no notes"


def test_silence_is_kept_at_both_ends_and_the_title_is_the_name(tmp_path: Path) -> None:
    roll = read_tracks(tmp_path, track([(960, "on", 60), (1440, "off", 60)], length=4800))
    assert len(roll) == 20
    assert spans(roll) == [(60, 4, 6)]
    assert roll.title == "song"


@pytest.mark.parametrize("name", ["song.MID", "song.midi", "song.smf"])
def test_extensions(tmp_path: Path, name: str) -> None:
    assert len(read_bytes(tmp_path, midi_bytes(b"\x00\x90\x3c\x40\x83\x60\x80\x3c\x40" + END), name)) == 2


def test_running_status(tmp_path: Path) -> None:
    body = b"\x00\x90\x3c\x40\x83\x60\x3c\x00\x00\x40\x40\x00\xff\x01\x01x\x83\x60\x90\x40\x00"
    assert spans(read_bytes(tmp_path, midi_bytes(body + END))) == [(60, 0, 2), (64, 2, 4)]


# --- MIDI: what cannot be read

GOOD = midi_bytes(b"\x00\x90\x3c\x40\x83\x60\x80\x3c\x40" + END)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "unreadable (empty file)"),
        (b"Dear diary,\ntoday I renamed a text file.\n", "unreadable (not a MIDI file)"),
        (GOOD[:10], "unreadable (damaged MIDI file)"),
        (GOOD[:14], "unreadable (damaged MIDI file)"),
        (midi_bytes(b"\x00\x3c\x40" + END), "unreadable (damaged MIDI file)"),  # running status without a status
        (midi_bytes(b"\x00\xff\x51\x01\x01" + END), "unreadable (damaged MIDI file)"),  # a tempo of one byte
        (midi_bytes(b"\x00\xf4\x00" + END), "unreadable (damaged MIDI file)"),  # a status that does not exist
        (midi_bytes(END), "no notes"),
        (midi_bytes(b"", tracks=0), "no notes"),
        (midi_bytes(b"\x00\x90\x3c\x40" + END, division=0xE728), "unreadable (SMPTE time, no quarter notes)"),
        (midi_bytes(b"\x00\x90\x3c\x40" + END, division=0), "unreadable (zero ticks a quarter)"),
        (GOOD + b"\0" * 3_000_000, "too long (bytes)"),
    ],
)
def test_files_that_are_no_midi(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(ScoreError) as caught:
        read_bytes(tmp_path, data)
    assert caught.value.reason == reason
    assert str(caught.value).startswith(str(tmp_path / "song.mid"))


def test_huge_times_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    """The longest legal delta time, 2^28 - 1 ticks, is half a million quarters."""
    with pytest.raises(ScoreError) as caught:
        read_bytes(tmp_path, midi_bytes(b"\x00\x90\x3c\x40\xff\xff\xff\x7f\x80\x3c\x40" + END))
    assert caught.value.reason == f"too long (1118481 frames, more than {MAX_FRAMES})"


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_a_damaged_file_is_a_roll_or_a_score_error(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes changed, cut off and put in, anywhere."""
    roll = PianoRoll(np.random.default_rng(0).random((12, KEYS)) < 0.05, 2)
    buffer = io.BytesIO()
    to_midi(Piece.from_roll(roll)).save(file=buffer)
    song = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(song)))
        song[start : start + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    with contextlib.suppress(ScoreError):
        assert read_bytes(tmp_path, bytes(song)).notes > 0


@given(st.binary(max_size=300), st.sampled_from(["a.mid", "a.xml", "a.mxl", "a.npz"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_bytes_are_a_score_error(tmp_path: Path, data: bytes, name: str) -> None:
    with pytest.raises(ScoreError):
        read_bytes(tmp_path, data, name)


def test_what_is_no_file(tmp_path: Path) -> None:
    for name, reason in [
        ("missing.mid", "no such file"),
        ("notes.txt", "not a MIDI, MusicXML, Humdrum, ABC or piano-roll file"),
        ("folder.mid", "not a file"),
        ("x" * 300 + ".mid", "unreadable (File name too long)"),
    ]:
        if name == "folder.mid":
            (tmp_path / name).mkdir()
        with pytest.raises(ScoreError) as caught:
            read_score(tmp_path / name)
        assert caught.value.reason == reason


# --- MusicXML


def music21_file(folder: Path, name: str, *parts: str) -> Path:
    """Write parts in music21's tiny notation as MusicXML, with music21."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import converter, stream

        score = stream.Score([converter.parse(f"tinynotation: {part}") for part in parts])
        kind = "mxl" if name.endswith(".mxl") else "musicxml"
        return Path(score.write(kind, fp=folder / name))


@pytest.mark.parametrize("name", ["song.xml", "song.musicxml", "song.mxl"])
def test_musicxml(tmp_path: Path, name: str) -> None:
    path = music21_file(tmp_path, name, "4/4 c'4 d'8 r8 e'2~ e'4 r4 r2", "4/4 C2 G2 c1")
    roll = read_score(path, 2)
    assert spans(roll) == [(36 + 12, 0, 4), (43 + 12, 4, 8), (60, 8, 16), (72, 0, 2), (74, 2, 3), (76, 4, 10)]
    assert len(roll) == 16
    assert roll.title == "song"


def test_musicxml_chords_voices_and_two_staves(tmp_path: Path) -> None:
    data = musicxml(
        xml_note("C", 4, after="<staff>1</staff>")
        + xml_note("E", 4, before="<chord/>", after="<staff>1</staff>")
        + "<backup><duration>4</duration></backup>"
        + xml_note("G", 8, after="<voice>2</voice><staff>2</staff>"),
        attributes="<staves>2</staves>",
    )
    assert spans(read_bytes(tmp_path, data, "song.xml")) == [(60, 0, 2), (64, 0, 2), (67, 0, 4)]


def test_musicxml_transposing_instruments_sound_as_they_sound(tmp_path: Path) -> None:
    clarinet = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    data = musicxml(xml_note("D", 4), attributes=clarinet)
    assert spans(read_bytes(tmp_path, data, "song.xml")) == [(60, 0, 2)]


def test_a_tied_note_too_short_for_a_frame_makes_it_no_longer(tmp_path: Path) -> None:
    tied = xml_note("C", 8, after='<tie type="start"/>') + xml_note("C", 0, after='<tie type="stop"/>').replace(
        ">0<", ">0.2<"
    )
    assert spans(read_bytes(tmp_path, musicxml(tied), "song.xml")) == [(60, 0, 4)]


def test_musicxml_leaves_out_graces_chord_symbols_and_percussion(tmp_path: Path) -> None:
    grace = "<note><grace/><pitch><step>A</step><octave>4</octave></pitch></note>"
    symbol = "<harmony><root><root-step>F</root-step></root><kind>major</kind></harmony>"
    hit = "<note><unpitched><display-step>E</display-step><display-octave>4</display-octave></unpitched>"
    hit += "<duration>4</duration></note>"
    assert spans(read_bytes(tmp_path, musicxml(grace + symbol + xml_note("C", 4) + hit), "song.xml")) == [(60, 0, 2)]
    for data in (
        musicxml(hit),
        musicxml(
            xml_note("C", 4),
            part_list='<score-instrument id="I"><instrument-name>Kit</instrument-name></score-instrument>'
            '<midi-instrument id="I"><midi-channel>10</midi-channel><midi-program>1</midi-program></midi-instrument>',
        ),
    ):
        with pytest.raises(ScoreError) as caught:
            read_bytes(tmp_path, data, "song.xml")
        assert caught.value.reason == "drums only"


BOMB = (
    b'<!DOCTYPE x [<!ENTITY a0 "lol">'
    + b"".join(b'<!ENTITY a%d "%s">' % (i, b"&a%d;" % (i - 1) * 20) for i in range(1, 12))
    + b"]><score-partwise>&a11;</score-partwise>"
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<score-partwise>", "unreadable (not well-formed XML)"),
        (BOMB, "unreadable (XML entities)"),
        (BOMB.decode().encode("utf-16"), "unreadable (XML entities)"),
        (BOMB.replace(b"ENTITY", b"ENT\x01ITY"), "unreadable (not well-formed XML)"),
        (b"<html></html>", "unreadable (not a MusicXML score)"),
        (b"<score-timewise></score-timewise>", "no notes"),
        (b"<score-partwise></score-partwise>", "no notes"),
        (musicxml(""), "no notes"),
        (musicxml("<note><rest/><duration>16</duration></note>"), "no notes"),
        (musicxml(xml_note("H", 4)), "no notes"),
        (musicxml(xml_note("C", 4).replace(">4</dur", ">inf</dur")), "no notes"),
        (musicxml(xml_note("C", 4).replace(">4</dur", ">1e308</dur")), "no notes"),
        (musicxml(xml_note("C", 4_000_000_000)), "too long (2000000000 frames, more than 100000)"),
        (musicxml(xml_note("C", 4)).replace(b"<divisions>4", b"<divisions>0"), "unreadable (divisions)"),
        (b"<score-partwise>" + b" " * XML_BYTES + b"</score-partwise>", "too long (bytes)"),
        (b"<score-partwise>" + b"<part/>" * 1001 + b"</score-partwise>", "too long (parts)"),
        (b"<score-partwise><part>" + b"<measure/>" * 100_001 + b"</part></score-partwise>", "too long (bars)"),
        (b"<score-partwise>" + b"<a/>" * 1_000_000 + b"</score-partwise>", "too long (tags of XML)"),
    ],
)
def test_files_that_are_no_musicxml(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(ScoreError) as caught:
        read_bytes(tmp_path, data, "song.musicxml")
    assert caught.value.reason == reason


def zipped(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), data)
    return buffer.getvalue()


def test_mxl_reads_what_the_container_names(tmp_path: Path) -> None:
    container = b'<container><rootfiles><rootfile full-path="b.xml"/></rootfiles></container>'
    scores = {"a_xml": musicxml(xml_note("C", 4)), "b_xml": musicxml(xml_note("D", 4))}
    assert spans(read_bytes(tmp_path, zipped(**scores, **{"META-INF__container_xml": container}), "a.mxl"))[0][0] == 62
    assert spans(read_bytes(tmp_path, zipped(**scores), "a.mxl"))[0][0] == 60


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK no zip file", "unreadable (.mxl)"),
        (zipped(readme=b"nothing here"), "unreadable (.mxl)"),
        (zipped(a_xml=b" " * 50_000_000), "too long (bytes of XML)"),  # a zip bomb
        (zipped(a_xml=musicxml(xml_note("C", 4)))[:-40], "unreadable (.mxl)"),
    ],
)
def test_files_that_are_no_mxl(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(ScoreError) as caught:
        read_bytes(tmp_path, data, "song.mxl")
    assert caught.value.reason == reason


@pytest.mark.slow
def test_music21s_own_scores_agree_with_a_plain_reading() -> None:
    """The oracle: music21's parse of the whole file, repeats played out, tied parts filled in one by one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import corpus

        paths = [Path(path) for path in corpus.getComposer("bach", fileExtensions=("mxl", "xml"))]
        for path in sorted(paths)[::70]:
            expected: set[tuple[int, int]] = set()
            played = corpus.parse(path, forceSource=True).toSoundingPitch().expandRepeats()
            for element in played.flatten().notes:
                start, end = (
                    math.ceil(4 * float(t) - 0.125) for t in (element.offset, element.offset + element.quarterLength)
                )
                expected |= {(t, p.midi - 21) for p in element.pitches for t in range(start, end)}
            roll = read_score(path, 4)
            assert {(int(t), int(k)) for t, k in np.argwhere(roll.frames)} == expected, path


# --- .npz


def test_npz_round_trip_keeps_everything(tmp_path: Path) -> None:
    roll = PianoRoll(np.random.default_rng(0).random((9, KEYS)) < 0.1, 3, "Títle 日本")
    write_npz(roll, tmp_path / "song.npz")
    back = read_score(tmp_path / "song.npz", 3)
    assert back == roll
    assert back.title == roll.title
    with np.load(tmp_path / "song.npz", allow_pickle=False) as arrays:
        assert arrays["frames"].dtype == np.uint8


def test_npz_gets_the_frames_per_quarter_asked_for(tmp_path: Path) -> None:
    roll = PianoRoll(np.random.default_rng(0).random((9, KEYS)) < 0.1, 2)
    write_npz(roll, tmp_path / "song.npz")
    assert read_score(tmp_path / "song.npz", 6) == PianoRoll(np.repeat(roll.frames, 3, axis=0), 6)


def npz(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


FRAMES = np.ones((4, KEYS), dtype=np.uint8)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (npz(frames=FRAMES, title=""), "unreadable (.npz)"),
        (npz(frames=FRAMES[:, :80], frames_per_quarter=2, title=""), "unreadable (.npz)"),
        (npz(frames=FRAMES * 2, frames_per_quarter=2, title=""), "unreadable (.npz)"),
        (npz(frames=FRAMES, frames_per_quarter=0, title=""), "unreadable (.npz)"),
        (npz(frames=FRAMES.astype(object), frames_per_quarter=2, title=""), "unreadable (.npz)"),  # would need pickle
        (npz(frames=FRAMES * 0, frames_per_quarter=2, title=""), "no notes"),
        (npz(frames=np.zeros((1_000_000, KEYS)), frames_per_quarter=2, title=""), "too long"),  # a zip bomb
        (npz(frames=np.ones((MAX_FRAMES + 1, KEYS), np.uint8), frames_per_quarter=2, title=""), "too long"),
    ],
)
def test_files_that_are_no_rolls(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(ScoreError) as caught:
        read_bytes(tmp_path, data, "song.npz")
    assert caught.value.reason.startswith(reason)


# --- the key


def scale(tonic: int, steps: tuple[int, ...]) -> PianoRoll:
    """A scale up from the tonic above middle C, the triad's notes held longer, as a tune would."""
    frames = []
    for degree, step in enumerate(steps):
        row = np.zeros(KEYS, dtype=bool)
        row[60 - 21 + tonic + step] = True
        frames += [row] * (3 if degree in (0, 2, 4) else 1)
    return PianoRoll(np.array(frames), 2)


MAJOR_SCALE, MINOR_SCALE = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 11)


@pytest.mark.parametrize(("mode", "steps"), [("major", MAJOR_SCALE), ("minor", MINOR_SCALE)])
@pytest.mark.parametrize("tonic", range(12))
def test_a_scale_is_moved_to_c(tonic: int, mode: str, steps: tuple[int, ...]) -> None:
    roll = scale(tonic, steps)
    assert find_key(roll) == (tonic, mode)
    moved = transpose_to_c(roll)
    assert moved == scale(0 if tonic <= 5 else 12, steps)  # by -5 to +6, so from F sharp on up to the next C
    assert transpose_to_c(moved) == moved


def test_the_profiles_are_those_of_music21() -> None:
    from music21.analysis.discrete import KrumhanslKessler

    assert tuple(KrumhanslKessler().getWeights("major")) == MAJOR
    assert tuple(KrumhanslKessler().getWeights("minor")) == MINOR


def test_transposition_stays_on_the_keyboard() -> None:
    frames = scale(2, MAJOR_SCALE).frames.copy()
    frames[0, 0] = True  # A0: there is no room for two semitones down
    moved = transpose_to_c(PianoRoll(frames, 2))
    assert find_key(moved) == (0, "major")
    assert moved.frames[0, 10]
    frames[0, 87] = True  # C8: nor for ten semitones up
    with pytest.raises(ScoreError) as caught:
        transpose_to_c(PianoRoll(frames, 2))
    assert caught.value.reason == "too wide to transpose to C"


def test_silence_and_clusters_have_no_key_and_stay() -> None:
    for frames in (np.zeros((3, KEYS)), np.eye(KEYS)[12:24]):
        assert transpose_to_c(PianoRoll(frames, 1)) == PianoRoll(frames, 1)
