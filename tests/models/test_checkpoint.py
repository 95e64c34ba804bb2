"""A checkpoint rebuilds its model from itself alone, and refuses what is none."""

import pytest
import torch
from safetensors.torch import save_file

from lmn_music.errors import CheckpointError
from lmn_music.models.build import build
from lmn_music.models.checkpoint import CorpusInfo, Header, find_checkpoint, load_checkpoint, save_checkpoint
from lmn_music.models.config import ModelConfig


def header(model):
    corpus = CorpusInfo(name="x", source="x", sha256="0", provenance="test", comparable=False, frames_per_quarter=2)
    return Header(
        model=model.config, corpus=corpus, recipe={}, seed=3, command="lmn-music train x", figures={"valid_nll": 1.5}
    )


def test_round_trip(model, frames, tmp_path):
    path = tmp_path / "best.safetensors"
    save_checkpoint(path, model.state_dict(), header(model))
    for name in (path, tmp_path):  # a file, or its run folder
        loaded = load_checkpoint(name)
        assert loaded.header == header(model)
        assert torch.equal(loaded.model(frames)[0], model(frames)[0])


def test_writing_is_all_or_nothing(model, tmp_path):
    path = tmp_path / "best.safetensors"
    save_checkpoint(path, model.state_dict(), header(model))
    before = path.read_bytes()
    with pytest.raises(AttributeError):
        save_checkpoint(path, {"weight": None}, header(model))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="there is no model 'nonsense'"):
        find_checkpoint("nonsense")
    with pytest.raises(CheckpointError, match=r"no best\.safetensors"):
        find_checkpoint(tmp_path)
    text = tmp_path / "text.safetensors"
    text.write_text("a song, a song")
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(text)
    other = tmp_path / "other.safetensors"
    save_file({"w": torch.zeros(2)}, other)
    with pytest.raises(CheckpointError, match="not written by lmn-music"):
        load_checkpoint(other)


def test_a_checkpoint_of_another_version_says_so(model, tmp_path):
    path = tmp_path / "new.safetensors"
    save_checkpoint(path, {"new_weight": torch.zeros(2)}, header(model))
    with pytest.raises(CheckpointError, match="another version"):
        load_checkpoint(path)


@pytest.mark.parametrize("changes", [{"network": "emu"}, {"architecture": "tied", "network": "emu"}])
def test_a_network_that_this_version_lacks_says_so(changes, tmp_path):
    path = tmp_path / "new.safetensors"
    model = build(ModelConfig(hidden_size=3, memory_size=3, output="nade", output_hidden_size=2))
    info = header(model).model_copy(update={"model": model.config.model_copy(update=changes)})
    save_checkpoint(path, model.state_dict(), info)
    with pytest.raises(
        CheckpointError, match=rf"new\.safetensors needs another version of lmn-music .*{changes['network']}"
    ):
        load_checkpoint(path)


def test_a_truncated_checkpoint_is_refused(model, tmp_path):
    path = tmp_path / "best.safetensors"
    save_checkpoint(path, model.state_dict(), header(model))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path)


def test_a_checkpoint_of_another_format_says_so(model, tmp_path):
    path = tmp_path / "future.safetensors"
    save_checkpoint(path, model.state_dict(), header(model).model_copy(update={"format_version": 99}))
    with pytest.raises(CheckpointError, match="has format 99"):
        load_checkpoint(path)
