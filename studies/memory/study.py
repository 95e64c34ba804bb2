"""The declaration of the study: every layer on every problem, and the claims that the results are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from studies.engine import Row, Step
from studies.memory.protocol import OF_FILES, QUICK, Protocol, load
from studies.memory.report import figure, tables
from studies.memory.training import Cell

SMALL = ("vowels", *OF_FILES)  # problems that may be missing, and are read at once


@dataclass(frozen=True)
class MemoryStudy:
    """The study by a protocol."""

    protocol: Protocol
    name: str = "memory"
    about: str = "layers on the sequences that people measure layers on, music aside; two hours"
    beside: tuple[str, ...] = ()

    def steps(self, out: Path, data: Path | None) -> tuple[Sequence[Step], int]:  # noqa: ARG002 - nothing is kept beside
        """Return all tasks in one step; what is missing of the files of a problem is found now, not after an hour."""
        for name in self.protocol.problems:
            if name in SMALL:
                load(name, data)
        cells = [Cell(self.protocol, p, layer, data) for p in self.protocol.problems for layer in self.protocol.layers]
        return [lambda _: {cell.name: cell for cell in cells}], len(cells)

    def tables(self, rows: Sequence[Row]) -> dict[str, str]:
        """Return the tables, see `Study`."""
        return {f"{self.name}-{table}": text for table, text in tables(self._frame(rows)).items()} if rows else {}

    def draw(self, rows: Sequence[Row], out: Path) -> None:
        """Draw the figure, see `Study`."""
        figure(self._frame(rows), out / f"{self.name}.png")

    def _frame(self, rows: Sequence[Row]) -> pd.DataFrame:
        """Return a row for each problem, layer and seed, in the order of the declaration."""
        frame = pd.DataFrame(rows).explode(["seed", "start", "valid", "test", "level_steps", "level_seconds"])
        for column, order in (("problem", self.protocol.problems), ("layer", self.protocol.layers)):
            places = {name: place for place, name in enumerate(order)}
            frame[f"{column} place"] = frame[column].map(lambda name, places=places: places.get(name, len(places)))
        return frame.sort_values(["problem place", "layer place", "seed"], ignore_index=True)


STUDY = MemoryStudy(Protocol())
SHORT = MemoryStudy(
    QUICK, "memory-quick", "the same in its short form: small models, a second of training; four minutes"
)
