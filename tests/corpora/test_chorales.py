"""The stand-in corpus: read as music21 reads it, sampled and split as the benchmark is, sharing none of its test."""

import csv
import difflib
import math
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lmn_music.corpora import BENCHMARKS, SPLITS, Corpus, chorales, load_benchmark, load_corpus
from lmn_music.corpora.chorales import _VOICES, chorale_split, corpus_folder, load_chorales, read_chorale
from lmn_music.corpora.corpus import content_sha256
from lmn_music.errors import CorpusError, LmnMusicError, UsageError
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.resources import resource

pytestmark = pytest.mark.slow  # reading all chorales takes seconds

NOTE = "<note>{}<duration>{}</duration></note>"
HEAD = "<attributes><divisions>6</divisions><time><beats>2</beats><beat-type>4</beat-type></time></attributes>"


def table() -> list[dict[str, str]]:
    with resource("data", "chorales_split.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["music21_file"]]


def of_music21(path: Path, *, transposition: int = 0, repeats: bool = False) -> np.ndarray:
    """Read a chorale with music21's own parser, which takes a hundred times as long: the oracle."""
    import music21

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # music21 speaks of what it mends in a score
        score = music21.converter.parse(path, forceSource=True)
        assert isinstance(score, music21.stream.Score)
        score = score.expandRepeats() if repeats else score
    parts = [part.flatten() for part in score.parts if part.partName.lower().startswith(_VOICES)]
    frames = np.zeros((math.ceil(max(part.notes.stream().highestTime for part in parts)), 88), dtype=bool)
    for note in (note for part in parts for note in part.notes if not note.duration.isGrace):
        begin, end = math.ceil(note.offset), math.ceil(note.offset + note.quarterLength)
        for pitch in note.pitches:
            frames[begin:end, pitch.midi + transposition - 21] = True
    return frames


def pitch(name: str, alter: int = 0) -> str:
    return f"<pitch><step>{name[0]}</step><alter>{alter}</alter><octave>{name[1]}</octave></pitch>"


def score(tmp_path: Path, soprano: str, rest: str) -> Path:
    """Write a score: the soprano, three voices that are alike, and an instrument that is not to be heard."""
    names = ("Soprano", "Alto", "Tenor", "Bass", "Timpani")
    heads = "".join(f'<score-part id="P{i}"><part-name>{name}</part-name></score-part>' for i, name in enumerate(names))
    parts = "".join(f'<part id="P{i}">{soprano if i == 0 else rest}</part>' for i in range(len(names)))
    path = tmp_path / "made.mxl"
    with zipfile.ZipFile(path, "w") as archive:
        container = '<container><rootfiles><rootfile full-path="a/made.xml"/></rootfiles></container>'
        archive.writestr("META-INF/container.xml", container)
        text = f'<score-partwise version="3.0"><part-list>{heads}</part-list>{parts}</score-partwise>'
        archive.writestr("a/made.xml", text)
    return path


def measures(*contents: str) -> str:
    return "".join(f'<measure number="{i}">{content}</measure>' for i, content in enumerate(contents))


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_chorales()


def test_counts(corpus: Corpus) -> None:
    assert (corpus.songs, corpus.frames) == (chorales.SONGS, chorales.FRAMES)
    assert corpus.rejected == ()
    assert "bwv366" in [song.title for song in corpus.test]  # the one that music21 has as Humdrum alone
    assert not corpus.comparable
    assert corpus.frames_per_quarter == 1
    assert load_corpus("chorales") is corpus  # read once per process
    with pytest.raises(UsageError, match="train, valid or test"):
        corpus.split("dev")


def test_hash_names_the_music_and_its_split(corpus: Corpus) -> None:
    assert corpus.sha256 == content_sha256(corpus.train, corpus.valid, corpus.test)
    assert corpus.sha256 != content_sha256(corpus.train + corpus.valid, (), corpus.test)
    assert corpus.sha256 != content_sha256(corpus.train, corpus.valid, corpus.test[::-1])


def test_range_and_density_are_those_of_the_benchmark(corpus: Corpus) -> None:
    frames = np.concatenate([roll.frames for split in SPLITS for roll in corpus.split(split)])
    keys = np.flatnonzero(frames.any(axis=0)) + 21
    assert (keys.min(), keys.max()) == (43, 96)  # as in JSB Chorales
    assert frames.sum(axis=1).mean() == pytest.approx(3.9, abs=0.1)
    # Four in ten silent frames are the interludes of BWV 79.3, which the benchmark leaves out.
    assert (~frames.any(axis=1)).mean() < 0.02


def test_no_chorale_is_in_two_splits() -> None:
    split_of: dict[str, set[str]] = {}
    for chorale in chorale_split():
        split_of.setdefault(chorale.file, set()).add(chorale.split)
    assert {len(splits) for splits in split_of.values()} == {1}
    assert split_of["bwv414.mxl"] == {"valid"}  # the benchmark has it in train and valid
    assert split_of["bwv36.8-2.mxl"] == {"test"}  # valid and test
    assert split_of["bwv281.mxl"] == {"valid"}  # under the name of its Humdrum twin


def test_the_strictest_split_reaches_all_files_with_the_same_music(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["split,music21_file,transposition,variant,status,other_files"]
    lines += ["train,a.mxl,1,satb,match,b.mxl", "valid,b.mxl,2,satb,match,c.mxl", "test,c.mxl,3,satb+rep,match,"]
    lines += [
        "train,d.mxl,4,satb,match,",
        "train,,,,none,",
        "train,c.mxl,5,satb,match,",
        "valid,e.krn,6,satb,match,d.mxl",
    ]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    monkeypatch.setattr(chorales, "resource", lambda *_: tmp_path / "table.csv")
    assert [(c.file, c.split, c.transposition, c.repeats) for c in chorale_split()] == [
        ("c.mxl", "test", 3, True),
        ("b.mxl", "test", 2, False),
        ("d.mxl", "valid", 6, False),
        ("a.mxl", "test", 1, False),
    ]


def test_nothing_of_the_benchmarks_test_or_valid_split_is_trained_on() -> None:
    trained = {chorale.file for chorale in chorale_split() if chorale.split == "train"}
    kept = {chorale.file for chorale in chorale_split() if chorale.split != "test"}
    for row in table():
        files = {row["music21_file"], row["other_files"]}
        assert row["split"] == "train" or not files & trained
        assert row["split"] != "test" or not files & kept


@pytest.mark.slow
def test_no_training_song_is_a_held_out_song_of_the_benchmark_in_another_key(
    corpus: Corpus, benchmark_folder: Path
) -> None:
    """Compare frame by frame: intervals above the lowest note, and its step from the frame before."""

    def relative(roll: PianoRoll) -> list[tuple[int, ...]]:
        keys = [np.flatnonzero(frame) for frame in roll.frames]
        lowest = [int(k[0]) if len(k) else 0 for k in keys]
        return [(low - last, *(k - low)) for k, low, last in zip(keys, lowest, [lowest[0], *lowest], strict=False)]

    jsb = load_benchmark(BENCHMARKS["jsb"], benchmark_folder)
    held_out = [relative(roll) for roll in jsb.valid + jsb.test]
    counted = [Counter(song) for song in held_out]
    for roll in corpus.train:
        song = relative(roll)
        for other, count in zip(held_out, counted, strict=True):
            if (Counter(song) & count).total() > 0.3 * min(len(song), len(other)):  # else the ratio is low as well
                # The same tune in a similar setting comes to 0.65; the benchmark's own splits share as much.
                assert difflib.SequenceMatcher(None, song, other, autojunk=False).ratio() < 0.7, roll.title


def stand_in_of(row: dict[str, str]) -> PianoRoll:
    path = corpus_folder() / row["music21_file"]
    return read_chorale(path, int(row["transposition"]), row["variant"] == "satb+rep")


def test_24_songs_are_the_benchmarks_frame_for_frame(benchmark_folder: Path) -> None:
    jsb = load_benchmark(BENCHMARKS["jsb"], benchmark_folder)
    exact = [row for row in table() if row["exact"] == "1"]
    assert len(exact) == 24
    for row in exact:
        assert stand_in_of(row) == jsb.split(row["split"])[int(row["index"])], row["music21_file"]


@pytest.mark.slow
def test_similarity_to_the_benchmark(benchmark_folder: Path) -> None:
    """The similarity of two songs: 2 M / (m + n), with M frames in common in the same order, of m and n (difflib)."""
    jsb = load_benchmark(BENCHMARKS["jsb"], benchmark_folder)
    similarities = []
    for row in table():
        if row["music21_file"].endswith(".krn"):
            continue
        found, expected = stand_in_of(row), jsb.split(row["split"])[int(row["index"])]
        a, b = ([frame.tobytes() for frame in roll.frames] for roll in (found, expected))
        similarities.append(difflib.SequenceMatcher(None, a, b, autojunk=False).ratio())
        assert (found == expected) == (row["exact"] == "1"), row["music21_file"]
    assert np.median(similarities) == pytest.approx(0.953, abs=0.002)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "repeats"),
    [
        ("bwv8.6.mxl", False),  # numbered endings
        ("bwv315.mxl", True),  # grace notes
        ("bwv116.6.mxl", False),  # a `forward` at the end
        ("bwv321.mxl", True),  # repeats
        ("bwv41.6.mxl", True),  # instruments beside the voices
        ("bwv67.4.xml", False),  # not zipped
        ("bwv30.6.mxl", True),
    ],
)
def test_music21_reads_the_same(name: str, repeats: bool) -> None:
    path = corpus_folder() / name
    roll = read_chorale(path, -2, repeats)
    np.testing.assert_array_equal(roll.frames, of_music21(path, transposition=-2, repeats=repeats))


def test_made_score_with_every_sign(tmp_path: Path) -> None:
    """A pickup, a chord, a grace note, a rest, a tie, a triplet, `backup`, `forward`, and notes off the beat."""
    chord = NOTE.format(pitch("E5"), 6) + NOTE.format("<chord/>" + pitch("G5"), 6)
    grace = f"<note><grace/>{pitch('B5')}</note>"
    rest = NOTE.format("<rest/>", 6)
    backup, forward = "<backup><duration>6</duration></backup>", "<forward><duration>6</duration></forward>"
    soprano = measures(
        HEAD + NOTE.format(pitch("C5"), 6),
        chord + grace + rest,
        NOTE.format(pitch("F5", 1) + '<tie type="start"/>', 12),
        NOTE.format(pitch("F5", 1) + '<tie type="stop"/>', 6) + "".join(NOTE.format(pitch("A5", -1), 2) for _ in "123"),
        NOTE.format(pitch("D5"), 12) + backup + NOTE.format(pitch("B4"), 6),
        NOTE.format(pitch("D5"), 9) + NOTE.format(pitch("E5"), 3),  # the E falls between two frames
        NOTE.format(pitch("C5"), 6) + forward,
    )
    others = measures(
        HEAD + NOTE.format(pitch("C3"), 6), *[NOTE.format(pitch("C3"), 12)] * 5, NOTE.format(pitch("C3"), 6)
    )
    path = score(tmp_path, soprano, others)
    roll = read_chorale(path, 0, repeats=False)
    sounding = [set(np.flatnonzero(frame) + 21) - {48} for frame in roll.frames]
    assert sounding == [{72}, {76, 79}, set(), {78}, {78}, {78}, {80}, {74}, {74, 71}, {74}, {74}, {72}]
    assert read_chorale(path, 5, repeats=False) == roll.transposed(5)
    np.testing.assert_array_equal(of_music21(path), roll.frames)


def test_repeats_and_endings(tmp_path: Path) -> None:
    def bar(name: str, left: str = "", right: str = "") -> str:
        ends = [
            f'<barline location="{side}">{sign}</barline>' for side, sign in (("left", left), ("right", right)) if sign
        ]
        return "".join([*ends[: bool(left)], NOTE.format(pitch(name), 12), *ends[bool(left) :]])

    forward, backward = '<repeat direction="forward"/>', '<repeat direction="backward"/>'
    ending = '<ending number="{}" type="{}"/>'
    part = measures(
        HEAD + bar("C4"),
        bar("D4", right=backward),  # repeats from the beginning
        bar("E4", forward),
        bar("F4", ending.format(1, "start"), ending.format(1, "stop") + backward),
        bar("G4", ending.format(2, "start"), ending.format(2, "stop")),
        bar("A4"),
    )
    path = score(tmp_path, part, part)
    played = [int(np.flatnonzero(frame)[0]) + 21 for frame in read_chorale(path, 0, repeats=True).frames[::2]]
    assert played == [60, 62, 60, 62, 64, 65, 64, 67, 69]
    assert len(read_chorale(path, 0, repeats=False)) == 12
    np.testing.assert_array_equal(of_music21(path, repeats=True), read_chorale(path, 0, repeats=True).frames)


@pytest.mark.parametrize("content", [b"", b"<score-partwise/>", b"PK\x05\x06" + bytes(18)])
@pytest.mark.parametrize("suffix", ["mxl", "xml"])
def test_damaged_score(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"made.{suffix}"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=r"cannot be read.*install it again"):
        read_chorale(path, 0, repeats=False)


def test_a_resource_that_is_missing() -> None:
    with pytest.raises(LmnMusicError, match="install lmn-music again"):
        resource("checkpoints", "no-such-file")
