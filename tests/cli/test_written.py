"""Whatever composes or arranges writes every format."""

from pathlib import Path

import pytest

from lmn_music import read_score
from lmn_music.formats import FORMATS
from tests.cli.helpers import lmn_music

SUFFIXES = [suffix for suffix, entry in FORMATS.items() if entry.write]
SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "frere-jacques.musicxml"
COMMANDS = [
    ("generate", "--bars", "2", "--count", "2"),
    ("harmonise", SAMPLE),
    ("continue", SAMPLE, "--bars", "2"),
    ("rewrite", SAMPLE, "--bars", "2:3"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_format_is_written(command: tuple[str | Path, ...]) -> None:
    outs = [word for suffix in SUFFIXES for word in ("--out", f"song{suffix}")]
    printed = lmn_music(*command, "--seed", "1", *outs)
    names = ["song-1", "song-2"] if "--count" in command else ["song"]
    files = [Path(f"{name}{suffix}") for name in names for suffix in SUFFIXES]
    assert all(file.stat().st_size > 100 for file in files)
    assert [line for line in printed.splitlines() if line.startswith("wrote")] == [f"wrote {file}" for file in files]
    rolls = [read_score(file, 2) for file in files if file.stem == names[0] and FORMATS[file.suffix].read]
    assert len(rolls) >= 3
    lengths = {len(roll) // 8 for roll in rolls}  # a score ends with a full bar
    assert len(lengths) == 1
    assert all((roll.frames[: len(rolls[0])] == rolls[0].frames).all() for roll in rolls)
