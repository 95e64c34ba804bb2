"""Write the tables of docs/scale.md anew from the stored results: `python benchmarks/scale/report.py`."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from studies.tables import fill, markdown

ROOT = Path(__file__).resolve().parents[2]
PAGE, RESULTS = ROOT / "docs" / "scale.md", ROOT / "docs" / "results" / "scale"
FILES = {"Lakh, one GPU": (170_000, 1), "GigaMIDI, eight GPUs": (1_400_000, 8)}
FRAMES, EPOCHS = 1000, 10  # of a file, and of a training: assumptions
DAY = 24 * 3600


def stored(name: str) -> Any:
    """Return what was measured."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def packing() -> str:
    """Return what packing takes, before the kill and after it."""
    found, rows = stored("pack"), []
    share = found["killed"]["shards"] / 500
    for name, part, of_it in (
        ("until it was killed", found["killed"], share),
        ("resumed to the end, index included", found["resumed"], 1 - share),
    ):
        files = round(of_it * found["files"])
        rows.append({"": name, "files kept": f"{files:,}", "seconds": part["seconds"]} | memory(part))
        rows[-1]["files a second"] = round(files / part["seconds"])
        rows[-1]["processor, ms a file"] = round(1000 * part["processor_seconds"] / files, 2)
    return markdown(rows)


def memory(found: dict[str, Any]) -> dict[str, Any]:
    """Return the memory of the largest process, in columns."""
    return {"memory, MiB": found["anonymous_mib"], "with mapped pages, MiB": found["peak_mib"]}


def training() -> str:
    """Return what the whole command takes."""
    found = stored("train")
    row = {
        "frames in train": f"{found['corpus_frames'][0]:,}",
        "trained on": f"{found['frames']:,}",
        "seconds": round(found["training_seconds"]),
        "of the processor": round(found["training_processor_seconds"]),
        "frames a second": round(found["frames"] / found["training_seconds"], -2),
        "frames a processor second": round(found["frames"] / found["training_processor_seconds"], -2),
    }
    return markdown([row | memory(found)])


def share() -> str:
    """Return how fast one process and two are; ratios are medians over rounds of the ratio inside each round."""
    ways = stored("share")
    wall = {way: [row["frames"] / row["seconds"] for row in rows] for way, rows in ways.items()}
    used = {way: [row["frames"] / row["processor_seconds"] for row in rows] for way, rows in ways.items()}
    alone, lines = next(iter(ways)), []
    for way in ways:
        faster = statistics.median(a / b for a, b in zip(wall[way], wall[alone], strict=True))
        cost = statistics.median(a / b for a, b in zip(used[alone], used[way], strict=True))
        line = {"": way, "frames a second": round(statistics.median(wall[way]), -2), "speed-up": round(faster, 2)}
        line["frames a processor second"] = round(statistics.median(used[way]), -2)
        lines.append(line | {"processor time of a frame": round(cost, 2)})
    return markdown(lines)


def index() -> str:
    """Return what the index takes, by songs."""
    return markdown(
        {"songs": f"{row['songs']:,}", "processor, s": row["processor_seconds"]} | memory(row)
        for row in stored("index")
    )


def autoencoder() -> str:
    """Return what the fit of an autoencoder takes."""
    return markdown(
        {
            "songs": row["songs"],
            "frames": f"{row['frames']:,}",
            "processes": row["processes"],
            "seconds": row["seconds"],
            "processor, s": row["processor_seconds"],
            "memory of the largest process, MiB": row["anonymous_mib"],
            "before the fit, MiB": row["before_mib"],
        }
        for row in stored("autoencoder")
    )


def rates() -> dict[str, float]:
    """Return frames of a processor second, by what is done."""
    return {name: statistics.median(found) for name, found in stored("costs").items()}


def costs() -> str:
    """Return what a frame costs."""
    return markdown(
        {"": name, "frames a processor second": round(rate, -2), "microseconds a frame": round(1e6 / rate, 1)}
        for name, rate in rates().items()
    )


def plan() -> str:
    """Return what follows for two collections: estimates, all of them."""
    pack, rate, lines = stored("pack"), rates(), {}
    of_pack = sum(pack["frames"])
    songs, used = zip(*((row["songs"], row["anonymous_mib"]) for row in stored("index")), strict=True)
    packing = (pack["killed"]["processor_seconds"] + pack["resumed"]["processor_seconds"]) / of_pack
    for name, (files, gpus) in FILES.items():
        frames = files * FRAMES
        lines[name] = {
            "files": f"{files:,}",
            "frames": f"{frames / 1e6:,.0f} million",
            "packing, core hours": round(packing * frames / 3600, 1),
            "packed, GB": round(pack["bytes"] / of_pack * frames / 1e9, 1),
            "index, MiB of memory": round(float(np.interp(files, songs, used))),
            **{
                f"an epoch of `{recipe}`, core hours": round(
                    0.8 * frames / rate[f"{recipe}, training, 32 songs of a batch"] / 3600, 1
                )
                for recipe in ("lmn", "lmn-nade")
            },
            "likelihood of the test split, `lmn`, core hours": round(0.1 * frames / rate["lmn, likelihood"] / 3600, 2),
            f"{EPOCHS} epochs in a day need, frames a second on each GPU": round(
                0.8 * frames * EPOCHS / DAY / gpus, -2
            ),
        }
    names = list(lines)
    return markdown({"": what, **{name: lines[name][what] for name in names}} for what in lines[names[0]])


def tables() -> dict[str, str]:
    """Return every table, by the name of its mark."""
    every = (packing, training, share, index, autoencoder, costs, plan)
    return {each.__name__: each() for each in every}


if __name__ == "__main__":
    fill(PAGE, tables())
