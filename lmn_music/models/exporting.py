"""Layers and dense models as ONNX files, which other runtimes read."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lmn_music.errors import LmnMusicError, UsageError
from lmn_music.files import replacing
from lmn_music.models.dense import DenseModel
from lmn_music.models.interface import SequenceModel
from lmn_music.models.networks.lmn import LMN
from lmn_music.models.networks.scan import scan_step
from lmn_music.models.outputs.bernoulli import BernoulliOutput
from lmn_music.music.pianoroll import KEYS

MISSING = "an ONNX file needs onnx and onnxscript: install them with `pip install 'lmn-music[export]'`"

# An ms-lmn reads by the number of the frame, and what torch makes of its own LSTM, GRU and RNN has a fixed batch.
NETWORKS = ("lmn", "gated-lmn")


class LayerOverTime(nn.Module):
    """An LMN over sequences of any length, its recurrence one operator: torch's `scan`, which becomes ONNX's Scan.

    Args:
        layer: the LMN, with the axes (time, batch, size).
    """

    def __init__(self, layer: LMN) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output (time, batch, output_size) and the memory (batch, memory_size) after the last frame.

        Args:
            x: (time, batch, input_size).
            memory: (batch, memory_size), before the first frame.
        """
        from torch._higher_order_ops.scan import scan

        layer = self.layer

        def step(m: Tensor, u_t: Tensor) -> tuple[Tensor, Tensor]:
            h, after = scan_step(u_t, m, layer.W_mh, layer.W_hm, layer.W_mm, layer.b_m)
            return after, torch.cat([h, after], dim=1)

        u = nn.functional.linear(x, layer.W_xh, layer.b_h)
        last, both = scan(step, memory, u)
        h, m = both.split([layer.hidden_size, layer.memory_size], dim=2)
        return layer.put_out(x, h, m), last


class DenseStep(nn.Module):
    """One frame of a dense model: what it thinks of the frame, from the frame before it and the memory.

    Args:
        model: the model, with one of NETWORKS.
    """

    def __init__(self, model: DenseModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, frame: Tensor, previous: Tensor, memory: Tensor, position: Tensor) -> tuple[Tensor, ...]:
        """Return the log-likelihood (batch,) of the frame in nats, and the memory before the next frame.

        Where keys are independent given the past, the chance of each, (batch, 88), comes third.

        Args:
            frame: (batch, 88) of zeros and ones.
            previous: (batch, 88), the frame before; zeros before the first.
            memory: (batch, ...), `initial_memory` of the model before the first frame.
            position: (1,), whole number, the number of the frame from 0.
        """
        model = self.model
        parts = [previous]
        for length in model.config.metre:
            place = (position % length == torch.arange(length)).to(previous)
            parts.append(place.unsqueeze(0).expand(len(previous), -1))
        z, memory = model.network.advance(torch.cat(parts, dim=1).unsqueeze(0), memory)
        context = model.readout(z)
        log_prob = model.output.log_prob(frame.unsqueeze(0), context)[0]
        if isinstance(model.output, BernoulliOutput):
            return log_prob, memory, torch.sigmoid(model.output.hidden(context))[0]
        return log_prob, memory


def export_layer(layer: LMN, path: Path) -> None:
    """Write an LMN as an ONNX file, for sequences of any length and batches of any size.

    Inputs are `x` (time, batch, input_size) and `memory` (batch, memory_size); outputs `output` and `after`.

    Args:
        layer: the layer.
        path: the file.

    Raises:
        UsageError: it is a gated LMN, whose recurrence is another one, or has `batch_first`.
        LmnMusicError: onnx is missing.
    """
    if type(layer) is not LMN or layer.batch_first:
        raise UsageError("only a plain LMN with the axes (time, batch, size) can be exported over time")
    device = layer.W_mm.device
    x = torch.zeros(3, 2, layer.input_size, device=device)
    memory = layer.initial_state(2)
    sizes = {"x": {0: "time", 1: "batch"}, "memory": {0: "batch"}}
    _write(LayerOverTime(layer), (x, memory), sizes, ["output", "after"], path)


def export_model(model: SequenceModel, path: Path) -> None:
    """Write one step of a dense model as an ONNX file, for batches of any size; see `DenseStep` for what it computes.

    Inputs are `frame`, `previous`, `memory` and `position`, outputs `log_prob`, `after` and, where keys are
    independent, `chance`.

    Args:
        model: the model, in evaluation mode.
        path: the file.

    Raises:
        UsageError: the model is not dense, or has another network than NETWORKS.
        LmnMusicError: onnx is missing.
    """
    if not isinstance(model, DenseModel) or model.config.network not in NETWORKS:
        raise UsageError(
            f"a model of architecture {model.config.architecture} and network {model.config.network} cannot be "
            f"exported: choose a dense one with network {' or '.join(NETWORKS)}, such as one trained by --recipe lmn"
        )
    state = model.initial_state(2)
    frame = state.memory.new_zeros(2, KEYS)  # and another tensor for the frame before: torch takes one for one input
    given = (frame, frame.clone(), state.memory.contiguous(), torch.zeros(1, dtype=torch.int64))
    sizes = {"frame": {0: "batch"}, "previous": {0: "batch"}, "memory": {0: "batch"}, "position": None}
    names = ["log_prob", "after", *(["chance"] if isinstance(model.output, BernoulliOutput) else [])]
    _write(DenseStep(model), given, sizes, names, path)


def _write(module: nn.Module, given: tuple[Tensor, ...], sizes: dict[str, Any], names: list[str], path: Path) -> None:
    try:
        import onnxscript  # noqa: F401 - what torch writes ONNX with
    except ImportError:
        raise LmnMusicError(MISSING) from None
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)  # it names packages that nothing here needs
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, about its own names
            program = torch.onnx.export(
                module.eval(), given, dynamo=True, dynamic_shapes=sizes, output_names=names, verbose=False
            )
    finally:
        log.setLevel(level)
    assert program is not None
    with replacing(path) as temporary:
        temporary.write_bytes(program.model_proto.SerializeToString())
