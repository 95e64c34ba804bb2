"""A checkpoint may be a stranger's: it is refused in one line, before memory is taken for what it claims."""

import json
import os
import resource
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from lmn_music.errors import CheckpointError
from lmn_music.models.build import build
from lmn_music.models.checkpoint import load_checkpoint, save_checkpoint
from lmn_music.models.config import ModelConfig
from lmn_music.models.shapes import shapes_of
from tests.models.helpers import CONFIGS
from tests.models.test_checkpoint import header

CONFIG = ModelConfig(hidden_size=3, memory_size=3)


def refused(path):
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert len(message.splitlines()) == 1
    assert len(message) < 500
    return message


def weights():
    return dict(build(CONFIG).state_dict())


def stored(path, values, tensors=None):
    """Write a checkpoint with any header: a dict of changes, or a text in the place of all."""
    info = header(build(CONFIG)).model_dump(mode="json")
    if isinstance(values, dict):
        for key, value in values.items():
            *tables, last = key.split(".")
            table = info
            for name in tables:
                table = table[name]
            table[last] = value
    text = json.dumps(info) if isinstance(values, dict) else values
    path.write_bytes(save(weights() if tensors is None else tensors, metadata={"lmn_music": text}))
    return path


HEADERS = ["[]", "7", "null", '"text"', "", "{", "[" * 100_000, '{"a": ' * 100_000, " " * 10**6 + "{}"]


@pytest.mark.parametrize("text", HEADERS)
def test_a_header_that_is_none(text, tmp_path):
    assert "its header is none" in refused(stored(tmp_path / "x.safetensors", text))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corpus.frames_per_quarter": 0}, "corpus.frames_per_quarter: "),
        ({"corpus.frames_per_quarter": -2}, "corpus.frames_per_quarter: "),
        ({"corpus.frames_per_quarter": 10**30}, "corpus.frames_per_quarter: "),
        ({"corpus.frames_per_quarter": 2.5}, "corpus.frames_per_quarter: "),
        ({"corpus.mean_top_key": 1e9}, "corpus.mean_top_key: "),
        ({"corpus.mean_top_key": float("nan")}, "corpus.mean_top_key: "),
        ({"corpus": []}, "corpus: "),
        ({"recipe": 3}, "recipe: "),
        ({"seed": 10**30}, "seed: "),
        ({"seed": -1}, "seed: "),
        ({"figures": {}}, "figures: valid_nll is missing"),
        ({"figures": {"valid_nll": float("inf")}}, "figures.valid_nll: "),
        ({"model": None}, "model: "),
        ({"model.hidden_size": 0}, "model.hidden_size: "),
        ({"model.hidden_size": 10**9}, "model.hidden_size: "),
        ({"model.metre": [2] * 10_000}, "model.metre: "),
        ({"model.dropout": 1.0}, "model.dropout: "),
        ({"model.output": "nade"}, "needs an output_hidden_size"),
        ({"model.network": "x" * 10_000}, "at most 40"),
        ({"x" * 10_000: 1}, "xxxx"),
        ({"format_version": "two"}, "format_version"),
    ],
)
def test_a_header_with_absurd_values(changes, message, tmp_path):
    assert message in refused(stored(tmp_path / "x.safetensors", changes))


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_no_numbers(value, tmp_path):
    tensors = weights()
    tensors["readout.bias"][17] = value  # one is enough
    assert "is damaged: the weight readout.bias is not finite" in refused(
        stored(tmp_path / "x.safetensors", {}, tensors)
    )


def test_weights_of_another_kind(tmp_path):
    path = tmp_path / "x.safetensors"
    for kind in (torch.float64, torch.int64, torch.bool, torch.float8_e5m2):
        tensors = {name: weight.to(kind) for name, weight in weights().items()}
        assert "weights of the type" in refused(stored(path, {}, tensors))
    tensors = weights()
    del tensors["readout.bias"]
    assert "the weight readout.bias is missing" in refused(stored(path, {}, tensors))
    assert "there is no weight yyyy" in refused(stored(path, {}, weights() | {"y" * 10_000: torch.zeros(1)}))
    tensors = weights() | {"readout.bias": torch.zeros(88, 1)}
    assert "the weight readout.bias has the shape (88, 1), not (88,)" in refused(stored(path, {}, tensors))


def test_a_model_that_is_larger_than_its_file_is_never_made(tmp_path):
    """Its memory alone would take 1.6 GB: less is allowed here."""
    path = stored(tmp_path / "x.safetensors", {"model.hidden_size": 20_000, "model.memory_size": 20_000})
    assert path.stat().st_size < 9000
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 500_000_000, before[1]))
    try:
        assert "has the shape" in refused(path)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def test_tensors_that_are_larger_than_their_file(tmp_path):
    path = tmp_path / "x.safetensors"
    for shape, offsets in (([20_000, 20_000], [0, 1_600_000_000]), ([2**40, 2**40], [0, 4]), ([-1], [0, 4])):
        text = json.dumps({"w": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(100))
        assert "damaged" in refused(path)
    for length in (0, 2**40, 2**64 - 1):
        path.write_bytes(struct.pack("<Q", length) + b"{}" + bytes(100))
        assert "damaged" in refused(path)


def test_a_checkpoint_that_is_a_pipe_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "best.safetensors")
    (tmp_path / "config.toml").touch()
    for name in (tmp_path, tmp_path / "best.safetensors"):
        with pytest.raises(CheckpointError):
            load_checkpoint(name)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_shapes_of_a_model_are_known_without_it(name):
    made = build(CONFIGS[name])
    assert shapes_of(CONFIGS[name]) == {key: tuple(weight.shape) for key, weight in made.state_dict().items()}


@pytest.mark.slow
def test_shapes_take_no_time():
    """For a few operations without numbers torch loads its compiler, which takes seconds."""
    script = "import sys; from tests.models.helpers import CONFIGS; from lmn_music.models.shapes import shapes_of; "
    script += "[shapes_of(config) for config in CONFIGS.values()]; print('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "False\n"


def test_others_may_read_a_checkpoint_as_the_user_wants(tmp_path):
    model = build(CONFIG)
    before = os.umask(0o022)
    try:
        save_checkpoint(tmp_path / "x.safetensors", model.state_dict(), header(model))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x.safetensors").stat().st_mode) == 0o644
