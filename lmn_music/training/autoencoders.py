"""Linear autoencoders fitted to what a model computes over the songs, and what else a model begins with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lmn_music.corpora.batches import collate
from lmn_music.corpora.corpus import lengths_of
from lmn_music.errors import TrainingError
from lmn_music.memory.laes import LinearAutoencoder, fit_autoencoder
from lmn_music.memory.sequences import pieces
from lmn_music.memory.svd import RankError
from lmn_music.models.dense import DenseModel
from lmn_music.models.memory_model import MemoryModel
from lmn_music.models.networks.recurrent import Recurrent
from lmn_music.music.pianoroll import KEYS, PianoRoll
from lmn_music.processes import ALONE, Processes

KEYS_PER_SONG = 12


@torch.no_grad()
def hidden_sequences(
    model: MemoryModel, songs: Sequence[PianoRoll], generator: torch.Generator, processes: Processes = ALONE
) -> list[npt.NDArray[np.float32]]:
    """Return the unrolled model's hidden states over songs.

    Args:
        model: with the network `unrolled`.
        songs: what the model reads.
        generator: draws KEYS_PER_SONG keys of each song, by how often they sound, of a model with a sequence for each
            key.
        processes: who shares the songs.

    Returns:
        The hidden states (time, hidden_size) of each song, or of each key drawn, in the songs' order; of several
        processes, those of this one's share of the songs.
    """
    model.eval()
    device = next(model.parameters()).device
    result = []
    for number, song in enumerate(songs):
        columns = [0]
        if model.config.architecture == "tied":
            sounds = torch.from_numpy(song.frames.sum(axis=0)).float() + 1e-3
            columns = torch.multinomial(sounds, KEYS_PER_SONG, generator=generator).tolist()
        if number % processes.size != processes.rank:
            continue
        h = model.hidden(collate(songs, [number], device).frames)[:, 0].cpu().numpy()
        result += [np.ascontiguousarray(h[:, column]) for column in columns]
    return result


def some_songs(songs: Sequence[PianoRoll], frames: int, generator: torch.Generator) -> list[PianoRoll]:
    """Choose songs at random.

    Args:
        songs: the songs to choose from.
        frames: how many frames the chosen songs hold at least.
        generator: chooses.

    Returns:
        Whole songs in random order; all of them, in their own order, if they hold no more than `frames` frames.
    """
    lengths = lengths_of(songs)
    if lengths.sum() <= frames:
        return list(songs)
    order = torch.randperm(len(songs), generator=generator).numpy()
    enough = int(np.searchsorted(lengths[order].cumsum(), frames)) + 1
    return [songs[number] for number in order[:enough].tolist()]


def key_chances(songs: Sequence[PianoRoll]) -> Tensor:
    """Return the share of all frames in which each key sounds, as if each had also sounded in half of one more frame.

    Args:
        songs: what is counted.

    Returns:
        (88,), above 0 and below 1.
    """
    sounds = sum((song.frames.sum(axis=0) for song in songs), np.zeros(KEYS, dtype=np.int64))
    return (torch.from_numpy(sounds) + 0.5) / (int(lengths_of(songs).sum()) + 1)


def fit_memory(
    model: MemoryModel,
    songs: Sequence[PianoRoll],
    memory_size: int,
    *,
    centre: bool,
    length: int,
    generator: torch.Generator,
    processes: Processes = ALONE,
) -> LinearAutoencoder:
    """Fit the linear autoencoder to the unrolled model's hidden sequences, empty windows included.

    Args:
        model: with the network `unrolled`.
        songs: what the model reads.
        memory_size: the components of the autoencoder; where the songs have less history than the memory could hold,
            the autoencoder is as large as the history's rank.
        centre: whether it subtracts the mean hidden state.
        length: frames of the pieces into which the sequences are cut; 0 for none.
        generator: see `hidden_sequences`.
        processes: who shares the songs; all come to the same autoencoder.

    Returns:
        The autoencoder, fitted.

    Raises:
        TrainingError: the hidden states never change.
    """
    silence = np.zeros((model.config.window - 1, model.config.hidden_size))
    sequences = [np.concatenate([silence, h]) for h in hidden_sequences(model, songs, generator, processes)]
    sequences = pieces(sequences, length) or [silence[:0]]
    return autoencoder_of(sequences, memory_size, centre=centre, instead="`start` orthogonal", processes=processes)


def autoencoder_of(
    sequences: Sequence[npt.NDArray[np.floating]],
    size: int,
    *,
    centre: bool,
    instead: str,
    processes: Processes = ALONE,
) -> LinearAutoencoder:
    """Fit a linear autoencoder.

    Args:
        sequences: (time, hidden_size) each.
        size: its components, fewer if the sequences have a history of lower rank.
        centre: whether it subtracts the mean.
        instead: what to do if this is impossible.
        processes: of which each has a share of the sequences.

    Returns:
        The autoencoder, fitted.

    Raises:
        TrainingError: the sequences hold nothing to fit it to; the message says what to do `instead`.
    """
    try:
        return fit_autoencoder(sequences, size, centre=centre, shared=processes)
    except ValueError as error:
        raise TrainingError(f"the memory cannot be fitted ({error}); use more songs, or {instead}") from error


@torch.no_grad()
def start_from_inputs(
    model: DenseModel, songs: Sequence[PianoRoll], *, centre: bool, length: int, process: Processes = ALONE
) -> None:
    """Start the model's RNN as the linear autoencoder of its inputs, in place; all other weights stay as drawn.

    The autoencoder's states are scaled so that the cell that varies most has a root mean square of 0.5, where tanh is
    still nearly linear.

    Args:
        model: with the network `rnn`.
        songs: what the model reads.
        centre: see `fit_memory`.
        length: see `fit_memory`.
        process: this one alone; see `Watched`.

    Raises:
        TrainingError: the inputs have a history of lower rank than the RNN has units, or never change.

    Source: Pasa and Sperduti, "Pre-training of recurrent neural networks via linear autoencoders", NIPS 2014.
    """
    assert isinstance(model.network, Recurrent)
    sequences = [inputs[:, 0].cpu().numpy() for inputs in inputs_of(model, songs)]
    try:
        memory = LinearAutoencoder(model.network.hidden_size, centre=centre).fit(
            pieces(sequences, length), shared=process
        )
    except RankError as error:
        raise TrainingError(
            f"these songs have a history of rank {error.rank}, less than the units of the RNN: use more songs, or "
            f"`changes` model.hidden_size={error.rank}"
        ) from error
    except ValueError as error:
        raise TrainingError(f"the RNN cannot start as an autoencoder ({error}); use `baseline` rnn") from error
    states = np.concatenate([memory.transform(sequence) for sequence in sequences])
    model.network.load_autoencoder(memory, scale=0.5 / float(np.sqrt(np.square(states).mean(axis=0).max())))


def inputs_of(model: DenseModel, songs: Sequence[PianoRoll]) -> Iterator[Tensor]:
    """Yield what the model's network reads of each song, (time, 1, input_size)."""
    model.eval()
    for number in range(len(songs)):
        frames = collate(songs, [number], model.initial_memory.device).frames.to(model.initial_memory.dtype)
        yield model.inputs(torch.cat([torch.zeros_like(frames[:1]), frames[:-1]]), 0)
