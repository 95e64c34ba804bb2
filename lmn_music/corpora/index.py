"""Which songs of the shards a packed corpus consists of, and the split of each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from lmn_music.corpora.corpus import SAME_MUSIC, SPLITS, Rejected, by_kind
from lmn_music.corpora.folder import BORDERS, FEWEST_SONGS
from lmn_music.corpora.shards import arrow, read_table, write_table
from lmn_music.corpora.twins import groups
from lmn_music.errors import CorpusError
from lmn_music.files import replacing
from lmn_music.music.prints import SKETCH

HEADER, INDEX, LEFT_OUT = "corpus.json", "index.arrow", "left_out.txt"
NEAR = "near-duplicate"  # the reason of a song that is left out for another one, which follows in parentheses
Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Reading:
    """How files become songs: the folder that they are in, frames per quarter note, whether they come into C."""

    folder: Path
    frames_per_quarter: int
    to_c: bool


class PackSettings(BaseModel):
    """What a packing was asked for.

    Attributes:
        files: how many files there are.
        names: the SHA-256 of their names.
        folder: the name of the folder that they are in.
        frames_per_quarter: how many frames a quarter note lasts.
        to_c: whether the songs are transposed to C.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: Count
    names: str
    folder: str
    frames_per_quarter: Annotated[int, Field(ge=1)]
    to_c: bool


class PackHeader(BaseModel):
    """What corpus.json holds: all that is known of a packed corpus besides the songs.

    Attributes:
        format_version: the format of the folder.
        settings: what was asked for.
        sha256: of what the splits hold, in their order.
        songs: how many there are in train, valid and test.
        frames: how many there are in train, valid and test.
        left_out: how many files were left out, by reason.
        near_duplicates: the songs that have a near-duplicate before them in their group, kept or left out.
        largest_group: the songs of the largest group of near-duplicates.
        deduplicated: whether near-duplicates were left out.
        mean_top_key: the mean, over all frames in which anything sounds, of the highest key of the training split.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int = Field(default=1, ge=1, le=1)
    settings: PackSettings
    sha256: str
    songs: tuple[Count, Count, Count]
    frames: tuple[Count, Count, Count]
    left_out: dict[str, int]
    near_duplicates: Count
    largest_group: Count
    deduplicated: bool
    mean_top_key: float | None


def make_index(out: Path, settings: PackSettings, shards: Sequence[Path], *, deduplicate: bool) -> None:
    """Write which songs the corpus consists of, and the split of each; corpus.json comes last.

    Args:
        out: the folder of the corpus.
        settings: what was asked for.
        shards: all shards.
        deduplicate: whether near-duplicates are left out.

    Raises:
        CorpusError: a shard is damaged, or there are fewer than three groups of songs.
    """
    (out / HEADER).unlink(missing_ok=True)  # what follows may be interrupted
    if not shards:
        raise CorpusError(_too_few(settings, 0, []))
    files = _files(shards)
    used, rejected = _used(files)
    paths, music, wholes = (files[name].filter(used).to_pylist() for name in ("path", "music", "whole"))
    group = groups(wholes, (_sketches(files[kind], used) for kind in ("texture", "top_voice")))
    _, leaders, sizes = np.unique(group, return_index=True, return_counts=True)
    if len(leaders) < FEWEST_SONGS:
        raise CorpusError(_too_few(settings, len(leaders), rejected))
    split = _splits(wholes, group)
    keep = np.ones(len(paths), dtype=bool)
    if deduplicate:
        keep[:] = False
        keep[leaders] = True
        for number in np.flatnonzero(~keep).tolist():
            rejected.append(Rejected(paths[number], f"{NEAR} ({paths[leaders[group[number]]]})"))
    order = np.flatnonzero(keep)[np.argsort(split[keep], kind="stable")]
    split = split[order]
    digest = hashlib.sha256(f"{settings.frames_per_quarter}\n".encode())
    for number, kept in zip(order.tolist(), split.tolist(), strict=True):
        digest.update(bytes([kept]) + music[number])
    numbers = ("shard", "row", "length", "top_keys", "sounding")
    of = {name: files[name].filter(used).to_numpy()[order] for name in numbers}
    columns: dict[str, tuple[str, Any]] = {name: ("int32", of[name]) for name in numbers[:3]}
    write_table(out / INDEX, columns | {"split": ("int8", split)})
    with replacing(out / LEFT_OUT) as temporary:
        temporary.write_text("".join(f"{file.path}: {file.reason}\n" for file in rejected), encoding="utf-8")
    train, valid, test = np.bincount(split, minlength=len(SPLITS)).tolist()
    frames = np.bincount(split, of["length"], minlength=len(SPLITS)).astype(int).tolist()
    top_keys, sounding = (int(of[name][split == 0].sum()) for name in ("top_keys", "sounding"))
    header = PackHeader(
        settings=settings,
        sha256=digest.hexdigest(),
        songs=(train, valid, test),
        frames=(frames[0], frames[1], frames[2]),
        left_out={kind: len(files) for kind, files in by_kind(rejected).items()},
        near_duplicates=len(paths) - len(leaders),
        largest_group=int(sizes.max()),
        deduplicated=deduplicate,
        mean_top_key=top_keys / sounding if sounding else None,
    )
    with replacing(out / HEADER) as temporary:
        temporary.write_text(header.model_dump_json(indent=1), encoding="utf-8")


def _too_few(settings: PackSettings, count: int, rejected: Sequence[Rejected]) -> str:
    """Return the message about a folder with fewer groups of songs than splits."""
    reasons = ", ".join(f"{len(files)} {kind}" for kind, files in by_kind(rejected).items()) or "no files"
    return (
        f"{settings.folder} holds {count} usable songs that are not alike, but a corpus needs {FEWEST_SONGS} (train, "
        f"valid, test). Left out: {reasons}"
    )


def _files(shards: Sequence[Path]) -> Any:
    """Return what the shards say of each file but its frames, a table that stays in the memory maps."""
    pa, tables = arrow(), []
    for shard, path in enumerate(shards):
        table = read_table(path).drop_columns(["frames", "title", "passed_over"])
        table = table.append_column("shard", pa.array(np.full(len(table), shard, dtype=np.int32)))
        tables.append(table.append_column("row", pa.array(np.arange(len(table), dtype=np.int32))))
    return pa.concat_tables(tables)


def _used(files: Any) -> tuple[Flags, list[Rejected]]:
    """Return of which files the songs are used, (files,), and the files that are left out."""
    first: dict[bytes | None, int] = {}
    same = np.array([first.setdefault(music, number) for number, music in enumerate(files["music"].to_pylist())])
    there = files["music"].is_valid().to_numpy()
    used = (same == np.arange(len(files))) & there
    paths, reasons = (files[name].filter(~used).to_pylist() for name in ("path", "reason"))
    twins = files["path"].take(same[~used]).to_pylist()
    rejected = [
        Rejected(path, reason or f"{SAME_MUSIC} {twin}")
        for path, reason, twin in zip(paths, reasons, twins, strict=True)
    ]
    return used, rejected


def _sketches(column: Any, used: Flags) -> tuple[Numbers, npt.NDArray[np.uint32]]:
    """Return which of the used songs have a sketch, by their place among them, and these sketches, (songs, SKETCH)."""
    there = np.flatnonzero(column.is_valid().to_numpy()[used])
    sketches, read, done = np.empty((len(there), SKETCH), dtype=np.uint32), 0, 0
    for chunk in column.chunks:  # shard by shard: on its way a sketch lies in memory four times
        some = chunk.filter(used[read : read + len(chunk)]).drop_null().to_pylist()
        sketches[done : done + len(some)] = np.frombuffer(b"".join(some), dtype=np.uint32).reshape(-1, SKETCH)
        read, done = read + len(chunk), done + len(some)
    return there, sketches


def _splits(wholes: Sequence[bytes], group: npt.NDArray[np.int32]) -> npt.NDArray[np.int8]:
    """Return the split of each song: a hash of the least name in its group places it, and no split is empty.

    The names themselves are no random numbers: the lowest bit says whether the number of notes is odd.
    """
    name: dict[int, bytes] = {}
    for number, whole in zip(group.tolist(), wholes, strict=True):
        name[number] = min(whole, name.get(number, whole))
    hashed = {number: hashlib.sha256(least).digest() for number, least in name.items()}
    order = sorted(hashed, key=hashed.__getitem__)
    place = np.array([int.from_bytes(hashed[number][:8], "big") / 2**64 for number in order])
    split = np.searchsorted(np.array(BORDERS), place, side="right")
    for kept in range(len(SPLITS)):  # as in a folder: the group next to the border moves
        if not (split == kept).any():
            donor = int(np.bincount(split, minlength=len(SPLITS)).argmax())
            members = np.flatnonzero(split == donor)
            split[members[-1 if donor < kept else 0]] = kept
    of_group = np.empty(len(order), dtype=np.int8)
    of_group[order] = split
    return of_group[group]
