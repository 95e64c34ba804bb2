"""A folder of somebody's own files as a corpus."""

import shutil
import warnings
from pathlib import Path

import mido
import numpy as np
import pytest

from lmn_music.corpora.corpus import Corpus, Rejected, by_kind, content_sha256
from lmn_music.corpora.folder import load_folder
from lmn_music.errors import CorpusError
from lmn_music.formats import write_roll
from lmn_music.formats.npz import write_npz
from lmn_music.music.pianoroll import KEYS, PianoRoll
from lmn_music.music.tonality import find_key


def song(seed: int, frames: int = 24) -> PianoRoll:
    """A tune of random notes of the C major scale, a different one for each seed."""
    random = np.random.default_rng(seed)
    roll = np.zeros((frames, KEYS), dtype=bool)
    white = [39, 41, 43, 44, 46, 48, 50]
    roll[np.arange(frames), random.choice(white, size=frames, p=[0.3, 0.1, 0.15, 0.1, 0.2, 0.1, 0.05])] = True
    return PianoRoll(roll, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give an empty folder to fill, with a name of its own."""
    path = tmp_path / "My songs"
    path.mkdir()
    return path


def fill(folder: Path, count: int, first: int = 0) -> None:
    for seed in range(first, first + count):
        write_roll(song(seed), folder / f"song {seed:03}.mid")


def places(corpus: Corpus) -> dict[str, str]:
    """Say for each title in which split it is."""
    return {roll.title: split for split in ("train", "valid", "test") for roll in corpus.split(split)}


def drums_only(path: Path) -> None:
    notes = [mido.Message("note_on", note=40, channel=9), mido.Message("note_off", note=40, channel=9, time=9600)]
    mido.MidiFile(tracks=[mido.MidiTrack(notes)]).save(path)


def test_every_kind_of_file_good_and_bad(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import converter

        for number, kind in enumerate(("musicxml", "mxl")):
            tune = converter.parse(f"tinynotation: 4/4 c4 d e f g{number * '#'} a b c' d' e' f' g' a1")
            tune.write(kind, fp=folder / f"score {number}.{kind}")
    fill(folder, 3)
    (folder / "deeper" / "still").mkdir(parents=True)
    write_roll(song(3), folder / "deeper" / "still" / "UPPER.MID")
    write_npz(song(4), folder / "array.npz")
    # and what is left out
    write_roll(song(0), folder / "twin.mid", tempo=50, repeat_notes=True)
    write_roll(song(9, frames=15), folder / "short.mid")
    write_roll(PianoRoll(np.zeros((20, KEYS)), 2), folder / "silence.mid")
    drums_only(folder / "drums.mid")
    (folder / "damaged.mid").write_bytes((folder / "song 000.mid").read_bytes()[:50])
    (folder / "empty.mid").touch()
    (folder / "page.xml").write_text("<html/>")
    (folder / "README.txt").write_text("not music")
    (folder / "lost.mid").symlink_to(folder / "nowhere.mid")
    (folder / ".hidden.mid").write_text("nobody asked")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("nobody asked")

    corpus = load_folder(folder)
    assert sorted(places(corpus)) == ["UPPER", "array", "score 0", "score 1", "song 000", "song 001", "song 002"]
    assert corpus.rejected == (
        Rejected("README.txt", "not a MIDI, MusicXML, Humdrum, ABC or piano-roll file"),
        Rejected("damaged.mid", "unreadable (damaged MIDI file)"),
        Rejected("drums.mid", "drums only"),
        Rejected("empty.mid", "unreadable (empty file)"),
        Rejected("lost.mid", "no such file"),
        Rejected("page.xml", "unreadable (not a MusicXML score)"),
        Rejected("short.mid", "too short (15 frames, fewer than 16)"),
        Rejected("silence.mid", "no notes"),
        Rejected("twin.mid", "same music as song 000.mid"),
    )
    assert {kind: len(files) for kind, files in by_kind(corpus.rejected).items()} == {
        "unreadable": 3,
        "drums only": 1,
        "no notes": 1,
        "no such file": 1,
        "not a MIDI, MusicXML, Humdrum, ABC or piano-roll file": 1,
        "same music as another file": 1,
        "too short": 1,
    }
    assert corpus.name == "My songs"
    assert corpus.frames_per_quarter == 2
    assert not corpus.comparable
    assert corpus.provenance == "7 of 16 files in the folder My songs"
    assert corpus.sha256 == content_sha256(corpus.train, corpus.valid, corpus.test)


def test_what_was_passed_over_in_a_file_is_listed(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(folder, 3)
    whole = (folder / "song 002.mid").read_bytes()
    (folder / "song 002.mid").write_bytes(whole + b"\r\n")
    (folder / "twin.mid").write_bytes(whole + b"\0")  # left out, so nothing else is said of it
    corpus = load_folder(folder)
    assert corpus.in_part == (Rejected("song 002.mid", "passed over bytes outside the tracks (2)"),)
    assert corpus.read_in_part == "1 file: 1 passed over bytes outside the tracks"
    assert [file.path for file in corpus.rejected] == ["twin.mid"]
    assert corpus.sha256 == load_folder(folder).sha256
    assert not caplog.messages  # the corpus says it


def test_the_music_is_what_was_written_at_any_frames_per_quarter(folder: Path) -> None:
    fill(folder, 6)
    corpus = load_folder(folder, frames_per_quarter=4)
    finer = {PianoRoll(np.repeat(song(seed).frames, 2, axis=0), 4) for seed in range(6)}
    assert {*corpus.train, *corpus.valid, *corpus.test} == finer


def test_the_split_is_about_80_10_10_and_always_the_same(folder: Path) -> None:
    fill(folder, 200)
    corpus = load_folder(folder)
    train, valid, test = corpus.songs
    assert train + valid + test == 200
    assert 140 <= train <= 180  # three standard deviations and more
    assert 7 <= valid <= 35
    assert 7 <= test <= 35
    again = load_folder(folder)
    assert places(again) == places(corpus)
    assert again.sha256 == corpus.sha256


def test_neither_new_files_nor_new_names_move_a_song(folder: Path) -> None:
    fill(folder, 40)
    before = places(load_folder(folder))
    assert len(set(before.values())) == 3, "choose other seeds: this test is about splits that fill by themselves"
    fill(folder, 10, first=40)
    (folder / "song 000.mid").rename(folder / "zzz.mid")
    after = places(load_folder(folder))
    before["zzz"] = before.pop("song 000")
    assert {title: after[title] for title in before} == before


@pytest.mark.parametrize("first", range(0, 100, 10))
@pytest.mark.parametrize("count", [3, 4, 7])
def test_small_folders_have_a_song_in_every_split(folder: Path, count: int, first: int) -> None:
    fill(folder, count, first)
    corpus = load_folder(folder)
    assert min(corpus.songs) >= 1
    assert sum(corpus.songs) == count


def test_fewer_than_three_songs(folder: Path) -> None:
    fill(folder, 2)
    drums_only(folder / "drums.mid")
    with pytest.raises(CorpusError, match=r"holds 2 usable songs.*needs 3.*drums\.mid: drums only.*Add MIDI"):
        load_folder(folder)


def test_no_song_at_all(folder: Path) -> None:
    with pytest.raises(CorpusError, match="holds 0 usable songs"):
        load_folder(folder)
    for number in range(8):
        (folder / f"{number}.txt").touch()
    with pytest.raises(
        CorpusError, match=r"4\.txt: not a MIDI, MusicXML, Humdrum, ABC or piano-roll file; and 3 more\. Add"
    ):
        load_folder(folder)
    with pytest.raises(CorpusError, match="there is no folder"):
        load_folder(folder / "missing")
    with pytest.raises(CorpusError, match="there is no folder"):
        load_folder(folder / "0.txt")


def long_song(path: Path, pitch: int) -> None:
    """A MIDI file of a few dozen bytes that claims 99,000 frames."""
    on, off = (mido.Message(kind, note=pitch, time=time) for kind, time in (("note_on", 0), ("note_off", 480)))
    later = mido.Message("note_on", note=pitch, time=480 * 49_500)
    mido.MidiFile(tracks=[mido.MidiTrack([on, off, later, off])]).save(path)


def test_a_folder_of_more_frames_than_memory_holds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lmn_music.corpora.folder.MOST_FRAMES", 250_000)
    for number in range(4):
        long_song(folder / f"{number}.mid", 60 + number)
        assert (folder / f"{number}.mid").stat().st_size < 60
    with pytest.raises(CorpusError, match=r"more than 250000 frames, in 3 files of 4: use fewer `frames_per_quarter`"):
        load_folder(folder)
    assert sum(load_folder(folder, frames_per_quarter=1).songs) == 4


def test_names_that_a_terminal_would_obey(folder: Path) -> None:
    fill(folder, 3)
    (folder / "\x1b[31mred\n\u202e.txt").touch()
    (rejected,) = load_folder(folder).rejected
    assert rejected.path == "?[31mred??.txt"


def test_transposed_to_c_each_song_and_twins_in_other_keys_found(folder: Path) -> None:
    for seed in range(5):
        write_roll(song(seed).transposed(seed), folder / f"{seed}.mid")
    write_roll(song(4).transposed(-3), folder / "twin.mid")
    assert sum(load_folder(folder).songs) == 6
    corpus = load_folder(folder, transpose_to_c=True)
    rolls = [*corpus.train, *corpus.valid, *corpus.test]
    assert {find_key(roll)[0] for roll in rolls} == {0}
    assert corpus.rejected == (Rejected("twin.mid", "same music as 4.mid"),)
    assert corpus.provenance.endswith("transposed to C")


def test_a_song_too_wide_to_transpose_is_left_out(folder: Path) -> None:
    fill(folder, 3)
    frames = song(5).transposed(2).frames.copy()
    frames[0, [0, 87]] = True
    write_roll(PianoRoll(frames, 2), folder / "wide.mid")
    assert load_folder(folder, transpose_to_c=True).rejected == (Rejected("wide.mid", "too wide to transpose to C"),)


def test_progress_counts_every_file(folder: Path) -> None:
    fill(folder, 3)
    (folder / "README.txt").touch()
    calls: list[tuple[int, int]] = []
    load_folder(folder, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_files_left_out_are_summed_up_by_kind() -> None:
    short = [Rejected(f"{length}.mid", f"too short ({length} frames, fewer than 16)") for length in range(3)]
    twins = [Rejected("b (1).mid", "same music as a (1).mid"), Rejected("c.mid", "same music as b.mid")]
    lost, damaged = Rejected("lost.mid", "no such file"), Rejected("d.mid", "unreadable (truncated MIDI file)")
    groups = by_kind([lost, *short[:2], damaged, *twins, short[2]])
    assert list(groups.items()) == [
        ("too short", tuple(short)),
        ("same music as another file", tuple(twins)),
        ("no such file", (lost,)),
        ("unreadable", (damaged,)),
    ]
    assert by_kind([]) == {}


def test_a_moved_folder_is_the_same_corpus(folder: Path) -> None:
    fill(folder, 5)
    before = load_folder(folder)
    moved = folder.with_name("Other")
    shutil.move(folder, moved)
    assert load_folder(moved).sha256 == before.sha256


def test_each_tune_of_an_abc_file_is_a_song(tmp_path: Path) -> None:
    tunes = [f"X:{number}\nM:4/4\nL:1/4\nK:C\n" + "CDEF|" * 4 + f"{step}4|\n" for number, step in enumerate("DEFGA", 1)]
    (tmp_path / "tunes.abc").write_text("\n".join(tunes))
    (tmp_path / "one.abc").write_text(tunes[0].replace("D4", "B4"))
    corpus = load_folder(tmp_path)
    assert corpus.songs == (4, 1, 1)
    titles = {song.title for split in (corpus.train, corpus.valid, corpus.test) for song in split}
    assert titles == {"one", *(f"tunes {number}" for number in range(1, 6))}
    assert corpus.rejected == ()
