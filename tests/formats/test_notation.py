"""Humdrum and ABC: closed forms, twins in MusicXML, tunes of a file, and a process that is stopped."""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lmn_music.corpora.chorales import corpus_folder
from lmn_music.errors import ScoreError
from lmn_music.formats import read_piece, read_score
from lmn_music.formats.abc_fields import split_tunes
from lmn_music.formats.bounded import Worker
from lmn_music.formats.score import songs_in
from lmn_music.music.piece import Piece
from tests.formats.test_musicxml_cases import heard

HEAD = "X:1\nT:A tune\nM:4/4\nL:1/4\nK:{}\n"


def abc(folder: Path, music: str, *, key: str = "C", as_written: bool = False) -> Piece:
    (folder / "tune.abc").write_text(HEAD.format(key) + music + "\n")
    return read_piece(folder / "tune.abc", as_written=as_written)


@pytest.mark.parametrize(
    ("music", "key", "expected"),
    [
        ("C D E F|G4|", "C", "60@0+1 62@1+1 64@2+1 65@3+1 67@4+4"),
        ("C, c c' z|", "C", "48@0+1 72@1+1 84@2+1"),
        ("F C F2|", "D", "66@0+1 61@1+1 66@2+2"),  # the key signature
        ("^F F F2|F4|", "C", "66@0+1 66@1+1 66@2+2 65@4+4"),  # an accidental holds to the end of the bar
        ("^F f F2|", "C", "66@0+1 66@2+2 78@1+1"),  # in all octaves
        ("A>B A<B|", "C", "69@0+1.5 71@1.5+0.5 69@2+0.5 71@2.5+1.5"),
        ("A>uB .A<v!trill!B|", "C", "69@0+1.5 71@1.5+0.5 69@2+0.5 71@2.5+1.5"),  # with signs in the pair
        ('A>"G7"B {cd}A2|', "C", "69@0+1.5 71@1.5+0.5 69@2+2"),
        ("(3A/B/c/ ((3A/B/c/) z2|", "C", " ".join(f"{p}@{n / 3:.4g}+0.3333" for n, p in enumerate([69, 71, 72] * 2))),
        ("[CEG]2 [CE]2|", "C", "60@0+2 64@0+2 67@0+2 60@2+2 64@2+2"),
        ("C2- C2|C4-|C4|", "C", "60@0+4 60@4+8"),
        ("[C-E]2 [CE-]2|[CE]4|", "C", "60@0+4 64@0+2 60@4+4 64@2+6"),
        ("^F4-|F2 F2|", "C", "66@0+6 65@6+2"),  # a tie takes the accidental along
        ("Z2|C4|", "C", "60@8+4"),
        ("C4|[M:3/4]C3|C3|", "C", "60@0+4 60@4+3 60@7+3"),
        ("C2 % a remark with CDE\nD2|", "C", "60@0+2 62@2+2"),
        ("w: not CDE\nC4|", "C", "60@0+4"),
        ("C D E F", "C", "60@0+1 62@1+1 64@2+1 65@3+1"),  # no bar line at all
    ],
)
def test_notes_of_abc(tmp_path: Path, music: str, key: str, expected: str) -> None:
    assert sorted(heard(abc(tmp_path, music, key=key)).split()) == sorted(expected.split())


@pytest.mark.parametrize(
    ("music", "order"),
    [
        ("C4|D4:|E4|", "CDCDE"),
        ("C4|:D4|1E4:|2F4|G4|", "CDEDFG"),
        ("|:C4|1,3D4:|2E4:|", "CDCECD"),
        ("C4::D4:|", "CCDD"),
    ],
)
def test_repeats_of_abc(tmp_path: Path, music: str, order: str) -> None:
    played = [note.pitch for part in abc(tmp_path, music).parts for note in part.notes]
    assert played == [60 + "C D EF G".index(letter) for letter in order]
    assert len(abc(tmp_path, music, as_written=True).parts[0].notes) == len(set(order))


def test_what_else_an_abc_tune_says(tmp_path: Path) -> None:
    (tmp_path / "tune.abc").write_text("X:3\nT:x\nM:6/8\nL:1/8\nQ:3/8=60\nK:Em\nB|EFG ABc|[K:G]D3 d2:|\n")
    piece = read_piece(tmp_path / "tune.abc")
    assert [(m.onset, m.beats, m.beat_type) for m in piece.metres] == [(0, 6, 8)]
    assert [(k.onset, k.fifths, k.mode) for k in piece.key_signatures][:2] == [(0, 1, "minor"), (3.5, 1, "major")]
    assert [(t.onset, t.quarters_per_minute) for t in piece.tempos] == [(0, 90)]
    assert piece.pickup == 0.5
    assert [bar.start for bar in piece.bars()] == [0, 0.5, 3.5, 6.5, 9.5]  # the pickup comes back within a bar
    assert piece.title == "tune"


def test_voices_of_abc_share_their_bars(tmp_path: Path) -> None:
    """The second voice has a bar that is too short, and rests for two bars in one sign."""
    music = "V:1 name=Upper\nc4|d4|e4|f4|\nV:2\nC2|Z2|F4|"
    assert heard(abc(tmp_path, music)) == "60@0+2 72@0+4 74@4+4 76@8+4 65@12+4 77@12+4"


SEVERAL = "%%propagate-accidentals not\n\nX:5\nT:a\nL:1/4\nK:C\n^F F|\n\nnot CDE\n\nX: 12\nT:b\nK:C\nD8|\n"


def test_several_tunes_in_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "tunes.abc"
    path.write_text(SEVERAL)
    assert songs_in(path) == [tmp_path / "tunes.abc#5", tmp_path / "tunes.abc#12"]
    assert heard(read_piece(tmp_path / "tunes.abc#12")) == "62@0+4"
    assert read_piece(tmp_path / "tunes.abc#5").title == "tunes 5"
    assert not caplog.messages
    assert heard(read_piece(path)) == "66@0+1 65@1+1"  # with the header of the file
    assert caplog.messages == [f"{path}: passed over all songs but the first of 2: #12 behind the name chooses another"]
    with pytest.raises(ScoreError, match=r"there is no song 7 in the file: choose one of 5, 12"):
        read_piece(tmp_path / "tunes.abc#7")
    assert songs_in(tmp_path / "none.abc") == [tmp_path / "none.abc"]


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", " \n"])
def test_ends_of_lines(tmp_path: Path, end: str) -> None:
    lines = ["X:1", "T:a", "", "L:1/4", "K:C", "C4|", "", "a remark: DEF", ""]
    (tmp_path / "tune.abc").write_bytes(end.join(lines).encode("latin-1"))
    assert heard(read_piece(tmp_path / "tune.abc")) == "60@0+4"


def test_names_of_tunes() -> None:
    assert list(split_tunes("X:1\nK:C\nC|\n\nX:1\nK:C\nD|\n")) == ["1", "2"]
    assert list(split_tunes("X:\nK:C\nC|\nX:8\nK:C\nD|\n")) == ["1", "2"]
    assert split_tunes("K:C\nC|\n") == {}


@given(st.text(alphabet="XKMLQVP:|[]^_=abcABCzZ123/<>()-.~{}!\"% \n&+xyuv'", max_size=80))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
def test_any_text_is_a_piece_or_a_score_error(tmp_path: Path, text: str) -> None:
    for tune in [text, *split_tunes(text).values()]:
        with contextlib.suppress(ScoreError):
            assert abc(tmp_path, tune).length >= 0


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.abc", "Dear diary", "unreadable (no ABC tune)"),
        ("a.abc", "X:1\nK:C\n", "no notes"),
        ("a.abc", "X:1\nK:C\n" + "C" * 300_000, "too long (characters)"),
        ("a.krn", "Dear diary", "unreadable (no **kern)"),
        ("a.krn", "**kern\n=1\nnot a note\n", "no notes"),
        ("a.krn", "**kern\n" + "4c\n" * 70_000, "too long (bytes)"),
    ],
)
def test_files_that_are_neither(tmp_path: Path, name: str, data: str, reason: str) -> None:
    (tmp_path / name).write_text(data)
    with pytest.raises(ScoreError) as caught:
        read_score(tmp_path / name)
    assert caught.value.reason == reason


@pytest.mark.parametrize("twin", ["bwv277", "bwv281"])
def test_a_humdrum_file_and_its_twin_in_musicxml(twin: str) -> None:
    """Two encodings of one chorale: the same bars, and nearly the same notes."""
    pieces = [read_piece(corpus_folder() / f"{twin}{suffix}") for suffix in (".krn", ".mxl")]
    cells = [{(note.pitch, note.onset) for part in piece.parts for note in part.notes} for piece in pieces]
    assert len(cells[0] & cells[1]) > 0.9 * len(cells[0] | cells[1])
    assert pieces[0].bars() == pieces[1].bars()


def test_kern(tmp_path: Path) -> None:
    lines = ["**kern\t**kern\t**dynam", "*M3/4\t*M3/4\t*", "*k[b-]\t*k[b-]\t*", "4C\t4c 4e\tf", "=1\t=1\t=1"]
    lines += ["2.F\t4aq\t.", ".\t[2.f\t.", "=2\t=2\t=2", "2.r\t2.f]\t.", "==:|!\t==:|!\t==:|!", "*-\t*-\t*-"]
    (tmp_path / "song.krn").write_text("\n".join(lines) + "\n")
    piece = read_piece(tmp_path / "song.krn", as_written=True)
    assert heard(piece) == "48@0+1 60@0+1 64@0+1 53@1+3 65@1+6"
    assert (piece.pickup, piece.metres[0][1:], piece.key_signatures[0].fifths) == (1, (3, 4), -1)
    assert read_piece(tmp_path / "song.krn").length == 2 * piece.length


FULL = ["C", "C|", "C:|", "C>", "(3C", "(9", "[", "[C]", "[K:", "[K:G]C", "[M:3/4]C|", "Z999|", "C&", "C-", "{", '"']


@pytest.mark.parametrize("filling", FULL)
def test_the_fullest_tunes_are_read_in_bounded_time(tmp_path: Path, filling: str) -> None:
    """Two seconds on a machine with nothing else to do; here more is allowed."""
    start = time.process_time()
    with contextlib.suppress(ScoreError):
        abc(tmp_path, "C|" + filling * (99_000 // len(filling)))
    assert time.process_time() - start < 6


# --- the process


@pytest.fixture
def worker() -> Iterator[Worker]:
    found = Worker("tests.formats.slow_worker", seconds=1, megabytes=200)
    yield found
    found.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the system")
def test_a_process_that_takes_too_much_is_stopped_and_another_one_answers(worker: Worker) -> None:
    assert worker.ask(["echo", 3]) == 3
    for what, number in (("work", 60), ("take", 10**9), ("end", 0)):
        with pytest.raises(ScoreError, match="too long or too much memory"):
            worker.ask([what, number])
        assert worker.ask(["echo", 4]) == 4
    assert worker.ask(["work", 0.3]) == worker.ask(["work", 0.3]) == worker.ask(["work", 0.3])  # each has a second


def test_what_the_process_refuses_is_a_score_error(worker: Worker) -> None:
    with pytest.raises(ScoreError) as caught:
        worker.ask(["refuse", 0])
    assert caught.value.reason == "refused"
    assert worker.ask(["echo", "é"]) == "é"
