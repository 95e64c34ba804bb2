"""Every function and command that reads a song plays its repeats out, or reads it as written."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lmn_music import api
from lmn_music.cli.main import app
from tests.formats.test_musicxml_cases import START, note, score

BARS = 4  # of a tune whose second half is repeated: six when it is played
REPEAT = '<barline location="{}"><repeat direction="{}"/></barline>'


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    bars = [note(f"{step}5", 16) for step in "CEGC"]
    bars[2] = REPEAT.format("left", "forward") + bars[2]
    bars[3] += REPEAT.format("right", "backward")
    path = tmp_path / "tune.musicxml"
    path.write_text(score([START + bars[0], *bars[1:]]))
    return path


READERS: dict[str, Callable[[Path, bool], float]] = {
    "harmonise": lambda tune, once: float(api.harmonise(tune, particles=2, seed=1, as_written=once).length) / 4,
    "continue": lambda tune, once: float(api.continue_piece(tune, bars=2, seed=1, as_written=once).length) / 4 - 2,
    "surprise": lambda tune, once: len(api.surprise(tune, "jsb", as_written=once).frame_nats) / 4,
    "compose": lambda tune, once: len(api.compose(prime=tune, bars=1, seed=1, as_written=once)) / 4 - 1,
}


@pytest.mark.parametrize("name", READERS)
def test_functions(tune: Path, name: str) -> None:
    assert READERS[name](tune, False) == 6
    assert READERS[name](tune, True) == BARS


@pytest.mark.parametrize("once", [False, True])
def test_commands(tune: Path, tmp_path: Path, once: bool) -> None:
    option = ["--as-written"] * once
    out = ["--out", str(tmp_path / "song.mid"), "--seed", "1"]
    for words in (
        ["harmonise", str(tune), *out],
        ["continue", str(tune), "--bars", "2", *out],
        ["generate", "--prime", str(tune), "--bars", "2", *out],
        ["surprise", str(tune), "--model", "jsb", "--out", str(tmp_path / "song.csv")],
        ["stream", "--prime", str(tune), "--frames", "1"],
    ):
        assert CliRunner().invoke(app, [*words, *option]).exit_code == 0
    result = CliRunner().invoke(app, ["rewrite", str(tune), "--bars", "9:9", *out, *option])
    assert f"the piece has bars 1 to {BARS if once else 6}" in result.output
