"""What a user waits for: likelihood of a corpus, the chorales, help and import."""

from __future__ import annotations

import time
from typing import Any

from measure import BIN, fresh, in_turn, median, process, script, store

from lmn_music.allocator import keep_freed_memory
from lmn_music.corpora import load_corpus
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.models.checkpoint import load_checkpoint

COMMAND = str(BIN / "lmn-music")


def likelihood(name: str) -> float:
    """Return the seconds that a shipped model takes to read the test split of its corpus."""
    keep_freed_memory()
    model, songs = load_checkpoint(name).model, load_corpus(name).test
    start = time.perf_counter()
    frame_log_probs(model, songs)
    return time.perf_counter() - start


def chorales() -> dict[str, float]:
    """Return the seconds that the chorales take at their first use in this process, and at their second."""
    seconds = {}
    for use in ("first use in a process", "second use"):
        start = time.perf_counter()
        load_corpus("chorales")
        seconds[f"chorales, {use}, s"] = time.perf_counter() - start
    return seconds


def main() -> None:
    """Measure everything, each in fresh processes."""
    results: dict[str, Any] = {"evaluate": {}}
    for name in ("jsb", "piano", "nottingham", "muse"):
        run = process(COMMAND, "evaluate", name, "--json")
        results["evaluate"][name] = {
            "the command, s": run["seconds"],
            "peak memory, MiB": run["peak_mib"],
            "of which the likelihood, s": fresh(likelihood, name),
        }
    results["chorales"] = fresh(chorales)
    small = in_turn(
        {
            "lmn-music --help, s": lambda: process(COMMAND, "--help"),
            "import lmn_music, s": lambda: script("import lmn_music"),
            "python alone, s": lambda: script("pass"),
        },
        seconds=5,
    )
    results["start"] = {name: median(values) for name, values in small.items()}
    store("application", results)


if __name__ == "__main__":
    main()
