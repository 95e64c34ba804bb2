"""The figures of the literature, with how far each is verified."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Literal

from pydantic import Field

from lmn_music.models.config import Settings

Tag = Literal["P", "S", "M"]
Kind = Literal["independent", "dependent", "estimate"]
TAGS = {"P": "read in the paper", "S": "quoted by a later source", "M": "unverified, from memory"}
KINDS: dict[Kind, str] = {
    "independent": "exact, the keys of a frame independent",
    "dependent": "exact, the keys of a frame dependent on each other",
    "estimate": "estimates and bounds, not exact",
}
KIND_OF_OUTPUT: dict[str, Kind] = {
    "bernoulli": "independent",
    "nade": "dependent",
}  # of our own models, by `ModelConfig.output`


class PublishedRow(Settings):
    """One published model: nats per frame on the test split of each corpus, where reported.

    tag: how far the figures are verified; `tags` where a single figure differs. frames: which ones the mean is over;
    "not first" leaves out the first one of each song. note: what else a reader must know.
    """

    model: str
    kind: Kind
    tag: Tag
    tags: dict[str, Tag] = Field(default_factory=dict)
    frames: Literal["all", "not first", "not stated"] = "not stated"
    note: str = ""
    jsb: float | None = None
    nottingham: float | None = None
    muse: float | None = None
    piano: float | None = None

    def nll(self, corpus: str) -> float | None:
        """Return the figure for the corpus of that name, if there is one."""
        value: float | None = getattr(self, corpus, None)
        return value

    def tag_for(self, corpus: str) -> Tag:
        """Return how far the figure for that corpus is verified."""
        return self.tags.get(corpus, self.tag)


def published_rows(corpus: str) -> list[PublishedRow]:
    """Return the published models that report a figure on the corpus, in the file's order."""
    text = (resources.files("lmn_music.evaluation") / "published.toml").read_text(encoding="utf-8")
    rows = [PublishedRow.model_validate(row) for row in tomllib.loads(text)["row"]]
    return [row for row in rows if row.nll(corpus) is not None]
