"""A folder of any number of files becomes a packed corpus: read by all cores, shard by shard, then put into splits."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from math import ceil
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

from lmn_music.corpora.corpus import Corpus, content_sha256
from lmn_music.corpora.folder import MINIMUM_FRAMES, files_of, read_song
from lmn_music.corpora.index import PackSettings, Reading, make_index
from lmn_music.corpora.packed import load_packed
from lmn_music.corpora.shards import arrow, packed, write_table
from lmn_music.errors import CorpusError, LmnMusicError, ScoreError, UsageError, WritingError
from lmn_music.files import LOCK, alone, as_utf8, is_leftover, printable, read_regular, replacing
from lmn_music.music.prints import prints, sketch

LEAST, SHARDS = 16, 500  # files of a shard at least, and shards at most: each is one file that is kept open
SETTINGS = "packing.json"  # what a packing was asked for, so that the same command resumes it
TYPES = {
    "path": "string",
    "reason": "string",  # why the file was left out; what follows is then null
    "passed_over": "string",
    "title": "string",
    "length": "int32",
    "frames": "large_binary",
    "music": "binary",  # SHA-256 of the frames
    "whole": "binary",  # equal for songs that are equal but for a transposition
    "texture": "binary",
    "top_voice": "binary",
    "top_keys": "int64",  # sum of the highest keys
    "sounding": "int32",  # frames in which one sounds
}


def pack(
    folder: Path,
    out: Path,
    *,
    frames_per_quarter: int = 2,
    transpose_to_c: bool = False,
    deduplicate: bool = False,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Corpus:
    """Pack the music in a folder and its subfolders, or continue a packing that was interrupted.

    Every file is read once, in one of several processes; shards that are there already are not made again. Then songs
    are put into splits by a hash of their group (see `twins.groups`), so that near-duplicates are in one split, or, if
    asked, all but the first of a group are left out. left_out.txt lists every file that was left out, with the reason.

    Args:
        folder: the folder.
        out: a folder that is new, empty, or of an interrupted or finished packing of the same files.
        frames_per_quarter: the number of frames that a quarter note lasts in every roll.
        transpose_to_c: whether each song is transposed to C major or C minor.
        deduplicate: whether near-duplicates are left out.
        workers: how many processes; as many as this process may use cores if not given.
        progress: called with (files read, files in all) after each shard.

    Returns:
        The corpus, as `load_packed` loads it.

    Raises:
        CorpusError: there is no such folder, or it holds fewer than three groups of usable songs.
        UsageError: `out` holds something else.
        LmnMusicError: another process is packing there, a worker was ended from outside, or pyarrow is missing.
    """
    arrow()
    if not folder.is_dir():
        raise CorpusError(f"there is no folder {folder}: name a folder that holds files of music")
    files = [file.relative_to(folder).as_posix() for file in files_of(folder)]
    size = max(LEAST, ceil(len(files) / SHARDS))
    settings = PackSettings(
        files=len(files),
        names=hashlib.sha256("\n".join(files).encode(errors="surrogateescape")).hexdigest(),
        folder=as_utf8(folder.resolve().name),
        frames_per_quarter=frames_per_quarter,
        to_c=transpose_to_c,
    )
    _prepare(out, settings)
    with alone(out / LOCK, f"another process is packing into {out}"):
        parts = [range(start, min(start + size, len(files))) for start in range(0, len(files), size)]
        paths = [out / f"{number:05}.arrow" for number in range(len(parts))]
        missing = {path: part for path, part in zip(paths, parts, strict=True) if not path.exists()}
        done = len(files) - sum(map(len, missing.values()))
        for count in _carried_out(folder, missing, files, frames_per_quarter, transpose_to_c, workers or _cores()):
            done += count
            if progress is not None:
                progress(done, len(files))
        make_index(out, settings, paths, deduplicate=deduplicate)
    return load_packed(out)


def _prepare(out: Path, settings: PackSettings) -> None:
    """Make the folder with what is asked for in it, or see that it holds the same already."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        there = [path for path in out.iterdir() if not is_leftover(path)]
        known = (out / SETTINGS) in there
        text = read_regular(out / SETTINGS).decode() if known else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{out} cannot be used ({error}): choose another `out`") from None
    if not known and there:
        raise UsageError(f"{out} exists and is not empty: choose another `out`")
    asked = settings.model_dump_json()
    if known and text != asked:
        raise UsageError(f"{out} holds a packing of other files or with other options: choose another `out`")
    if not known:
        with replacing(out / SETTINGS) as temporary:
            temporary.write_text(asked, encoding="utf-8")


def _carried_out(
    folder: Path, missing: dict[Path, range], files: Sequence[str], frames_per_quarter: int, to_c: bool, workers: int
) -> Any:
    """Yield the number of files of each shard that has been written."""
    pool = ProcessPoolExecutor(min(workers, max(1, len(missing))), get_context("spawn"), _begin)
    try:
        reading = Reading(folder, frames_per_quarter, to_c)
        made = {
            pool.submit(write_shard, reading, [files[n] for n in part], path): len(part)
            for path, part in missing.items()
        }
        for future in as_completed(made):
            future.result()
            yield made[future]
    except BrokenProcessPool:
        raise LmnMusicError(
            "a process was ended from outside, perhaps for want of memory: give the command again, which resumes, or "
            "use fewer `workers`"
        ) from None
    except WritingError as error:
        raise WritingError(error.fault, "mend this, then give the command again, which resumes") from None
    finally:
        pool.shutdown(cancel_futures=True)


def write_shard(reading: Reading, names: Sequence[str], path: Path) -> None:
    """Read files and write them as one shard.

    Args:
        reading: where the files are, and how they are read.
        names: the names of the files in the folder.
        path: the file to write.
    """
    rows = [_row(reading, name) for name in names]
    write_table(path, {name: (kind, [row.get(name) for row in rows]) for name, kind in TYPES.items()})


def _row(reading: Reading, name: str) -> dict[str, Any]:
    try:
        roll, passed_over = read_song(
            reading.folder / name,
            frames_per_quarter=reading.frames_per_quarter,
            transpose_to_c=reading.to_c,
            minimum_frames=MINIMUM_FRAMES,
        )
    except ScoreError as error:
        return {"path": printable(name), "reason": error.reason}
    (found,) = prints([roll])
    music = bytes.fromhex(content_sha256([roll]))
    texture, top_voice = (sketch(names) for names in (found.texture, found.top_voice))
    sounding = roll.frames[roll.frames.any(axis=1)]
    return {
        "path": printable(name),
        "passed_over": passed_over or None,
        "title": as_utf8(roll.title),
        "length": len(roll),
        "frames": packed(roll.frames),
        "music": music,
        "whole": next(iter(found.whole), music),  # of a song in which nothing changes: the song itself
        "texture": None if texture is None else texture.tobytes(),
        "top_voice": None if top_voice is None else top_voice.tobytes(),
        "top_keys": int((roll.frames.shape[1] - 1 - sounding[:, ::-1].argmax(axis=1)).sum()),
        "sounding": len(sounding),
    }


def _begin() -> None:
    """Let a worker leave Ctrl-C to the process that asked for it, and end when that process has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None

    def end() -> None:
        parent.join()
        os._exit(1)

    Thread(target=end, daemon=True).start()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
