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
from lmn_music.corpora.shards import read_table, write_table
from lmn_music.corpora.twins import groups
from lmn_music.errors import CorpusError
from lmn_music.files import replacing

HEADER, INDEX, LEFT_OUT = "corpus.json", "index.arrow", "left_out.txt"
NEAR = "near-duplicate"  # the reason of a song that is left out for another one, which follows in parentheses
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
    songs, rejected = _songs(shards)
    kinds = [[song[kind] for song in songs] for kind in ("texture", "top_voice")]
    group = groups([song["whole"] for song in songs], kinds) if songs else np.zeros(0, np.int32)
    _, leaders, sizes = np.unique(group, return_index=True, return_counts=True)
    if len(leaders) < FEWEST_SONGS:
        reasons = ", ".join(f"{len(files)} {kind}" for kind, files in by_kind(rejected).items()) or "no files"
        raise CorpusError(
            f"{settings.folder} holds {len(leaders)} usable songs that are not alike, but a corpus needs "
            f"{FEWEST_SONGS} (train, valid, test). Left out: {reasons}"
        )
    split = _splits([song["whole"] for song in songs], group)
    keep = np.ones(len(songs), dtype=bool)
    if deduplicate:
        keep[:] = False
        keep[leaders] = True
        for number in np.flatnonzero(~keep).tolist():
            rejected.append(Rejected(songs[number]["path"], f"{NEAR} ({songs[leaders[group[number]]]['path']})"))
    order = [number for kept in range(len(SPLITS)) for number in np.flatnonzero(keep & (split == kept)).tolist()]
    digest = hashlib.sha256(f"{settings.frames_per_quarter}\n".encode())
    for number in order:
        digest.update(bytes([split[number]]) + songs[number]["music"])
    columns = {name: ("int32", [songs[number][name] for number in order]) for name in ("shard", "row", "length")}
    write_table(out / INDEX, {**columns, "split": ("int8", split[order].tolist())})
    with replacing(out / LEFT_OUT) as temporary:
        temporary.write_text("".join(f"{file.path}: {file.reason}\n" for file in rejected), encoding="utf-8")
    chosen = [[songs[number] for number in order if split[number] == kept] for kept in range(len(SPLITS))]
    train, valid, test = (len(some) for some in chosen)
    frames = [sum(song["length"] for song in some) for some in chosen]
    sounding = sum(song["sounding"] for song in chosen[0])
    header = PackHeader(
        settings=settings,
        sha256=digest.hexdigest(),
        songs=(train, valid, test),
        frames=(frames[0], frames[1], frames[2]),
        left_out={kind: len(files) for kind, files in by_kind(rejected).items()},
        near_duplicates=len(songs) - len(leaders),
        largest_group=int(sizes.max()),
        deduplicated=deduplicate,
        mean_top_key=sum(song["top_keys"] for song in chosen[0]) / sounding if sounding else None,
    )
    with replacing(out / HEADER) as temporary:
        temporary.write_text(header.model_dump_json(indent=1), encoding="utf-8")


def _songs(shards: Sequence[Path]) -> tuple[list[dict[str, Any]], list[Rejected]]:
    """Return what the shards say of each song but its frames, in the order of the paths, and the files left out."""
    songs: list[dict[str, Any]] = []
    rejected: list[Rejected] = []
    first_with: dict[bytes, str] = {}
    for shard, path in enumerate(shards):
        for row, song in enumerate(read_table(path).drop_columns(["frames", "title", "passed_over"]).to_pylist()):
            reason = song.pop("reason")
            if reason is None and song["music"] in first_with:
                reason = f"{SAME_MUSIC} {first_with[song['music']]}"
            if reason is None:
                first_with[song["music"]] = song["path"]
                songs.append({**song, "shard": shard, "row": row})
            else:
                rejected.append(Rejected(song["path"], reason))
    return songs, rejected


def _splits(wholes: Sequence[bytes], group: npt.NDArray[np.int32]) -> npt.NDArray[np.int8]:
    """Return the split of each song: a hash of the least name in its group places it, and no split is empty."""
    name: dict[int, bytes] = {}
    for number, whole in zip(group.tolist(), wholes, strict=True):
        name[number] = min(whole, name.get(number, whole))
    order = sorted(name, key=name.__getitem__)
    place = np.array([int.from_bytes(name[number][:8], "big") / 2**64 for number in order])
    split = np.searchsorted(np.array(BORDERS), place, side="right")
    for kept in range(len(SPLITS)):  # as in a folder: the group next to the border moves
        if not (split == kept).any():
            donor = int(np.bincount(split, minlength=len(SPLITS)).argmax())
            members = np.flatnonzero(split == donor)
            split[members[-1 if donor < kept else 0]] = kept
    of_group = np.empty(len(order), dtype=np.int8)
    of_group[order] = split
    return of_group[group]
