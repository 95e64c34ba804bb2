"""The figures of the literature, with how far each is verified."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any, Literal

from pydantic import Field

from lmn_music.models.config import Settings

Tag = Literal["P", "S", "M"]
Kind = Literal["independent", "dependent", "estimate"]
Definition = Literal["sampled", "threshold"]
TAGS: dict[Tag, str] = {"P": "read in the paper", "S": "quoted by a later source", "M": "unverified, from memory"}
KINDS: dict[Kind, str] = {
    "independent": "exact, the keys of a frame independent",
    "dependent": "exact, the keys of a frame dependent on each other",
    "estimate": "estimates and bounds, not exact",
}
KIND_OF_OUTPUT: dict[str, Kind] = {
    "bernoulli": "independent",
    "nade": "dependent",
}  # of our own models, by `ModelConfig.output`


class _Published(Settings):
    """One published model: its figure on the test split of each corpus, where reported.

    Attributes:
        model: what to call it.
        tag: how far the figures are verified, a key of TAGS.
        jsb, nottingham, muse, piano: the figure on each corpus.
    """

    model: str
    tag: Tag
    jsb: float | None = None
    nottingham: float | None = None
    muse: float | None = None
    piano: float | None = None

    def figure(self, corpus: str) -> float | None:
        """Return the figure for the corpus of that name, if there is one."""
        value: float | None = getattr(self, corpus, None)
        return value


class PublishedRow(_Published):
    """One published model's nats per frame.

    Attributes:
        kind: which models it may be compared with, a key of KINDS.
        tags: by corpus, the tags of single figures that differ from `tag`.
        frames: the frames that the mean is over; "not first" leaves out the first frame of each song.
        note: what else a reader must know.
    """

    kind: Kind
    tags: dict[str, Tag] = Field(default_factory=dict)
    frames: Literal["all", "not first", "not stated"] = "not stated"
    note: str = ""

    def tag_for(self, corpus: str) -> Tag:
        """Return how far the figure for that corpus is verified."""
        return self.tags.get(corpus, self.tag)


class PublishedAccuracy(_Published):
    """One published model's accuracy, in percent.

    Attributes:
        definition: which of two quantities it is, see `accuracy.py`.
    """

    definition: Definition


def published_rows(corpus: str) -> list[PublishedRow]:
    """Return the published models that report a likelihood on the corpus, in the file's order."""
    rows = [PublishedRow.model_validate(row) for row in _file()["row"]]
    return [row for row in rows if row.figure(corpus) is not None]


def published_accuracies(definition: Definition) -> list[PublishedAccuracy]:
    """Return the published models that report an accuracy of that definition, in the file's order."""
    rows = [PublishedAccuracy.model_validate(row) for row in _file()["accuracy"]]
    return [row for row in rows if row.definition == definition]


def _file() -> dict[str, Any]:
    return tomllib.loads((resources.files("lmn_music.evaluation") / "published.toml").read_text(encoding="utf-8"))
