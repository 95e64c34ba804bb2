"""Packing: a folder of any number of files becomes a corpus that need not fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import SupportsIndex

from lmn_music.api.arguments import whole_number


@dataclass(frozen=True)
class PackedCorpus:
    """What came of a packing.

    Attributes:
        folder: the folder to give as a corpus.
        songs: how many there are in train, valid and test.
        frames: how many there are in train, valid and test.
        files: how many files were read.
        left_out: how many of them were left out, by reason.
        list_of_left_out: the file that names each of them, with its reason.
        near_duplicates: how many songs are like one before them.
        largest_group: how many songs the largest group of songs that are alike has.
        deduplicated: whether songs that are like one before them were left out; else they are in the same split.
        sha256: what the corpus holds, as a hash.
    """

    folder: Path
    songs: tuple[int, int, int]
    frames: tuple[int, int, int]
    files: int
    left_out: Mapping[str, int]
    list_of_left_out: Path
    near_duplicates: int
    largest_group: int
    deduplicated: bool
    sha256: str


def pack_corpus(
    folder: str | Path,
    out: str | Path,
    *,
    frames_per_quarter: SupportsIndex = 2,
    to_c: bool = False,
    deduplicate: bool = False,
    workers: SupportsIndex | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PackedCorpus:
    """Pack the music in a folder and its subfolders, or continue a packing that was interrupted.

    The folder `out` is then a corpus for every other function: its songs are read from the disk when they are needed.
    Songs that are alike, in any transposition, are in one split.

    Args:
        folder: a folder of MIDI, MusicXML, Humdrum or ABC files.
        out: a folder that is new, empty, or of a packing of the same files.
        frames_per_quarter: how many frames a quarter note lasts.
        to_c: transpose every song to C major or C minor.
        deduplicate: leave out songs that are like one before them.
        workers: how many processes read files; one for each core if not given.
        progress: called with (files read, files in all).

    Returns:
        What came of it.

    Raises:
        CorpusError: there is no such folder, or it holds too few songs.
        UsageError: `out` holds something else.
        LmnMusicError: pyarrow is missing, or a process was ended from outside: the same call resumes.

    Example:
        >>> pack_corpus("lakh", "lakh.packed", deduplicate=True).songs  # doctest: +SKIP
        (98213, 12254, 12301)
    """
    from lmn_music.corpora.index import HEADER, LEFT_OUT, PackHeader
    from lmn_music.corpora.packing import pack

    out = Path(out)
    pack(
        Path(folder),
        out,
        frames_per_quarter=whole_number("frames_per_quarter", frames_per_quarter, 1, 24),
        transpose_to_c=to_c,
        deduplicate=deduplicate,
        workers=None if workers is None else whole_number("workers", workers, 1),
        progress=progress,
    )
    header = PackHeader.model_validate_json((out / HEADER).read_bytes())
    return PackedCorpus(
        folder=out,
        songs=header.songs,
        frames=header.frames,
        files=header.settings.files,
        left_out=header.left_out,
        list_of_left_out=out / LEFT_OUT,
        near_duplicates=header.near_duplicates,
        largest_group=header.largest_group,
        deduplicated=header.deduplicated,
        sha256=header.sha256,
    )
