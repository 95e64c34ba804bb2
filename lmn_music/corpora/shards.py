"""The files of a packed corpus: Arrow's stream format, which is read where it lies, in a memory map.

Hugging Face's `datasets.Dataset.from_file` opens them too. They are written with pyarrow alone: one package, which asks
no network and keeps no cache, and which gives the bytes of a song in microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from lmn_music.errors import CorpusError, LmnMusicError
from lmn_music.files import replacing
from lmn_music.music.pianoroll import KEYS

MISSING = "packed corpora need pyarrow: install it with `pip install 'lmn-music[scale]'`"
BYTES = KEYS // 8  # of a frame: one bit for each key, the lowest key in the highest bit of the first byte


def write_table(path: Path, columns: Mapping[str, tuple[str, Sequence[Any]]]) -> None:
    """Write a table, whole or not at all.

    Args:
        path: the file.
        columns: by name the type, as Arrow calls it ("int32", "string", "large_binary"), and the values, None for none.

    Raises:
        WritingError: see `replacing`.
        LmnMusicError: pyarrow is missing.
    """
    pa = arrow()
    table = pa.table({name: pa.array(values, pa.type_for_alias(kind)) for name, (kind, values) in columns.items()})
    with replacing(path) as temporary, pa.ipc.new_stream(str(temporary), table.schema) as writer:
        writer.write_table(table)


def read_table(path: Path) -> Any:
    """Return a table in a memory map: no more of it is read than is looked at.

    Args:
        path: the file.

    Raises:
        CorpusError: there is no such file, or it is damaged.
        LmnMusicError: pyarrow is missing.
    """
    pa = arrow()
    try:
        with pa.memory_map(str(path)) as file:
            table = pa.ipc.open_stream(file).read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"{path} is damaged or not there ({str(error).splitlines()[0]}): pack again") from error
    return table


def packed(frames: npt.NDArray[np.bool_]) -> bytes:
    """Return frames (time, 88) as bytes, BYTES for each frame."""
    return np.packbits(frames, axis=1).tobytes()


def unpacked(data: Any) -> npt.NDArray[np.bool_]:
    """Return the frames (time, 88) of what `packed` returned, or of any buffer of these bytes."""
    return np.unpackbits(np.frombuffer(data, np.uint8).reshape(-1, BYTES), axis=1).view(np.bool_)


def arrow() -> ModuleType:
    """Return pyarrow.

    Raises:
        LmnMusicError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError:
        raise LmnMusicError(MISSING) from None
    module: ModuleType = pyarrow
    return module
