"""The files of the benchmark corpora: found on this machine, or downloaded, and verified."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lmn_music.corpora.benchmark_table import Benchmark
from lmn_music.errors import CorpusError, CorpusUnavailableError, UsageError, WritingError
from lmn_music.files import read_regular, replacing

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

DATA_VARIABLE = "LMN_MUSIC_DATA"
CACHE_VARIABLE = "LMN_MUSIC_CACHE"
LARGEST = 64_000_000  # bytes; the largest of the benchmark files has a tenth of that
TIMEOUT = (4.0, 15.0)  # seconds to connect, and between two packets: without a network, the next address is soon tried


def obtain(spec: Benchmark, data: Path | None = None, *, download: bool = True) -> Path:
    """Return the path of a verified file of the corpus, which is downloaded if it is not on this machine.

    A file in the cache that is not the benchmark's is replaced by a new download; anywhere else it is an error.

    Args:
        spec: one of `BENCHMARKS`.
        data: the folder to look into before LMN_MUSIC_DATA and the cache.
        download: whether the network may be asked.

    Raises:
        UsageError: `data` or LMN_MUSIC_DATA is not a folder.
        CorpusUnavailableError: the corpus is in none of these places.
        CorpusError: a file found is not the benchmark's or cannot be read.
    """
    cache = cache_folder()
    for path in found_files(spec, data):
        try:
            verify_file(spec, path)
        except CorpusError:
            if path.parent == cache:  # nobody put it there by hand: a new download replaces it
                continue
            raise
        return path
    if download:
        return _download(spec, cache)
    raise CorpusUnavailableError(f"{spec.title} is not on this machine. {_what_to_do(spec)}")


def found_files(spec: Benchmark, data: Path | None = None) -> Iterator[Path]:
    """Yield every file on this machine that has a name of the corpus, verified or not, in the order of the look-up.

    Args:
        spec: one of `BENCHMARKS`.
        data: the folder to look into before LMN_MUSIC_DATA and the cache.

    Raises:
        UsageError: when its turn comes: `data` or LMN_MUSIC_DATA is not a folder.
    """
    places: dict[Path, str] = {}
    if data is not None:
        places[data] = "`data`"
    if os.environ.get(DATA_VARIABLE):
        places.setdefault(Path(os.environ[DATA_VARIABLE]), DATA_VARIABLE)
    places.setdefault(cache_folder(), "")
    for folder, origin in places.items():
        if origin and not folder.is_dir():
            raise UsageError(f"{origin} names {folder}, which is not a folder")
        for name in dict.fromkeys(source.file for source in spec.sources):
            if (folder / name).is_file():
                yield folder / name


def cache_folder() -> Path:
    """Return the folder for downloads, which need not exist: LMN_MUSIC_CACHE, or the system's usual place."""
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE])
    import pooch

    return Path(pooch.os_cache("lmn-music"))


def verify_file(spec: Benchmark, path: Path) -> str:
    """Return the SHA-256 of a file of the corpus, in hex.

    Args:
        spec: one of `BENCHMARKS`.
        path: the file.

    Raises:
        CorpusError: see `verified`.
    """
    return verified(spec, path)[1]


def verified(spec: Benchmark, path: Path) -> tuple[bytes, str]:
    """Return the content of a file of the corpus, and its SHA-256 in hex.

    SciPy's reader of .mat files was not written for hostile ones, so no reader receives anything but these bytes.

    Args:
        spec: one of `BENCHMARKS`.
        path: the file.

    Raises:
        CorpusError: the file cannot be read, or has another SHA-256 than it must have.
    """
    expected = {source.sha256 for source in spec.sources if Path(source.file).suffix == path.suffix}
    try:
        content = read_regular(path, LARGEST)
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror}): check the file, or move it away") from None
    found = hashlib.sha256(content).hexdigest()
    if found not in expected:
        raise CorpusError(
            f"{path} is not the benchmark's {spec.title}: its SHA-256 is {found[:12]}..., not "
            f"{' or '.join(sorted(e[:12] + '...' for e in expected))}. Replace it or move it away"
        )
    return content, found


def _what_to_do(spec: Benchmark) -> str:
    files = " or ".join(dict.fromkeys(source.file for source in spec.sources[:2]))
    return f"Put {files} into a folder and name it with `data`, or use the corpus 'chorales', which is always there"


def _download(spec: Benchmark, folder: Path) -> Path:
    """Fetch the corpus into `folder` from the first address that gives the right file."""
    import pooch

    pooch.get_logger().setLevel("WARNING")  # the progress bar says enough
    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=TIMEOUT)
    tried = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        tried.append(f"cannot write to the cache folder ({error.strerror or error})")
    for source in spec.sources if not tried else ():
        content = _Bounded()
        try:
            downloader(source.address, content, None)
            if hashlib.sha256(content.getbuffer()).hexdigest() != source.sha256:
                raise ValueError("another file")
            with replacing(folder / source.file) as temporary:
                temporary.write_bytes(content.getbuffer())
        except (OSError, ValueError, WritingError) as error:  # requests' errors are OSErrors
            tried.append(f"{urlsplit(source.address).netloc}: {_why(error)}")
            continue
        return folder / source.file
    raise CorpusUnavailableError(f"{spec.title} could not be downloaded ({'; '.join(tried)}). {_what_to_do(spec)}")


class _Bounded(io.BytesIO):
    """Takes what a server sends, up to a bound."""

    def write(self, data: Buffer) -> int:
        """See io.BytesIO; ValueError for more than any benchmark file has."""
        if self.tell() + memoryview(data).nbytes > LARGEST:
            raise ValueError("too much")
        return super().write(data)


def _why(error: Exception) -> str:
    """Return a download's failure in a few words; requests' own messages run over several lines."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.RequestException):
        return "no connection"
    if isinstance(error, WritingError):
        return error.fault
    return "gave another file than the benchmark's"
