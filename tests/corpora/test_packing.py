"""Packed corpora: made by several processes, resumed after a kill, read from the disk, no relatives across splits."""

import os
import pickle
import signal
import subprocess
import sys
from multiprocessing import active_children
from pathlib import Path

import datasets
import numpy as np
import pytest

from lmn_music import api
from lmn_music.corpora import load_corpus
from lmn_music.corpora.corpus import SPLITS, lengths_of
from lmn_music.corpora.folder import load_folder
from lmn_music.corpora.index import HEADER, PackHeader, PackSettings, make_index
from lmn_music.corpora.packed import PackedSongs
from lmn_music.corpora.packing import TYPES
from lmn_music.corpora.shards import unpacked, write_table
from lmn_music.corpora.twins import groups
from lmn_music.errors import CorpusError, LmnMusicError, UsageError
from lmn_music.evaluation.relatives import nearest
from lmn_music.formats import write_roll
from lmn_music.music.pianoroll import KEYS, PianoRoll
from lmn_music.music.prints import prints, sketch
from lmn_music.music.tonality import mean_top_key
from tests.cli.helpers import TINY, lmn_music

SONGS = 40


def tune(seed: int, frames: int = 60) -> PianoRoll:
    """A melody over a bass that moves every second frame."""
    random = np.random.default_rng(seed)
    roll = np.zeros((frames, KEYS), dtype=bool)
    roll[np.arange(frames), random.integers(40, 60, size=frames)] = True
    roll[np.arange(frames), np.repeat(random.integers(15, 30, size=frames // 2), 2)] = True
    return PianoRoll(roll, 2)


def altered(song: PianoRoll, semitones: int) -> PianoRoll:
    """The same song in another key, with two frames of silence in the middle."""
    frames = song.transposed(semitones).frames.copy()
    frames[30:32] = False
    return PianoRoll(frames, 2)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of forty songs, a twin and a near twin of some of them, a copy, and a broken file."""
    folder = tmp_path_factory.mktemp("music") / "songs"
    (folder / "more").mkdir(parents=True)
    for seed in range(SONGS):
        write_roll(tune(seed), folder / f"{seed:02}.mid")
    for seed in range(8):
        write_roll(altered(tune(seed), seed - 4), folder / "more" / f"near {seed}.mid")
    write_roll(tune(9).transposed(5), folder / "more" / "twin 9.mid")
    write_roll(tune(10), folder / "more" / "copy 10.mid")
    (folder / "more" / "broken.mid").write_bytes(b"MThd and no more")
    return folder


@pytest.fixture(scope="module")
def packed(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("packed") / "out"
    done: list[tuple[int, int]] = []
    api.pack_corpus(files, out, workers=2, progress=lambda *counts: done.append(counts))
    assert done[-1] == (51, 51)
    assert len(done) == 4  # shards of sixteen files
    return out


def test_it_holds_what_the_folder_holds(files: Path, packed: Path) -> None:
    corpus, folder = load_corpus(packed), load_folder(files)
    ours, theirs = (sorted((hash(song), song.title) for s in SPLITS for song in c.split(s)) for c in (corpus, folder))
    assert ours == theirs
    assert corpus.frames == tuple(sum(map(len, corpus.split(split))) for split in SPLITS)
    assert corpus.mean_top_key == pytest.approx(mean_top_key(corpus.train))
    assert [f"{file.path}: {file.reason}" for file in folder.rejected] == (
        (packed / "left_out.txt").read_text().splitlines()
    )


def test_songs_that_are_alike_are_in_one_split(packed: Path) -> None:
    corpus = load_corpus(packed)
    place = {song.title: split for split in SPLITS for song in corpus.split(split)}
    assert all(place[f"near {seed}"] == place[f"{seed:02}"] for seed in range(8))
    assert place["twin 9"] == place["09"]
    known = {split: prints(corpus.split(split)) for split in SPLITS}
    for split in ("valid", "test"):
        assert not any(one.related for one in nearest(known[split], known["train"]))


def test_near_duplicates_are_left_out_without_reading_again(files: Path, packed: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in packed.glob("0*.arrow")}
    found = api.pack_corpus(files, packed, deduplicate=True)
    assert (found.near_duplicates, found.largest_group, sum(found.songs)) == (9, 2, SONGS)
    assert found.left_out["near-duplicate"] == 9
    assert sum(found.left_out.values()) == found.files - SONGS
    assert "more/twin 9.mid: near-duplicate (09.mid)" in (packed / "left_out.txt").read_text()
    again = api.pack_corpus(files, packed)
    assert sum(again.songs) == SONGS + 9
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_killed_packing_resumes(files: Path, tmp_path: Path) -> None:
    """The first shard is written; the process is killed; the workers end; the same command does the rest."""
    out = tmp_path / "out"
    program = f"""
import os, signal
from pathlib import Path
from lmn_music.corpora.packing import pack
if __name__ == "__main__":
    pack(Path({str(files)!r}), Path({str(out)!r}), workers=1, progress=lambda *_: os.kill(os.getpid(), signal.SIGKILL))
"""
    script = tmp_path / "killed.py"
    script.write_text(program)
    killed = subprocess.run([sys.executable, str(script)], check=False, stdin=subprocess.DEVNULL)
    assert killed.returncode == -signal.SIGKILL
    first = {path.name: path.stat().st_mtime_ns for path in out.glob("0*.arrow")}
    assert not (out / "corpus.json").exists()
    assert len(first) >= 1
    others = set(active_children())  # processes that another test of this process left
    found = api.pack_corpus(files, out, workers=1)
    assert found.files == 51
    assert {name: (out / name).stat().st_mtime_ns for name in first} == first
    assert set(active_children()) <= others


def test_the_hash_is_that_of_the_content(files: Path, packed: Path, tmp_path: Path) -> None:
    other = api.pack_corpus(files, tmp_path / "other", workers=1)
    assert other.sha256 == load_corpus(packed).sha256
    coarser = api.pack_corpus(files, tmp_path / "coarser", workers=1, frames_per_quarter=1)
    assert coarser.sha256 != other.sha256


def test_commands_take_it_like_any_corpus(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lmn_music("train", packed, "--out", "run", "--recipe", "lmn", *TINY)
    assert "nats per frame" in lmn_music("evaluate", "run")
    lmn_music("corpora", "show", packed, "--song", "3", "--out", "song.mid")
    assert Path("song.mid").exists()
    assert "1 per quarter" not in lmn_music("train", "--resume", "run")
    message = lmn_music("train", packed, "--to-c", code=2)
    assert message.startswith("error: ")
    assert "pack its files again" in message


def test_songs_stay_on_the_disk(packed: Path) -> None:
    songs = load_corpus(packed).train
    assert isinstance(songs, PackedSongs)
    assert lengths_of(songs).tolist() == [len(song) for song in songs]
    assert [song.title for song in songs[3:9:2]] == [songs[3].title, songs[5].title, songs[7].title]
    assert songs[-1] == songs[len(songs) - 1]
    with pytest.raises(IndexError):
        songs[len(songs)]
    pickled = pickle.dumps(songs)
    assert len(pickled) < 2_000 + 12 * len(songs)
    assert pickle.loads(pickled)[0] == songs[0]  # noqa: S301 - our own


def test_hugging_face_datasets_opens_a_shard(packed: Path) -> None:
    shard = datasets.Dataset.from_file(str(packed / "00000.arrow"))
    corpus = load_corpus(packed)
    song = next(song for split in SPLITS for song in corpus.split(split) if song.title == "03")
    (row,) = [row for row in shard if row["path"] == "03.mid"]
    assert np.array_equal(unpacked(row["frames"]), song.frames)


def test_what_is_damaged_or_foreign_is_one_line(files: Path, packed: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="other files or with other options"):
        api.pack_corpus(files, packed, to_c=True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        api.pack_corpus(files, tmp_path / "full")
    (tmp_path / "few").mkdir()
    for number, semitones in enumerate((0, 3, 5)):
        write_roll(tune(1).transposed(semitones), tmp_path / "few" / f"{number}.mid")
    with pytest.raises(CorpusError, match="holds 1 usable songs that are not alike"):
        api.pack_corpus(tmp_path / "few", tmp_path / "out", workers=1)
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in packed.iterdir():
        (broken / path.name).write_bytes(path.read_bytes()[: -200 if path.name == "00000.arrow" else None])
    with pytest.raises(CorpusError, match="pack again"):
        list(load_corpus(broken).train)
    (broken / "index.arrow").write_bytes((packed / "00001.arrow").read_bytes())
    with pytest.raises(CorpusError, match=r"index.arrow is damaged"):
        load_corpus(broken)
    (broken / "corpus.json").write_text('{"format_version": 9}')
    with pytest.raises(CorpusError, match="another version"):
        load_corpus(broken)


def test_a_missing_package_is_one_line(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(LmnMusicError, match=r"pip install 'lmn-music\[scale\]'"):
        api.pack_corpus(files, tmp_path / "out")


def test_sketches_estimate_what_sets_have_in_common() -> None:
    names = [os.urandom(16) for _ in range(400)]
    for shared in (0, 100, 200, 300):
        one, other = sketch(set(names[:300])), sketch(set(names[300 - shared :][:300]))
        assert one is not None
        assert other is not None
        union = 300 + len(set(names[300 - shared :][:300]) - set(names[:300]))
        both = 300 + len(names[300 - shared :][:300]) - union
        assert (one == other).mean() == pytest.approx(both / union, abs=0.25)  # four standard deviations
    assert sketch(set()) is None


def test_groups_are_chains_of_songs_that_are_alike() -> None:
    songs = [tune(1), altered(tune(1), 3), tune(2), tune(2).transposed(-4), tune(3)]
    found = prints(songs)
    wholes = [next(iter(one.whole)) for one in found]
    sketches = np.stack([one for one in (sketch(each.texture) for each in found) if one is not None])
    assert groups(wholes, [(np.arange(5), sketches)]).tolist() == [0, 0, 1, 1, 2]
    assert groups(wholes, []).tolist() == [0, 1, 2, 2, 3]


def test_splits_have_their_shares_whatever_the_names_are(tmp_path: Path) -> None:
    """In music of two voices all names of songs are even, and their lowest bytes are few."""
    rows, names = [], [next(iter(one.whole)) for one in prints(tune(seed, frames=20) for seed in range(400))]
    for number, name in enumerate(names):
        rows.append({"path": f"{number:03}.mid", "length": 20, "top_keys": 0, "sounding": 0, "whole": name})
        rows[-1]["music"] = number.to_bytes(32, "big")
    columns = {name: (kind, [row.get(name) for row in rows]) for name, kind in TYPES.items()}
    write_table(tmp_path / "00000.arrow", columns)
    settings = PackSettings(files=400, names="", folder="tunes", frames_per_quarter=2, to_c=False)
    make_index(tmp_path, settings, [tmp_path / "00000.arrow"], deduplicate=False)
    found = PackHeader.model_validate_json((tmp_path / HEADER).read_text())
    assert sum(found.songs) == 400
    assert found.songs == pytest.approx((320, 40, 40), abs=24)  # four standard deviations of a split of a tenth
