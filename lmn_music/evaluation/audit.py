"""The audit of a corpus: relatives within and across its splits, as one object."""

from __future__ import annotations

from itertools import combinations_with_replacement

from lmn_music.corpora.corpus import SPLITS, Corpus
from lmn_music.evaluation.relatives import HALF, nearest
from lmn_music.files import as_utf8
from lmn_music.models.config import Settings
from lmn_music.music.prints import QUARTERS, prints

HEAD = ("songs", "in all", "with a relative", "by the texture", "by the top voice", "exact twin")
EXPLANATION = (
    f"relative: a song that has half or more of a song's windows of {QUARTERS} quarter notes, of the whole texture or "
    "of the top voice, each in any transposition; windows in which nothing changes do not count. exact twin: a song "
    "with the same frames, in any transposition."
)


class Kin(Settings):
    """How many songs of a split have a relative in a split.

    Attributes:
        split: the split of the songs.
        beside: the split in which relatives are looked for; if it is the same, among the other songs.
        songs: how many songs there are.
        related: how many have a relative.
        texture: how many have one by the whole texture.
        top_voice: how many have one by the top voice.
        exact: how many have an exact twin.
    """

    split: str
    beside: str
    songs: int
    related: int
    texture: int
    top_voice: int
    exact: int

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, under `HEAD`."""
        where = "among themselves" if self.split == self.beside else f"in {self.beside}"
        numbers = (self.songs, self.related, self.texture, self.top_voice, self.exact)
        return (f"{self.split}, {where}", *map(str, numbers))


class Relative(Settings):
    """A song, and the song that shares most with it: a relative.

    Attributes:
        song, split: the title of the song, and its split.
        relative, beside: the title of the other song, and its split.
        texture: the largest share of the song's windows that a song of that split has, between 0 and 1.
        top_voice: the same of the top voice alone.
        exact: whether a song of that split is an exact twin.
    """

    song: str
    split: str
    relative: str
    beside: str
    texture: float
    top_voice: float
    exact: bool

    def __str__(self) -> str:
        shared = f"{self.top_voice:.0%} of the top voice, {self.texture:.0%} of the texture"
        return f"{self.song}: {'the whole song' if self.exact else shared}, as in {self.relative}"


class Audit(Settings):
    """The relatives within and across the splits of a corpus.

    Attributes:
        corpus, provenance: the name of the corpus, and what it was read from.
        kin: the counts: train, valid and test among themselves, valid in train, test in train, test in valid.
        relatives: every song that has a relative, once for each split in which it has one.
    """

    corpus: str
    provenance: str
    kin: tuple[Kin, ...]
    relatives: tuple[Relative, ...]

    def __repr__(self) -> str:
        (across,) = (kin for kin in self.kin if (kin.split, kin.beside) == ("test", "train"))
        return f"<Audit of {self.corpus}: {across.related} of {across.songs} test songs have a relative in train>"

    def __str__(self) -> str:
        cells = [HEAD, *(kin.cells() for kin in self.kin)]
        widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
        rows = ["  ".join([name.ljust(widths[0]), *map(str.rjust, rest, widths[1:])]) for name, *rest in cells]
        leaked = [str(one) for one in self.relatives if (one.split, one.beside) == ("test", "train")]
        names = ["", "test songs with a relative in train", *(f"  {name}" for name in leaked)] if leaked else []
        return "\n".join([f"{self.corpus}: {self.provenance}", "", *rows, "", EXPLANATION, *names])


def audit(corpus: Corpus) -> Audit:
    """Look for relatives within and across the splits of a corpus.

    Args:
        corpus: the songs.
    """
    known = {split: prints(corpus.split(split)) for split in SPLITS}
    kin, relatives = [], []
    for beside, split in combinations_with_replacement(SPLITS, 2):
        found = nearest(known[split], known[beside])
        kin.append(
            Kin(
                split=split,
                beside=beside,
                songs=len(found),
                related=sum(one.related for one in found),
                texture=sum(one.texture >= HALF for one in found),
                top_voice=sum(one.top_voice >= HALF for one in found),
                exact=sum(one.exact for one in found),
            )
        )
        relatives += [
            Relative(
                song=as_utf8(song.title),
                split=split,
                relative=as_utf8(corpus.split(beside)[one.number].title),
                beside=beside,
                texture=round(one.texture, 4),
                top_voice=round(one.top_voice, 4),
                exact=one.exact,
            )
            for song, one in zip(corpus.split(split), found, strict=True)
            if one.related
        ]
    return Audit(corpus=corpus.name, provenance=as_utf8(corpus.provenance), kin=tuple(kin), relatives=tuple(relatives))
