"""How much of the past memories of the same size hold: what is measured, of which memories, on which sequences.

The measure is that of lmn_music.memory.capacity: the share MC_k of the variance of the frame k steps back that a ridge
readout finds in the state, and its sum over the lags. The training split fits memories and readouts, the validation
split chooses the settings that a memory has, the test split is judged. "Size" is how many numbers the state has.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from lmn_music.memory.capacity import fit_readout
from lmn_music.memory.sequences import FloatArray
from studies import store
from studies.capacity_inputs import LONGER, SHORT, Data, Encoder, Protocol, Task, load, with_sources
from studies.capacity_memories import COMPONENTS, RANDOM, SCALES, STATIC, TRAINED, memories


def tasks(protocol: Protocol, data: Path | None = None) -> dict[str, Task]:
    """Return what there is to measure, by name, one input after the other. data: see `load_corpus`."""
    plan, found = protocol.training, []
    for name in protocol.inputs:
        one = partial(Task, protocol, data, name)
        found += [one("LAES"), one("LAES", protocol.shown, 1, SHORT), one("multi-scale LAES")]
        for kind in STATIC:
            seeds = protocol.seeds if kind in RANDOM else 1
            found += [*(one(kind, size, seeds) for size in protocol.sizes), one(kind, protocol.shown, seeds, SHORT)]
        variants = (SHORT, LONGER) if name.startswith("rolls") else (SHORT,)
        for kind in TRAINED:
            found += [one(kind, size, plan.seeds if size == protocol.shown else 1) for size in plan.sizes]
            found += [one(kind, protocol.shown, 1, variant) for variant in variants]
    return {", ".join(map(str, filter(None, (t.input, t.memory, t.size, t.variant)))): t for t in found}


def run(
    out: Path, protocol: Protocol, *, data: Path | None = None, workers: int = 2, done: store.Done | None = None
) -> dict[str, store.Result]:
    """Measure what is not in out/capacity.json yet, and return all of it.

    "protocol" is the protocol with the grids of settings. data: see `load_corpus`. workers, done, errors: see
    `store.carry_out` and `store.begin`.
    """
    path, protocol = out / "capacity.json", with_sources(protocol, data)
    grids = {"components": COMPONENTS, "static": STATIC, "scales": SCALES}
    store.begin(path, {**protocol.model_dump(mode="json"), **grids})
    return store.carry_out(path, tasks(protocol, data), measure, workers=workers, done=done)


def measure(task: Task) -> store.Result:
    """Return the rows that a task measures, one for each size and seed; capacities in frames.

    total, first: on the test split, summed over all lags and over the first ones. valid: the figure chosen by.
    seconds of one core: to fit the memory (LAES), to choose its settings (static; of the multi-scale LAES both), to
    train it once they are chosen.
    """
    protocol, data = task.protocol, load(task.protocol, task.data, task.input)
    rows = []
    for encode, row in memories(task, data):
        per_lag = data.capacity(encode)
        first = per_lag[: protocol.training.first]
        row["valid"] = data.to_choose_by(encode, task.lags)
        row |= {"total": round(per_lag.sum(), 4), "first": round(first.sum(), 4)}
        rows.append(row | {"per_lag": [round(share, 4) for share in per_lag.tolist()]})
        if data.song is not None and row["size"] == protocol.shown and row["seed"] == 0:
            rows[-1]["song"] = reconstruction(encode, data, data.song)
    return {"rows": rows}


def reconstruction(encode: Encoder, data: Data, song: FloatArray) -> dict[str, list[str]]:
    """Return a song (time, keys), and what a memory's last state tells of it, by ridge readouts of all its lags.

    A frame is a text, two hexadecimal digits a key: 00 to ff for 0 to 1, and what is read out beyond is cut off.
    """
    readout = fit_readout(encode, data.train, data.mean, len(song), data.ridge)
    recalled = np.tensordot(np.append(encode(song)[-1], 1), readout, 1)[::-1] + data.mean
    texts = [[bytes(row).hex() for row in np.rint(255 * x.clip(0, 1)).astype(np.uint8)] for x in (song, recalled)]
    return {"frames": texts[0], "recalled": texts[1]}
