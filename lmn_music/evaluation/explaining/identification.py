"""Which models know a song, as one object that shows itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from lmn_music.evaluation.explaining.fit import Fit, judgement
from lmn_music.files import as_utf8

HEADINGS = (
    "model",
    "nats per quarter",
    "nats per frame",
    "on its test songs",
    "reads it",
    "for the model, the song is",
)
EXPLANATION = (
    "Lower is likelier. Nats per quarter note compare the models: all are charged for the same frames, also for those "
    "that a model does not read. Nats per frame are each model's own, beside the mean of its test songs."
)


@dataclass(frozen=True, eq=False)
class Identification:
    """How well models know a song, the best one first. In a notebook it shows itself as a table.

    Attributes:
        title: the title of the song.
        fits: how well each model knows the song.
    """

    title: str
    fits: tuple[Fit, ...]

    def __repr__(self) -> str:
        return f"<Identification of {self.title!r}: {', '.join(fit.checkpoint.name for fit in self.fits)}>"

    @property
    def best(self) -> Fit:
        """Return the model that knows the song best."""
        return self.fits[0]

    @property
    def explanation(self) -> str:
        """Return what the figures of the table mean."""
        return EXPLANATION

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield the cells of each model, under HEADINGS."""
        for fit in self.fits:
            yield (
                as_utf8(fit.checkpoint.name),
                f"{fit.nats_per_quarter:.2f}",
                f"{fit.nats_per_frame:.2f}",
                "" if fit.test_nll is None else f"{fit.test_nll:.2f}",
                f"{fit.transposition:+d} semitones" if fit.transposition else "in its own key",
                judgement(fit.nats_per_frame, fit.test_nll),
            )

    def __str__(self) -> str:
        """Return the table as text."""
        table = [HEADINGS, *self.rows()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(text)}</th>" for text in HEADINGS)
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self.rows())
        caption = f"<caption>{escape(as_utf8(self.title))}</caption>" if self.title else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{EXPLANATION}</p>"
