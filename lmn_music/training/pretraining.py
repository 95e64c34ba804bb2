"""From the unrolled model to the LMN: the linear autoencoder of its hidden sequences becomes the memory.

Source: Carta, Sperduti, Bacciu, "Encoding-based memory for recurrent neural networks", 2021, section 4; with the hidden
states centred, which the paper does not do, and with the unrolled model's empty window encoded too: before the song
every h is zero, so each hidden sequence is fitted with window - 1 zero frames before it, and the LMN starts from their
encoding. With as many components as the history has rank, the LMN reproduces the unrolled model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lmn_music.corpora.batches import collate
from lmn_music.errors import TrainingError
from lmn_music.memory.laes import LinearAutoencoder, fit_autoencoder
from lmn_music.memory.sequences import pieces
from lmn_music.memory.svd import RankError
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig
from lmn_music.models.dense import DenseModel
from lmn_music.models.memory_model import MemoryModel
from lmn_music.models.networks.lmn import LMN, spare_memory
from lmn_music.models.networks.multiscale import MultiScaleLMN, sampled_hidden
from lmn_music.models.networks.recurrent import Recurrent
from lmn_music.models.networks.unrolled import Unrolled
from lmn_music.music.pianoroll import PianoRoll

KEYS_PER_SONG = 12


@torch.no_grad()
def hidden_sequences(
    model: MemoryModel, rolls: Sequence[PianoRoll], generator: torch.Generator
) -> list[npt.NDArray[np.float32]]:
    """Return the unrolled model's hidden states (time, hidden_size) in each song, in the songs' order.

    Of a model with a sequence for each key, those of KEYS_PER_SONG keys of each song, drawn by how often they sound.
    """
    model.eval()
    device = next(model.parameters()).device
    result = []
    for song, roll in enumerate(rolls):
        h = model.hidden(collate(rolls, [song], device).frames)[:, 0].cpu().numpy()
        columns = [0]
        if h.shape[1] > 1:
            sounds = torch.from_numpy(roll.frames.sum(axis=0)).float() + 1e-3
            columns = torch.multinomial(sounds, KEYS_PER_SONG, generator=generator).tolist()
        result += [np.ascontiguousarray(h[:, column]) for column in columns]
    return result


def some_songs(rolls: Sequence[PianoRoll], frames: int, generator: torch.Generator) -> list[PianoRoll]:
    """Return songs in random order, whole ones, until they hold `frames` frames; all of them if they hold fewer."""
    if sum(map(len, rolls)) <= frames:
        return list(rolls)
    chosen: list[PianoRoll] = []
    for song in torch.randperm(len(rolls), generator=generator).tolist():
        if chosen and sum(map(len, chosen)) >= frames:
            break
        chosen.append(rolls[song])
    return chosen


def key_chances(rolls: Sequence[PianoRoll]) -> Tensor:
    """Return the share of all frames in which each key sounds, (88,), as if each had once sounded in half a frame."""
    frames = torch.from_numpy(np.concatenate([roll.frames for roll in rolls]))
    return (frames.sum(dim=0) + 0.5) / (len(frames) + 1)


def fit_memory(
    model: MemoryModel,
    rolls: Sequence[PianoRoll],
    memory_size: int,
    *,
    centre: bool,
    length: int,
    generator: torch.Generator,
) -> LinearAutoencoder:
    """Fit the autoencoder to the unrolled model's hidden sequences over `rolls`, empty windows included.

    length: of the pieces into which they are cut, 0 for none. Where the songs have less history than the memory could
    hold, the autoencoder is as large as the history's rank. TrainingError if the hidden states never change.
    """
    silence = np.zeros((model.config.window - 1, model.config.hidden_size))
    sequences = [np.concatenate([silence, h]) for h in hidden_sequences(model, rolls, generator)]
    return _autoencoder(pieces(sequences, length), memory_size, centre=centre, instead="--start orthogonal")


def _autoencoder(
    sequences: Sequence[npt.NDArray[np.floating]], size: int, *, centre: bool, instead: str
) -> LinearAutoencoder:
    try:
        return fit_autoencoder(sequences, size, centre=centre)
    except ValueError as error:
        raise TrainingError(f"the memory cannot be fitted ({error}); use more songs, or {instead}") from error


@torch.no_grad()
def start_from_inputs(model: DenseModel, rolls: Sequence[PianoRoll], *, centre: bool, length: int) -> None:
    """Start the model's RNN as the autoencoder of its inputs over `rolls`, what it reads out of it drawn as it is.

    The autoencoder's states are scaled so that the cell that varies most has a root mean square of 0.5, where tanh is
    still nearly linear. length: see `fit_memory`. TrainingError if the inputs have a history of lower rank than the RNN
    has units.

    Source: Pasa and Sperduti, "Pre-training of recurrent neural networks via linear autoencoders", NIPS 2014.
    """
    assert isinstance(model.network, Recurrent)
    sequences = [inputs[:, 0].cpu().numpy() for inputs in _inputs(model, rolls)]
    try:
        memory = LinearAutoencoder(model.network.hidden_size, centre=centre).fit(pieces(sequences, length))
    except RankError as error:
        raise TrainingError(
            f"these songs have a history of rank {error.rank}, less than the units of the RNN: use more songs, or "
            f"--set model.hidden_size={error.rank}"
        ) from error
    except ValueError as error:
        raise TrainingError(f"the RNN cannot start as an autoencoder ({error}); use --model rnn") from error
    states = np.concatenate([memory.transform(sequence) for sequence in sequences])
    model.network.load_autoencoder(memory, scale=0.5 / float(np.sqrt(np.square(states).mean(axis=0).max())))


def _inputs(model: DenseModel, rolls: Sequence[PianoRoll]) -> Iterator[Tensor]:
    """Yield what the model's network hears of each song, (time, 1, inputs)."""
    model.eval()
    for song in range(len(rolls)):
        frames = collate(rolls, [song], model.initial_memory.device).frames.to(model.initial_memory.dtype)
        yield model.inputs(torch.cat([torch.zeros_like(frames[:1]), frames[:-1]]), 0)


@torch.no_grad()
def with_next_scale(model: DenseModel, rolls: Sequence[PianoRoll], *, centre: bool, length: int) -> MemoryModel:
    """Return the multi-scale model with one more, slower memory, the autoencoder of its hidden states over `rolls`.

    It hears them every 2^i frames, and nobody listens to it yet: the outputs are those of `model`. length: see
    `fit_memory`, in frames that it hears.
    """
    assert isinstance(model.network, MultiScaleLMN)
    config = model.config.model_copy(update={"scales": model.config.scales + 1})
    sequences = []
    for inputs in _inputs(model, rolls):
        h, _ = model.network.run(inputs, model.initial_state(1).memory)
        sequences.append(sampled_hidden(h[:, 0].cpu().numpy(), model.config.scales))
    memory = _autoencoder(pieces(sequences, length), config.memory_size, centre=centre, instead="fewer model.scales")
    wider = build(config).to(model.readout.weight)
    _copy_output(model, wider)
    wider.network = model.network.with_scale(memory)
    old = model.network.output_size
    wider.readout.weight.zero_()
    wider.readout.weight[:, :old] = model.readout.weight
    wider.readout.bias.copy_(model.readout.bias)
    wider.initial_memory.zero_()
    wider.initial_memory[: len(model.initial_memory)] = model.initial_memory
    return wider


@torch.no_grad()
def hand_over(unrolled: MemoryModel, memory: LinearAutoencoder, config: ModelConfig) -> MemoryModel:
    """Make the LMN of `config` that does what the unrolled model does, as far as the memory remembers.

    A memory that is larger than the autoencoder leaves the last cells to a `spare_memory`, which nothing reads yet.

    With y the memory, h_{t-i} ~ A' (B')^i y_t + mean gives W_mh and the readout. A readout that sees the hidden state
    takes h_t from there. LMN-A has no other: what the unrolled model's readout saw of older ones, where it has no
    feedback, it can take over as their mean alone.
    """
    source = unrolled.network
    assert isinstance(source, Unrolled)
    model = build(config).to(unrolled.readout.weight)  # the same device and precision
    _copy_output(unrolled, model)
    target = model.network
    assert isinstance(target, LMN)
    mean = torch.from_numpy(memory.mean_)
    A, B = torch.from_numpy(memory.A_), torch.from_numpy(memory.B_)
    spare = config.memory_size - memory.n_components
    # recall[i] @ y_t ~ h_{t-i} - mean
    recall = [A.t()]
    while len(recall) < source.window:
        recall.append(recall[-1] @ B.t())
    recall = [torch.nn.functional.pad(R, (0, spare)) for R in recall]
    W_hm, W_mm = (_exact(weight) for weight in spare_memory(spare, len(mean)))
    W_hm, W_mm = torch.cat([A, W_hm]), torch.block_diag(B, W_mm)
    W_hh = _exact(source.W_hh).split(source.hidden_size, dim=1) if source.W_hh.numel() else ()
    target.W_xh.copy_(source.W_xh)
    target.b_h.copy_(_exact(source.b_h) + sum((W @ mean for W in W_hh), torch.zeros(1)))
    target.W_mh.copy_(sum((W @ R for W, R in zip(W_hh, recall, strict=False)), torch.zeros(1)))
    target.W_hm.copy_(W_hm)
    target.W_mm.copy_(W_mm)
    target.b_m.copy_(-W_hm @ mean)
    silence = np.zeros((source.window - 1, source.hidden_size))
    if len(silence):
        model.initial_memory[: memory.n_components].copy_(torch.from_numpy(memory.transform(silence)[-1]))

    W_o = _exact(unrolled.readout.weight).split(source.hidden_size, dim=1)
    from_hidden, from_memory = torch.zeros_like(W_o[0]), W_o
    bias = _exact(unrolled.readout.bias)
    if config.readout != "memory":
        from_hidden, from_memory = W_o[0], (torch.zeros_like(W_o[0]), *W_o[1:])
    to_memory: Tensor = sum((W @ R for W, R in zip(from_memory, recall, strict=False)), torch.zeros(1))
    bias = bias + sum((W @ mean for W in from_memory), torch.zeros(1))
    if config.readout == "hidden":
        model.readout.weight.copy_(from_hidden)
    else:
        blocks = [from_hidden, to_memory] if config.readout == "both" else [to_memory]
        model.readout.weight.copy_(torch.cat(blocks, dim=1))
    model.readout.bias.copy_(bias)
    return model


def _copy_output(source: MemoryModel, target: MemoryModel) -> None:
    """Copy all weights but those of the recurrence and of what reads it."""
    recurrence = ("network.", "readout.", "initial_memory")
    rest = {name: value for name, value in source.state_dict().items() if not name.startswith(recurrence)}
    target.load_state_dict(rest, strict=False)


def _exact(tensor: Tensor) -> Tensor:
    """Return the tensor where and as the autoencoder computes: on the CPU, in double precision."""
    return tensor.detach().cpu().double()
