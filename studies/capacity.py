"""How much of the past do memories of the same size hold? What is measured, of which memories, on which sequences.

The measure is the one of lmn_music.memory.capacity: the share MC_k of the variance of the frame k steps back that a
ridge readout finds in the state, and its sum over the lags. The training split fits memories and readouts, the
validation split chooses the settings that a memory has, the test split is judged. The size is how many numbers the
state has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from lmn_music.files import replacing
from lmn_music.memory.capacity import fit_readout
from lmn_music.memory.sequences import FloatArray
from studies.capacity_inputs import Data, Encoder, load, source
from studies.capacity_memories import MEMORIES, RANDOM, STATIC, memories
from studies.capacity_networks import TRAINED
from studies.capacity_protocol import LONGER, SHORT, Protocol, Spec
from studies.capacity_report import figures, song_file, tables
from studies.engine import Row, Step


@dataclass(frozen=True)
class CapacityTask(Spec):
    """Measure a kind of memory on an input; songs that come back from a state are kept in a folder of `out`."""

    out: Path = field(default=Path(), repr=False)

    def measure(self) -> list[Row]:
        """Return a row for each size and seed; capacities are in frames.

        total, first: on the test split, summed over all lags and over the first ones. valid: the figure chosen by.
        seconds of one core: to fit the memory (LAES), to choose its settings (static; of the multi-scale LAES both),
        to train it once they are chosen. per_lag: at the size that is shown, shares in whole percents.
        """
        data, rows = load(self.protocol, self.data, self.input), []
        for encode, row in memories(self, data):
            per_lag = data.capacity(encode)
            settings = ", ".join(f"{name} {value:g}" for name, value in row.pop("settings").items())
            row |= {"settings": settings, "valid": data.to_choose_by(encode, self.lags)}
            row["total"] = round(float(per_lag.sum()), 4)
            row["first"] = round(float(per_lag[: self.protocol.training.first].sum()), 4)
            if row["size"] == self.protocol.shown and self.variant != SHORT:
                row["per_lag"] = [round(100 * share) for share in per_lag.tolist()]
                if data.song is not None and row["seed"] == 0 and not self.variant:
                    self._keep(data.song, recalled(encode, data, data.song))
            rows.append({"input": self.input, "memory": self.memory, "variant": self.variant or None, **row})
        return rows

    def _keep(self, song: FloatArray, recalled: FloatArray) -> None:
        path = song_file(self.out, self.input, self.memory)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, song=song.astype(np.float32), recalled=recalled.astype(np.float32))


def recalled(encode: Encoder, data: Data, song: FloatArray) -> FloatArray:
    """Return what a memory's last state says of a song (time, keys), by ridge readouts of all its lags, from 0 to 1."""
    readout = fit_readout(encode, data.train, data.mean, len(song), data.ridge)
    found: FloatArray = np.tensordot(np.append(encode(song)[-1], 1), readout, 1)[::-1] + data.mean
    return found.clip(0, 1)


@dataclass(frozen=True)
class CapacityStudy:
    """The study by a protocol; memories: which of them."""

    protocol: Protocol
    memories: tuple[str, ...] = MEMORIES
    name: str = "capacity"
    about: str = "claims (a) and (b): how much of the past do memories of the same size hold? About three hours"
    beside: tuple[str, ...] = ()

    def steps(self, out: Path, data: Path | None) -> tuple[Sequence[Step], int]:
        """Return all tasks in one step."""
        found = self.tasks(out, data)
        return [lambda _: found], len(found)

    def tasks(self, out: Path, data: Path | None = None) -> dict[str, CapacityTask]:
        """Return what there is to measure, by name, one input after the other."""
        found, protocol, plan = [], self.protocol, self.protocol.training
        for name in protocol.inputs:
            # What is missing or damaged is found now, not after an hour.
            one = partial(CapacityTask, protocol, data, source(name, data), name, out=out)
            found += [one("LAES"), one("LAES", protocol.shown, 1, SHORT), one("multi-scale LAES")]
            for kind in STATIC:
                seeds = protocol.seeds if kind in RANDOM else 1
                found += [*(one(kind, size, seeds) for size in protocol.sizes), one(kind, protocol.shown, seeds, SHORT)]
            variants = (SHORT, LONGER) if name.startswith("rolls") else (SHORT,)
            for kind in TRAINED:
                found += [one(kind, size, plan.seeds if size == protocol.shown else 1) for size in plan.sizes]
                found += [one(kind, protocol.shown, 1, variant) for variant in variants]
        return {task.name: task for task in found if task.memory in self.memories}

    def tables(self, rows: Sequence[Row]) -> dict[str, str]:
        """Return the tables, see `Study`."""
        return tables(pd.DataFrame(rows), self.protocol)

    def draw(self, rows: Sequence[Row], out: Path) -> None:
        """Draw the figures, see `Study`."""
        figures(pd.DataFrame(rows), self.protocol, out)


STUDY = CapacityStudy(Protocol())
