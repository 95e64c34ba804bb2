"""All layers behind one face: a name, inputs, outputs and a number of parameters give a model that learns a problem."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

from lmn_music.memory.laes import fit_autoencoder
from lmn_music.models.networks.gated import GatedLMN
from lmn_music.models.networks.lmn import LMN
from lmn_music.models.networks.multiscale import MultiScaleLMN, sampled_hidden
from lmn_music.models.networks.network import Network
from lmn_music.models.networks.parallel import Block, LMNStack
from lmn_music.models.networks.recurrent import Kind, Recurrent
from studies.memory.lru import LRU
from studies.memory.problem import Problem
from studies.memory.s4d import S4D

# Inputs and a width, in halves, give a layer and what it puts out: hidden units are as many as the width, and the cells
# of a memory twice as many, so that halves come near to any number of parameters.
Make = Callable[[int, float], tuple[nn.Module, int]]
SCALES, BLOCKS, STATES = 3, 2, 16  # memories of an MS-LMN; blocks of a stack; complex states of each input of S4D
WIDEST = 4000  # halves
FITTED = 16  # sequences that an autoencoder is fitted to


class Model(nn.Module):
    """A layer and a linear readout.

    Args:
        layer: called as `layer(x)`, it returns (time, batch, size) and a state.
        size: what the layer puts out.
        outputs: what the model says.
    """

    def __init__(self, layer: nn.Module, size: int, outputs: int) -> None:
        super().__init__()
        self.layer, self.readout = layer, nn.Linear(size, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (time, batch, outputs) of (time, batch, inputs)."""
        return self.readout(self.layer(x)[0])  # type: ignore[no-any-return]

    @torch.no_grad()
    def constrain(self) -> None:
        """Bring the weights back into the set where every length is stable."""
        if isinstance(self.layer, Network | LMNStack):
            self.layer.constrain()

    def parameters_by_rate(self) -> dict[float, list[nn.Parameter]]:
        """Return the weights by the share of the learning rate at which they learn: those of a memory are slower."""
        found: dict[float, list[nn.Parameter]] = {}
        for name, weight in self.named_parameters():
            if weight.requires_grad:
                found.setdefault(SLOW.get(name.rpartition(".")[2], 1.0), []).append(weight)
        return found


# Of an LMN a tenth (docs/architecture.md), of LRU and S4D a quarter, as their authors say or less.
SLOW = {"W_hm": 0.1, "W_mm": 0.1, "b_m": 0.1, **dict.fromkeys(("nu", "theta", "gamma", "d", "a", "b"), 0.25)}


class Torch(nn.Module):
    """RNN, GRU or LSTM, started as everywhere in this project; see `Recurrent`."""

    def __init__(self, kind: Kind, inputs: int, width: int) -> None:
        super().__init__()
        self.network = Recurrent(kind, inputs, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Run over time."""
        return self.network.advance(x, self.network.initial_state(x.shape[1]))


class Blocks(nn.Module):
    """Layers that map a frame onto one of the same size, in blocks; see `Block`."""

    def __init__(self, make: Callable[[int], nn.Module], inputs: int, width: int) -> None:
        super().__init__()
        self.read_in = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(Block(make(width), width, width) for _ in range(BLOCKS))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Run over time."""
        y = self.read_in(x)
        for block in self.blocks:
            y, state = block(y)
        return y, state


def _lmn(kind: type[LMN]) -> Make:
    def make(inputs: int, width: float) -> tuple[nn.Module, int]:
        layer = kind(inputs, int(width), int(2 * width), readout="both")
        return layer, layer.output_size

    return make


def _multiscale(inputs: int, width: float) -> tuple[nn.Module, int]:
    layer = MultiScaleLMN(inputs, int(2 * width) - int(width), int(width), SCALES, readout="both")
    return layer, layer.output_size


def _stack(inputs: int, width: float) -> tuple[nn.Module, int]:
    return LMNStack(inputs, int(width), int(width), int(2 * width), BLOCKS), int(width)


def _torch(kind: Kind) -> Make:
    return lambda inputs, width: (Torch(kind, inputs, int(width)), int(width))


def _blocks(make: Callable[[int], nn.Module]) -> Make:
    return lambda inputs, width: (Blocks(make, inputs, int(width)), int(width))


@dataclass(frozen=True)
class Layer:
    """What is compared.

    Attributes:
        family: how it is made.
        start: what its memory starts as; "" where there is no choice.
        frozen: whether the memory stays as it starts.
        specialised: whether an unrolled model is trained first, and handed over (the paper's algorithm).
    """

    family: str
    start: str = ""
    frozen: bool = False
    specialised: bool = False


FAMILIES: Mapping[str, Make] = {
    "LMN": _lmn(LMN),
    "gated LMN": _lmn(GatedLMN),
    "MS-LMN": _multiscale,
    "LMN stack": _stack,
    "RNN": _torch("rnn"),
    "GRU": _torch("gru"),
    "LSTM": _torch("lstm"),
    "LRU": _blocks(lambda width: LRU(width, width)),
    "S4D": _blocks(lambda width: S4D(width, STATES)),
}
STATIC = ("orthogonal", "delay", "legendre")
LAYERS: Mapping[str, Layer] = {
    **{f"LMN, {start}": Layer("LMN", start) for start in ("laes", *STATIC)},
    **{f"LMN, {start}, frozen": Layer("LMN", start, frozen=True) for start in ("laes", *STATIC)},
    "LMN, specialised": Layer("LMN", "laes", specialised=True),
    **{f"gated LMN, {start}": Layer("gated LMN", start) for start in ("laes", *STATIC)},
    "MS-LMN": Layer("MS-LMN", "laes"),
    "LMN stack, laes": Layer("LMN stack", "laes"),
    **{name: Layer(name) for name in ("RNN", "GRU", "LSTM", "LRU", "S4D")},
}


def count(model: nn.Module) -> int:
    """Return how many numbers of a model can learn; the slower memories of an MS-LMN read no faster ones."""
    found = sum(weight.numel() for weight in model.parameters())
    scaled = [part for part in model.modules() if isinstance(part, MultiScaleLMN)]
    return found - sum(part.memory_size**2 * part.scales * (part.scales - 1) // 2 for part in scaled)


@cache
def width_for(family: str, inputs: int, outputs: int, parameters: int) -> float:
    """Return the width at which a family has the number of parameters that is nearest to the one asked for."""

    def size(halves: int) -> int:
        with torch.device("meta"):
            return count(Model(*FAMILIES[family](inputs, halves / 2), outputs))

    above = bisect_left(range(WIDEST), parameters, lo=4, key=size)
    return min((above - 1, above), key=lambda halves: abs(size(halves) - parameters)) / 2


def make(layer: Layer, problem: Problem, parameters: int, seed: int) -> Model:
    """Return a model with drawn weights and its memory started.

    Args:
        layer: what it is.
        problem: whose inputs it reads; an autoencoder is fitted to its training split.
        parameters: how many, about.
        seed: of the weights.
    """
    torch.manual_seed(seed)
    width = width_for(layer.family, problem.inputs, problem.outputs, parameters)
    made, size = FAMILIES[layer.family](problem.inputs, width)
    model = Model(made, size, problem.outputs)
    x = problem.train.x[:, :FITTED]
    if layer.start and isinstance(made, LMN | LMNStack):
        made.reset("orthogonal" if layer.start == "laes" else layer.start)
    if isinstance(made, Network):
        made.prepare()
    if layer.start == "laes":
        _start_as_autoencoder(made, x)
    if layer.frozen:
        for name, weight in model.named_parameters():
            weight.requires_grad = name.rpartition(".")[2] not in ("W_hm", "W_mm", "b_m")
    return model


@torch.no_grad()
def _start_as_autoencoder(layer: nn.Module, x: Tensor) -> None:
    if isinstance(layer, LMNStack):
        layer.start_as_autoencoders(x)
    elif isinstance(layer, LMN):
        h, _ = layer.run(x, layer.initial_state(x.shape[1]))
        layer.load_autoencoder(fit_autoencoder(list(h.transpose(0, 1).numpy()), layer.memory_size))
    elif isinstance(layer, MultiScaleLMN):  # each module, as when modules are added one by one
        h, _ = layer.run(x, layer.initial_state(x.shape[1]))
        layer.W_mm.zero_()
        for i in range(layer.scales):
            rows = slice(i * layer.memory_size, (i + 1) * layer.memory_size)
            songs = [sampled_hidden(song, i) for song in h.transpose(0, 1).numpy()]
            memory = fit_autoencoder(songs, layer.memory_size)
            fitted = slice(rows.start, rows.start + len(memory.B_))
            layer.W_hm[fitted] = torch.from_numpy(memory.A_).float()
            layer.W_mm[fitted, fitted] = torch.from_numpy(memory.B_).float()
            layer.b_m[fitted] = torch.from_numpy(-memory.A_ @ memory.mean_).float()
