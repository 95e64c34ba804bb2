"""ONNX files, run by onnxruntime: the numbers of torch."""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from lmn_music.errors import LmnMusicError, UsageError
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig
from lmn_music.models.exporting import export_layer, export_model
from lmn_music.models.networks.gated import GatedLMN
from lmn_music.models.networks.lmn import LMN


def session_of(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("readout", ["memory", "both"])
@torch.no_grad()
def test_a_layer_runs_over_sequences_of_any_length(tmp_path: Path, readout: str) -> None:
    torch.manual_seed(0)
    layer = LMN(5, 4, 6, readout=readout)
    export_layer(layer, tmp_path / "layer.onnx")
    session = session_of(tmp_path / "layer.onnx")
    for time, batch in ((1, 1), (40, 3)):
        x, memory = torch.randn(time, batch, 5), torch.randn(batch, 6)
        output, after = session.run(None, {"x": x.numpy(), "memory": memory.numpy()})
        expected, last = layer(x, memory.unsqueeze(0))
        scale = max(1.0, float(expected.abs().max()))  # an orthogonal memory adds up
        np.testing.assert_allclose(output, expected.numpy(), atol=1e-6 * scale)
        np.testing.assert_allclose(after, last[0].numpy(), atol=1e-6 * scale)


@pytest.mark.parametrize(("network", "output"), [("lmn", "bernoulli"), ("gated-lmn", "nade")])
@torch.no_grad()
def test_a_dense_model_reads_a_song_step_by_step(tmp_path: Path, network: str, output: str) -> None:
    config = ModelConfig(
        network=network, output=output, hidden_size=6, memory_size=8, output_hidden_size=5, metre=(4, 3), dropout=0.1
    )
    model = build(config, torch.Generator().manual_seed(0)).eval()
    export_model(model, tmp_path / "model.onnx")
    session = session_of(tmp_path / "model.onnx")
    frames = (torch.rand(8, 3, 88, generator=torch.Generator().manual_seed(1)) < 0.05).float()
    expected, _ = model(frames)
    memory, previous = model.initial_state(3).memory.numpy(), np.zeros((3, 88), np.float32)
    for number, frame in enumerate(frames.numpy()):
        given = {"frame": frame, "previous": previous, "memory": memory, "position": np.array([number])}
        log_prob, memory, *chance = session.run(None, given)
        np.testing.assert_allclose(log_prob, expected[number].numpy(), rtol=1e-6)
        for chances in chance:
            likely = np.where(frame > 0, chances, 1 - chances)
            np.testing.assert_allclose(np.log(likely).sum(axis=1), log_prob, rtol=1e-4)
        previous = frame


def test_what_cannot_be_exported_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tied = build(ModelConfig(architecture="tied", output="nade", hidden_size=4, memory_size=4, output_hidden_size=4))
    lstm = build(ModelConfig(network="lstm", hidden_size=4))
    with pytest.raises(UsageError, match="network lstm"):
        export_model(lstm, tmp_path / "model.onnx")
    with pytest.raises(UsageError, match="architecture tied"):
        export_model(tied, tmp_path / "model.onnx")
    with pytest.raises(UsageError, match="plain LMN"):
        export_layer(GatedLMN(5, 4, 6), tmp_path / "layer.onnx")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(LmnMusicError, match=r"pip install 'lmn-music\[export\]'"):
        export_layer(LMN(5, 4, 6), tmp_path / "layer.onnx")
    assert not list(tmp_path.iterdir())
