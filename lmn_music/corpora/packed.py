"""A packed corpus: songs that stay on the disk until they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self, overload

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from lmn_music.corpora.corpus import SPLITS, Corpus
from lmn_music.corpora.index import HEADER, INDEX, LEFT_OUT, PackHeader
from lmn_music.corpora.shards import BYTES, read_table, unpacked
from lmn_music.errors import CorpusError
from lmn_music.files import as_utf8, read_regular
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.words import counted

Whole = npt.NDArray[np.int32]
LARGEST_HEADER = 1_000_000  # bytes


class PackedSongs(Sequence[PianoRoll]):
    """Songs of a packed corpus, each read from its shard whenever it is asked for; a slice is the songs of that slice.

    Args:
        folder: the folder of the corpus.
        frames_per_quarter: how many frames a quarter note lasts in each song.
        places: the shard of each song and its row there, (songs, 2).
        lengths: the number of frames of each song, (songs,).

    Attributes:
        lengths: the number of frames of each song, known without reading it.
    """

    def __init__(self, folder: Path, frames_per_quarter: int, places: Whole, lengths: Whole) -> None:
        self.folder, self.frames_per_quarter, self.places, self.lengths = folder, frames_per_quarter, places, lengths
        self._shards: dict[int, Any] = {}

    def __repr__(self) -> str:
        return f"<{counted(len(self), 'song')} in {self.folder}>"

    def __len__(self) -> int:
        """Return the number of songs."""
        return len(self.lengths)

    def __iter__(self) -> Iterator[PianoRoll]:
        """Yield each song."""
        return (self[number] for number in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> PianoRoll: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> PianoRoll | Self:
        """Return one song, or some songs.

        Raises:
            CorpusError: a shard is damaged.
        """
        if isinstance(index, slice):
            return type(self)(self.folder, self.frames_per_quarter, self.places[index], self.lengths[index])
        shard, row = self.places[index].tolist()
        path = self.folder / f"{shard:05}.arrow"
        if shard not in self._shards:
            table = read_table(path)
            if not {"frames", "title"} <= set(table.column_names):
                raise CorpusError(f"{path} is no shard: pack again")
            self._shards[shard] = table.select(["frames", "title"]).combine_chunks()
        table = self._shards[shard]
        frames = table["frames"][row].as_buffer() if row < len(table) else None
        if frames is None or len(frames) != BYTES * int(self.lengths[index]):
            raise CorpusError(f"{path} does not belong to {INDEX}: pack again")
        return PianoRoll(unpacked(frames), self.frames_per_quarter, table["title"][row].as_py())

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: it maps the shards for itself."""
        return self.__dict__ | {"_shards": {}}


def is_packed(folder: Path) -> bool:
    """Return whether a folder holds a packed corpus."""
    return (folder / HEADER).is_file()


def load_packed(folder: Path) -> Corpus:
    """Return a packed corpus; its songs stay on the disk until they are asked for.

    Args:
        folder: where `pack` has put it.

    Raises:
        CorpusError: it is damaged, or of a newer format.
        LmnMusicError: pyarrow is missing.
    """
    try:
        header = PackHeader.model_validate_json(read_regular(folder / HEADER, LARGEST_HEADER))
    except (OSError, ValidationError) as error:
        fault = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.strerror
        raise CorpusError(f"{folder / HEADER} is damaged or of another version ({fault}): pack again") from error
    table = read_table(folder / INDEX)
    try:
        shard, row, length, split = (table[name].to_numpy() for name in ("shard", "row", "length", "split"))
        places, lengths = np.stack([shard, row], axis=1).astype(np.int32), length.astype(np.int32)
        songs = np.bincount(split, minlength=len(SPLITS)).tolist()
        if songs != [*header.songs] or (np.diff(split) < 0).any() or lengths.min() < 1 or places.min() < 0:
            raise ValueError("it does not belong to the header")
    except (KeyError, TypeError, ValueError) as error:
        raise CorpusError(f"{folder / INDEX} is damaged ({error}): pack again") from error
    borders = np.cumsum([0, *songs])
    settings = header.settings
    train, valid, test = (
        PackedSongs(folder, settings.frames_per_quarter, places[first:last], lengths[first:last])
        for first, last in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True)
    )
    key = ", transposed to C" if settings.to_c else ""
    return Corpus(
        name=as_utf8(folder.resolve().name),
        train=train,
        valid=valid,
        test=test,
        frames_per_quarter=settings.frames_per_quarter,
        provenance=f"{sum(songs)} of {settings.files} files in the folder {settings.folder}{key}, packed; "
        f"{LEFT_OUT} beside them names the others",
        sha256=header.sha256,
        comparable=False,
        licence="the licence of the files",
        citation="none: files of the user's own",
        source=as_utf8(str(folder.resolve())),
        to_c=settings.to_c,
        mean_top_key=header.mean_top_key,
    )
