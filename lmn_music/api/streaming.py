"""Endless music, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.arguments import whole_number
from lmn_music.api.composing import first_seed, open_prime
from lmn_music.api.loading import load_model
from lmn_music.errors import UsageError
from lmn_music.formats.registry import TEMPO

if TYPE_CHECKING:
    from mido.ports import BaseOutput

    from lmn_music.models.checkpoint import Checkpoint
    from lmn_music.music.pianoroll import PianoRoll


def stream(
    model: str | Path | Checkpoint = "jsb",
    *,
    seed: int | None = None,
    temperature: float = 1.0,
    prime: str | Path | PianoRoll | None = None,
    as_written: bool = False,
    device: str = "auto",
) -> Iterator[tuple[int, ...]]:
    """Compose without end: each frame is drawn when it is asked for, and takes no longer than any other.

    Args:
        model: see `load_model`.
        seed: the same seed gives the same music; drawn at random if not given.
        temperature: see `compose`.
        prime: a song, or a file, that the music continues; it is not repeated.
        as_written: see `harmonise`.
        device: see `resolve_device`.

    Returns:
        The MIDI pitches that sound in each frame, the lowest first.

    Raises:
        LmnMusicError: see `compose`; before the first frame is drawn.

    Example:
        >>> from itertools import islice
        >>> len(list(islice(stream("jsb", seed=1), 8)))
        8
    """
    import torch

    from lmn_music.generation.live import HORIZON
    from lmn_music.generation.sampler import check_temperature, sample_frames
    from lmn_music.music.pianoroll import LOWEST_PITCH

    seed = first_seed(seed, 1)
    check_temperature(temperature)
    checkpoint = load_model(model, device=device)
    start = open_prime(checkpoint, prime, as_written=as_written)
    generator = torch.Generator(checkpoint.device).manual_seed(seed)
    frames = sample_frames(
        checkpoint.model,
        generator,
        temperature=temperature,
        prime=None if start is None else torch.tensor(start.frames, dtype=torch.float32),
        horizon=HORIZON,
    )
    return (tuple((frame[0].nonzero().flatten() + LOWEST_PITCH).tolist()) for frame in frames)


def play(
    model: str | Path | Checkpoint = "jsb",
    *,
    port: BaseOutput,
    tempo: float = TEMPO,
    frames: int | None = None,
    seed: int | None = None,
    temperature: float = 1.0,
    prime: str | Path | PianoRoll | None = None,
    as_written: bool = False,
    device: str = "auto",
) -> None:
    """Compose and play at once on a MIDI port, without end or for some frames; no key is left sounding.

    Args:
        model: see `stream`, also for all arguments but the next three.
        port: see `open_port`.
        tempo: in quarter notes per minute.
        frames: how many; without end if None.
        seed: the seed of the music.
        temperature: how bold it is.
        prime: what it continues.
        as_written: see `harmonise`.
        device: see `resolve_device`.

    Returns:
        Nothing, when the frames are over.

    Raises:
        LmnMusicError: see `stream`.
    """
    from itertools import islice

    from lmn_music.formats.midi_writer import check_tempo
    from lmn_music.generation.live import play as play_frames

    check_tempo(tempo)
    frames = None if frames is None else whole_number("frames", frames, 1)
    checkpoint = load_model(model, device=device)
    per_quarter = checkpoint.header.corpus.frames_per_quarter
    music = stream(checkpoint, seed=seed, temperature=temperature, prime=prime, as_written=as_written, device=device)
    play_frames(islice(music, frames), port, seconds_per_frame=60 / (tempo * per_quarter))


def open_port(name: str | None) -> BaseOutput:
    """Open a MIDI output.

    Args:
        name: the name of the port; the first one if None.

    Returns:
        The open port, which the caller closes.

    Raises:
        UsageError: there is no such port, or nothing that could open one is installed.
    """
    import mido

    try:
        names = mido.get_output_names()
    except ImportError:
        raise UsageError("playing needs the package python-rtmidi: pip install python-rtmidi") from None
    except Exception as error:  # rtmidi has errors of its own for a system without MIDI
        raise UsageError(f"this machine has no MIDI: {error}") from None
    if not names or name not in (None, *names):
        there = f"choose {', '.join(names)}" if names else "there is none; start a synthesiser first"
        raise UsageError(f"there is no MIDI port {name!r}: {there}" if name else f"there is no MIDI port: {there}")
    return mido.open_output(name or names[0])
