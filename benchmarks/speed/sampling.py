"""Drawing songs: frames per second, beside drawing key by key; and the time from the command to the first frame."""

from __future__ import annotations

import subprocess
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import torch
from measure import BIN, ROOT, in_turn, median, process, ratio, script, store

from lmn_music.generation.sampler import sample_frames
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.models.outputs.output import KEYS_PER_PASS

FRAMES = 64

FIRST_FRAME = """
from lmn_music.cli.main import app  # what the command loads
import torch
from lmn_music.generation.sampler import sample_frames
from lmn_music.models.checkpoint import load_checkpoint
next(sample_frames(load_checkpoint("jsb").model, torch.Generator().manual_seed(1)))
"""


def dense_models() -> dict[str, str]:
    """Return quickly trained dense models, which sound about as many keys as music does."""
    models = {}
    for recipe in ("lmn", "lmn-nade"):
        out = ROOT / "runs" / "speed" / recipe
        begin = ["jsb", "--recipe", recipe, "--epochs", "10", "--set", "pretraining.epochs=10", "--out", str(out)]
        subprocess.run([BIN / "lmn-music", "train", *(["--resume", str(out)] if out.exists() else begin)], check=True)
        models[recipe] = str(out)
    return models


@torch.no_grad()
def frames_per_second(name: str, songs: int) -> dict[str, float]:
    """Return how many frames of how many songs are drawn in a second, and how long that takes key by key, by ours."""
    model = load_checkpoint(name).model

    def draw(keys_per_pass: int) -> None:
        generator = torch.Generator().manual_seed(0)
        with patch("lmn_music.models.outputs.output.KEYS_PER_PASS", keys_per_pass):
            for _ in islice(sample_frames(model, generator, songs=songs), FRAMES):
                pass

    times = in_turn({"ours": lambda: draw(KEYS_PER_PASS), "key by key": lambda: draw(1)}, seconds=8, least=3)
    return {
        "frames per second": songs * FRAMES / median(times["ours"]),
        "ours / key by key": ratio(times, "ours", "key by key"),
    }


def starts() -> dict[str, float]:
    """Return seconds of fresh processes, medians of five in turn."""
    with TemporaryDirectory() as folder:
        song = str(Path(folder) / "song.mid")
        command = str(BIN / "lmn-music")
        times = in_turn(
            {
                "64 bars, the whole command, s": lambda: process(
                    command, "generate", "--bars", "64", "--seed", "1", "--out", song
                ),
                "first frame, from the start of the process, s": lambda: script(FIRST_FRAME),
                "of which import torch, s": lambda: script("import torch"),
            },
            seconds=20,
        )
    return {name: median(values) for name, values in times.items()}


def main() -> None:
    """Measure everything."""
    models = {"tied (jsb)": "jsb", "tied (nottingham)": "nottingham"}
    models |= {f"dense, {name}": path for name, path in dense_models().items()}
    results = {
        f"{name}, {songs} song{'s'[: songs > 1]}": frames_per_second(path, songs)
        for name, path in models.items()
        for songs in (1, 16)
    }
    store("sampling", {"frames": results, "starts": starts()})


if __name__ == "__main__":
    main()
