"""The four corpora are found, fetched, verified and read, and nothing else passes for them."""

import hashlib
import io
import os
import pickle
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.io import savemat

from lmn_music.corpora import BENCHMARKS, SPLITS, Corpus, benchmark_files, load_benchmark, load_corpus
from lmn_music.corpora.benchmark import read_benchmark
from lmn_music.corpora.benchmark_table import Benchmark, Source
from lmn_music.corpora.pitch_pickle import read_pitches
from lmn_music.errors import CorpusError, CorpusUnavailableError, LmnMusicError, UsageError
from tests.helpers import no_file_above

FILES = {"jsb": "JSB_Chorales.mat", "nottingham": "Nottingham.mat", "muse": "MuseData.mat", "piano": "Piano_midi.mat"}
LARGE = [pytest.param(name, marks=pytest.mark.slow) if name in ("nottingham", "muse") else name for name in FILES]
TINY: dict[str, list[list[tuple[int, ...]]]] = {
    "train": [[(60, 64), ()], [(67,)]],
    "valid": [[(21,)]],
    "test": [[(108,), (), (60,)]],
}


def python2_pickle(value: Any) -> bytes:
    """Serialise as Python 2 did with protocol 2: byte strings, and numpy's integers as numpy.core.multiarray.scalar."""

    def ops(value: Any) -> bytes:
        match value:
            case dict():
                return b"}" + b"".join(ops(key) + ops(item) + b"s" for key, item in value.items())
            case list():
                return b"](" + b"".join(map(ops, value)) + b"e"
            case tuple():
                return b"(" + b"".join(map(ops, value)) + b"t"
            case str() | bytes():
                raw = value.encode() if isinstance(value, str) else value
                return b"U" + bytes([len(raw)]) + raw
            case np.integer():
                state = ops(3) + ops("<") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + ops(0)
                dtype = b"cnumpy\ndtype\n" + ops("i8") + ops(0) + ops(1) + b"\x87R(" + state + b"tb"
                return b"cnumpy.core.multiarray\nscalar\n" + dtype + ops(value.tobytes()) + b"\x86R"
            case int():
                return b"K" + bytes([value])
        raise TypeError(type(value))

    return b"\x80\x02" + ops(value) + b"."


def as_pitches(corpus: Corpus, kind: type = int) -> dict[str, list[list[tuple[Any, ...]]]]:
    return {
        split: [
            [tuple(kind(k + 21) for k in np.flatnonzero(frame)) for frame in song.frames]
            for song in corpus.split(split)
        ]
        for split in SPLITS
    }


def write(spec: Benchmark, path: Path, content: bytes) -> Benchmark:
    """Put `content` there, and return the specification that takes it for the benchmark's."""
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    sources = tuple(replace(s, sha256=sha256) if s.file.endswith(path.suffix) else s for s in spec.sources)
    return replace(spec, sources=sources)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from this machine's data, cache and proxies."""
    monkeypatch.delenv(benchmark_files.DATA_VARIABLE, raising=False)
    monkeypatch.setenv(benchmark_files.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def tiny() -> tuple[Benchmark, bytes]:
    """Return a corpus of four songs at addresses where nobody listens, and its pickle."""
    content = python2_pickle(TINY)
    sha256 = hashlib.sha256(content).hexdigest()
    addresses = ("http://127.0.0.1:9/tiny.pickle", "http://127.0.0.1:9/Tiny%20Corpus.pickle")
    sources = tuple(Source(address, sha256) for address in addresses)
    return replace(BENCHMARKS["jsb"], sources=sources, songs=(2, 1, 1), frames=(3, 1, 3)), content


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve a folder on the loopback address; give the folder and its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def test_file_names_are_the_last_part_of_the_address() -> None:
    assert Source("http://host/~someone/JSB%20Chorales.pickle", "").file == "JSB Chorales.pickle"
    assert all(len(spec.sources) == 3 and len({s.sha256 for s in spec.sources}) == 2 for spec in BENCHMARKS.values())


@pytest.mark.parametrize("name", FILES)
def test_mat_has_the_published_counts(name: str, benchmark_folder: Path) -> None:
    corpus = load_corpus(name, benchmark_folder, download=False)
    spec = BENCHMARKS[name]
    assert (corpus.songs, corpus.frames) == (spec.songs, spec.frames)
    assert corpus.comparable
    assert corpus.provenance == f"{FILES[name]} (benchmark)"
    assert {roll.frames_per_quarter for split in SPLITS for roll in corpus.split(split)} == {corpus.frames_per_quarter}


def test_jsb_has_its_known_notes_and_empty_frames(benchmark_folder: Path) -> None:
    frames = np.concatenate([roll.frames for roll in load_corpus("jsb", benchmark_folder).test])
    assert frames.sum() / len(frames) == pytest.approx(3.887, abs=5e-4)
    assert 100 * (~frames.any(axis=1)).mean() == pytest.approx(0.36, abs=5e-3)


@pytest.mark.parametrize("name", LARGE)
def test_pickle_gives_the_same_corpus_as_the_mat(name: str, benchmark_folder: Path, tmp_path: Path) -> None:
    expected = load_corpus(name, benchmark_folder)
    kind = np.int64 if name == "jsb" else int  # the original pickles hold both
    path = tmp_path / BENCHMARKS[name].sources[1].file
    spec = write(BENCHMARKS[name], path, python2_pickle(as_pitches(expected, kind)))
    corpus = load_benchmark(spec, tmp_path, download=False)
    assert (corpus.songs, corpus.frames) == (spec.songs, spec.frames)
    assert all(corpus.split(split) == expected.split(split) for split in SPLITS)


pitches = st.lists(st.sets(st.integers(21, 108), max_size=6).map(lambda s: tuple(sorted(s))), min_size=1, max_size=8)
songs = st.lists(pitches, min_size=1, max_size=3)


@given(st.fixed_dictionaries(dict.fromkeys(SPLITS, songs)), st.sampled_from([int, np.int64]))
def test_pickle_round_trip(tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any], kind: type) -> None:
    numbers = {split: [[tuple(map(kind, f)) for f in song] for song in content[split]] for split in SPLITS}
    path = tmp_path_factory.mktemp("pickle") / "jsb_chorales.pickle"
    spec = write(BENCHMARKS["jsb"], path, python2_pickle(numbers))
    counts = [(len(content[split]), sum(map(len, content[split]))) for split in SPLITS]
    (a, x), (b, y), (c, z) = counts
    corpus = read_benchmark(replace(spec, songs=(a, b, c), frames=(x, y, z)), path)
    assert as_pitches(corpus) == content


# Each asks for all of the memory: a string, bytes, a bytearray and a frame of 2^56 bytes, an object with a high number.
@example(content=b"\x8d" + (1 << 56).to_bytes(8, "little"), suffix="pickle")
@example(content=b"\x8e" + (1 << 56).to_bytes(8, "little"), suffix="pickle")
@example(content=b"\x96" + (1 << 56).to_bytes(8, "little"), suffix="pickle")
@example(content=b"\x95" + (1 << 56).to_bytes(8, "little"), suffix="pickle")
@example(content=b"Nr\xff\xff\xff\xff.", suffix="pickle")
@example(content=b"Np4294967295\n.", suffix="pickle")
@given(content=st.binary(max_size=300), suffix=st.sampled_from(["mat", "pickle"]))
def test_no_content_makes_the_readers_fail_in_another_way(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("damaged") / f"x.{suffix}"
    spec = replace(BENCHMARKS["jsb"], sources=(Source(f"http://127.0.0.1:9/x.{suffix}", ""),))
    with pytest.raises(CorpusError):
        read_benchmark(write(spec, path, content), path)


def test_a_frame_of_a_pickle_holds_no_frame() -> None:
    """The unpickler would say that it is out of memory."""
    content = pickle.dumps({split: [[(60, 64)]] for split in SPLITS}, protocol=4)
    assert set(read_pitches(content)) == set(SPLITS)
    within = content[:2] + b"\x95" + (len(content) - 2).to_bytes(8, "little") + content[2:]
    with pytest.raises(ValueError, match="a frame within a frame"):
        read_pitches(within)


@pytest.mark.parametrize("kept", [0, 100, 128, 136, 1000, 90_000])
def test_truncated_mat_is_damaged(kept: int, benchmark_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "JSB_Chorales.mat"
    spec = write(BENCHMARKS["jsb"], path, (benchmark_folder / path.name).read_bytes()[:kept])
    with pytest.raises(CorpusError, match="damaged"):
        load_benchmark(spec, tmp_path)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_malicious_pickle_is_refused_and_runs_nothing(protocol: int, tmp_path: Path) -> None:
    marker = tmp_path / "it-ran"

    class Malicious:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {marker}",)

    path = tmp_path / "jsb_chorales.pickle"
    spec = write(BENCHMARKS["jsb"], path, pickle.dumps({"train": [Malicious()]}, protocol=protocol))
    with pytest.raises(CorpusError, match=r"system, which is refused"):
        load_benchmark(spec, tmp_path)
    assert not marker.exists()


@pytest.mark.parametrize(
    "harmful", [b"cbuiltins\neval\n.", b"cnumpy\nload\n.", b"cnumpy.core.multiarray\n_reconstruct\n."]
)
def test_no_other_global_is_given(harmful: bytes, tmp_path: Path) -> None:
    path = tmp_path / "jsb_chorales.pickle"
    with pytest.raises(CorpusError, match="refused"):
        load_benchmark(write(BENCHMARKS["jsb"], path, harmful), tmp_path)


def test_pickled_objects_are_no_pitches(tmp_path: Path) -> None:
    path = tmp_path / "jsb_chorales.pickle"
    with pytest.raises(CorpusError, match="type O8"):
        load_benchmark(write(BENCHMARKS["jsb"], path, b"\x80\x02cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R."), tmp_path)


@pytest.mark.parametrize("pitch", [20, 109])
def test_pitch_off_the_keyboard_is_damage(pitch: int, tmp_path: Path) -> None:
    path = tmp_path / "jsb_chorales.pickle"
    spec = write(BENCHMARKS["jsb"], path, python2_pickle(TINY | {"train": [[(pitch,)]]}))
    with pytest.raises(CorpusError, match="damaged"):
        load_benchmark(spec, tmp_path)


def test_right_hash_but_wrong_counts_is_an_error(tiny: tuple[Benchmark, bytes], tmp_path: Path) -> None:
    spec, content = tiny
    (tmp_path / "tiny.pickle").write_bytes(content)
    with pytest.raises(CorpusError, match=r"\(2, 1, 1\) songs"):
        load_benchmark(replace(spec, songs=(3, 1, 1)), tmp_path)


def test_mat_of_four_songs(tmp_path: Path) -> None:
    def cells(song_list: list[list[tuple[int, ...]]]) -> np.ndarray:
        array = np.empty((1, len(song_list)), dtype=object)
        for i, song in enumerate(song_list):
            array[0, i] = np.array([[p + 21 in frame for p in range(88)] for frame in song], dtype=np.uint8)
        return array

    path = tmp_path / "JSB_Chorales.mat"
    savemat(path, {f"{split}data": cells(TINY[split]) for split in SPLITS})
    spec = replace(write(BENCHMARKS["jsb"], path, path.read_bytes()), songs=(2, 1, 1), frames=(3, 1, 3))
    assert as_pitches(load_benchmark(spec, tmp_path)) == TINY


def test_look_up_order(
    tiny: tuple[Benchmark, bytes], tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, content = tiny
    named, variable = tmp_path / "named", tmp_path / "variable"
    for folder in (named, variable, cache):
        folder.mkdir()
    monkeypatch.setenv(benchmark_files.DATA_VARIABLE, str(variable))
    with pytest.raises(CorpusUnavailableError, match="`data`"):
        benchmark_files.obtain(spec, named, download=False)
    for folder in (cache, variable, named):  # each new file comes before the ones already there
        (folder / "Tiny Corpus.pickle").write_bytes(content)
        assert benchmark_files.obtain(spec, named, download=False) == folder / "Tiny Corpus.pickle"
    (named / "tiny.pickle").write_bytes(content)
    assert benchmark_files.obtain(spec, named, download=False) == named / "tiny.pickle"


@pytest.mark.parametrize("origin", ["data", "variable"])
def test_a_users_file_with_another_hash_is_an_error(
    origin: str, tiny: tuple[Benchmark, bytes], tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, content = tiny
    cache.mkdir()
    (cache / "tiny.pickle").write_bytes(content)  # a good copy further on does not hide the bad one
    (tmp_path / "tiny.pickle").write_bytes(content + b"x")
    if origin == "variable":
        monkeypatch.setenv(benchmark_files.DATA_VARIABLE, str(tmp_path))
    with pytest.raises(CorpusError, match="SHA-256"):
        load_benchmark(spec, tmp_path if origin == "data" else None)


def test_a_folder_that_is_none(tiny: tuple[Benchmark, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, content = tiny
    with pytest.raises(UsageError, match="`data`"):
        load_benchmark(spec, tmp_path / "missing")
    monkeypatch.setenv(benchmark_files.DATA_VARIABLE, str(tmp_path / "missing"))
    with pytest.raises(UsageError, match=benchmark_files.DATA_VARIABLE):
        load_benchmark(spec)
    (tmp_path / "tiny.pickle").write_bytes(content)
    assert load_benchmark(spec, tmp_path).songs == spec.songs  # found before the variable's turn comes


def at(spec: Benchmark, *addresses: str) -> Benchmark:
    return replace(spec, sources=tuple(Source(address, spec.sources[0].sha256) for address in addresses))


def test_download(tiny: tuple[Benchmark, bytes], server: tuple[Path, str], cache: Path) -> None:
    (spec, content), (folder, address) = tiny, server
    (folder / "tiny.pickle").write_bytes(content)
    spec = at(spec, f"{address}/tiny.pickle")
    assert as_pitches(load_benchmark(spec)) == TINY
    assert [path.name for path in cache.iterdir()] == ["tiny.pickle"]
    (folder / "tiny.pickle").unlink()
    assert as_pitches(load_benchmark(spec)) == TINY  # now from the cache


def test_download_from_the_second_address(tiny: tuple[Benchmark, bytes], server: tuple[Path, str], cache: Path) -> None:
    (spec, content), (folder, address) = tiny, server
    (folder / "Tiny Corpus.pickle").write_bytes(content)
    spec = at(spec, f"{address}/tiny.pickle", f"{address}/Tiny%20Corpus.pickle")
    assert as_pitches(load_benchmark(spec)) == TINY
    assert [path.name for path in cache.iterdir()] == ["Tiny Corpus.pickle"]


def test_download_of_another_file_leaves_nothing_behind(
    tiny: tuple[Benchmark, bytes], server: tuple[Path, str], cache: Path
) -> None:
    (spec, content), (folder, address) = tiny, server
    (folder / "tiny.pickle").write_bytes(content + b"x")
    with pytest.raises(CorpusUnavailableError, match="gave another file"):
        load_benchmark(at(spec, f"{address}/tiny.pickle"))
    assert list(cache.iterdir()) == []


def test_damaged_file_in_the_cache_is_fetched_again(
    tiny: tuple[Benchmark, bytes], server: tuple[Path, str], cache: Path
) -> None:
    (spec, content), (folder, address) = tiny, server
    cache.mkdir()
    (cache / "tiny.pickle").write_bytes(content[:10])
    (folder / "tiny.pickle").write_bytes(content)
    assert as_pitches(load_benchmark(at(spec, f"{address}/tiny.pickle"))) == TINY


def test_dead_addresses_are_named_with_the_way_out(
    tiny: tuple[Benchmark, bytes], server: tuple[Path, str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark_files, "TIMEOUT", (0.1, 0.1))
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as closed:
        silent_port, closed_port = silent.getsockname()[1], closed.getsockname()[1]
        closed.close()
        spec = at(
            tiny[0],
            f"http://127.0.0.1:{closed_port}/a.pickle",
            f"{server[1]}/b.pickle",
            f"http://127.0.0.1:{silent_port}/c.pickle",
        )
        with pytest.raises(CorpusUnavailableError) as caught:
            load_benchmark(spec)
    message = str(caught.value)
    assert "\n" not in message
    for part in ("no connection", "answered 404", "no answer in time", "`data`", "chorales", "a.pickle or b.pickle"):
        assert part in message
    assert list(cache.iterdir()) == []


def test_cache_that_cannot_be_written(tiny: tuple[Benchmark, bytes], cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(CorpusUnavailableError, match="cannot write"):
        load_benchmark(tiny[0])


def test_a_download_without_room_for_it(tiny: tuple[Benchmark, bytes], server: tuple[Path, str], cache: Path) -> None:
    (spec, content), (folder, address) = tiny, server
    (folder / "tiny.pickle").write_bytes(content)
    with no_file_above(10), pytest.raises(CorpusUnavailableError, match=r"cannot write .*cache/tiny.pickle \(File too"):
        load_benchmark(at(spec, f"{address}/tiny.pickle"))
    assert list(cache.iterdir()) == []


@pytest.mark.usefixtures("cache")
def test_a_server_that_sends_more_than_any_benchmark_has(
    tiny: tuple[Benchmark, bytes], server: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (spec, content), (folder, address) = tiny, server
    monkeypatch.setattr(benchmark_files, "LARGEST", 100_000)
    (folder / "tiny.pickle").write_bytes(content + bytes(200_000))
    with pytest.raises(CorpusUnavailableError, match="gave another file"):
        load_benchmark(at(spec, f"{address}/tiny.pickle"))


def test_no_reader_receives_a_file_whose_hash_is_not_known(
    benchmark_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SciPy's reader may crash on a hostile file: what it is given are the bytes that were verified."""
    given = []

    def loadmat(content: io.BytesIO) -> dict[str, object]:
        given.append(content.getvalue())
        return {}

    monkeypatch.setattr("scipy.io.loadmat", loadmat)
    good = (benchmark_folder / "JSB_Chorales.mat").read_bytes()
    path = tmp_path / "JSB_Chorales.mat"
    for hostile in (b"", good[:-1], good + b"x", b"MATLAB 5.0 MAT-file" + bytes(200)):
        path.write_bytes(hostile)
        with pytest.raises(CorpusError, match="SHA-256"):
            read_benchmark(BENCHMARKS["jsb"], path)
    assert given == []
    path.write_bytes(good)
    with pytest.raises(CorpusError, match="damaged"):
        read_benchmark(BENCHMARKS["jsb"], path)
    assert given == [good]
    package = Path(benchmark_files.__file__).parents[1]
    assert [file.name for file in package.rglob("*.py") if "loadmat" in file.read_text()] == ["benchmark.py"]


def test_an_error_brings_at_most_the_one_cause_that_helps(
    tiny: tuple[Benchmark, bytes], tmp_path: Path, cache: Path, benchmark_folder: Path
) -> None:
    """What a notebook or a script prints of an error: not the inside of every library that was tried."""
    spec = BENCHMARKS["jsb"]
    mat = (benchmark_folder / "JSB_Chorales.mat").read_bytes()
    damaged = {"a.mat": b"no music", "b.mat": mat[:1000], "c.mat": mat[:-9], "d.pickle": b"no music", "e.pickle": b"."}
    for name, content in damaged.items():
        named = replace(spec, sources=(Source(f"http://127.0.0.1:9/{name}", ""),))
        with pytest.raises(CorpusError, match="damaged") as caught:
            read_benchmark(write(named, tmp_path / name, content), tmp_path / name)
        assert tracebacks(caught.value) == 2, name

    cache.mkdir()
    (cache / "tiny.pickle").write_bytes(b"")  # not the benchmark's: the download that replaces it fails
    (tmp_path / "sub" / "tiny.pickle").mkdir(parents=True)
    with pytest.raises(CorpusUnavailableError, match="no connection") as caught:
        load_benchmark(tiny[0])
    assert tracebacks(caught.value) == 1
    for fails in (
        lambda: load_benchmark(tiny[0], download=False),
        lambda: load_benchmark(tiny[0], tmp_path / "missing"),
        lambda: benchmark_files.verify_file(tiny[0], tmp_path / "sub" / "tiny.pickle"),
        lambda: load_corpus("bach"),
        lambda: load_corpus("x" * 5000),
        lambda: load_corpus(tmp_path / "sub"),
    ):
        with pytest.raises(LmnMusicError) as failed:
            fails()
        assert tracebacks(failed.value) == 1


def tracebacks(error: Exception) -> int:
    return "".join(traceback.format_exception(error)).count("Traceback")


def test_unknown_names_and_options(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"jsb, nottingham, muse, piano or chorales, or name a folder"):
        load_corpus("bach")
    with pytest.raises(UsageError, match="folder"):
        load_corpus(tmp_path / "missing")
    with pytest.raises(UsageError, match="which is for folders"):
        load_corpus("jsb", frames_per_quarter=4)
    with pytest.raises(UsageError, match="which is for folders"):
        load_corpus("chorales", to_c=True)


def test_import_is_light() -> None:
    code = "import sys, lmn_music.corpora; print({'torch', 'scipy', 'music21', 'pooch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
