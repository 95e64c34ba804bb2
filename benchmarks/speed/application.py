"""What a user waits for: likelihood of a corpus, a folder of MIDI files, the chorales, help and import."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from measure import BIN, fresh, in_turn, median, process, ratio, script, store

from lmn_music.allocator import keep_freed_memory
from lmn_music.corpora import load_corpus
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.formats import write_roll
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.music.pianoroll import PianoRoll

FILES = 1000
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


def folder_of_midi(folder: Path) -> None:
    """Write a thousand tunes: pieces of 200 frames of Nottingham and MuseData, no two of them the same."""
    different: dict[bytes, PianoRoll] = {}
    for roll in (*load_corpus("nottingham").train, *load_corpus("muse").train):
        pieces = [roll[start : start + 200] for start in range(0, len(roll) - 100, 200)]
        different |= {piece.frames.tobytes(): piece for piece in pieces}
    found = list(different.values())
    for number, piece in enumerate(found[:: len(found) // FILES][:FILES]):
        write_roll(piece, folder / f"{number:04d}.mid")


def folder() -> dict[str, float]:
    """Return seconds to read a thousand MIDI files, beside pretty_midi's reading of the same."""
    with TemporaryDirectory() as name:
        folder_of_midi(Path(name))
        ours = f"from lmn_music.corpora import load_corpus; c = load_corpus({name!r}); print(c.songs, c.rejected)"
        theirs = f"""
import pretty_midi
from pathlib import Path
for path in Path({name!r}).iterdir():
    pretty_midi.PrettyMIDI(str(path)).get_piano_roll(fs=4)
"""
        if not (read := script(ours)["output"]).endswith(" ()\n"):
            raise SystemExit(f"files were left out: {read}")
        times = in_turn({"ours": lambda: script(ours), "pretty_midi": lambda: script(theirs)}, seconds=1, least=2)
    return {f"{FILES} files, s": median(times["ours"]), "ours / pretty_midi": ratio(times, "ours", "pretty_midi")}


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
    results["folder"] = folder()
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
