"""New songs: frames drawn one after the other, each from the model's distribution given all before it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from lmn_music.errors import GenerationError, UsageError
from lmn_music.generation.constraints import Limits, nothing_given
from lmn_music.generation.filling import fill
from lmn_music.generation.keeping import Keeping
from lmn_music.generation.prime import read_prime
from lmn_music.generation.temperature import draw_frames
from lmn_music.generation.watching import FrameWatch
from lmn_music.models.interface import SequenceModel
from lmn_music.models.outputs.output import FREE
from lmn_music.music.measures import standstill
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.words import counted

ATTEMPTS = 20
DRAWN = 20_000  # frames of all attempts, after which no new one begins: ten minutes of drawing at most
PARTICLES = 16
TRIES = 4  # more draws where no candidate fits the song
UNCHANGED = 10  # quarter notes; for so long stand still 4 of Nottingham's 694 training songs, 4 of Piano-midi's 87


@torch.no_grad()
def sample_frames(
    model: SequenceModel,
    generator: torch.Generator,
    *,
    temperature: float = 1.0,
    prime: Tensor | None = None,
    given: Tensor | None = None,
    songs: int = 1,
    horizon: int | None = None,
) -> Iterator[Tensor]:
    """Yield one frame after the other, without end: ancestral sampling.

    It is exact at temperature 1 for a model without habits; the songs of a model that has some keep to them, see
    `lmn_music.generation.keeping`.

    Args:
        model: what the songs are drawn from; it is left in eval mode.
        generator: where random numbers come from, on the model's device.
        temperature: below 1 the keys are more cautious, above 1 bolder, but when and how many keys sound is left to the
            model; see `draw_frames`. 1 is the temperature of the habits, and without habits the model itself.
        prime: (time, 88), the beginning of every song; the model reads it, and it is not yielded.
        given: (88,), what is given in every frame, such as silence outside a range; see `Output.draw`.
        songs: how many songs are drawn side by side.
        horizon: so many frames, or up to twice as many, are kept of the past, so that a frame of an endless song takes
            no longer than any other; None: all.

    Yields:
        (songs, 88) of zeros and ones.
    """
    model.eval()
    state = read_prime(model, prime, songs, free=True)
    given = None if given is None else given.to(state.previous)
    keeping = None
    if (habits := model.habits) is not None:
        keeping = Keeping(habits, songs, prime, generator, given)
        temperature *= float(habits.temperature)
    draw = partial(draw_frames, model.output, temperature=temperature, generator=generator)
    while True:
        context, state = model.step(state)
        if keeping is None:
            frame = draw(context, state.previous, given=given).frames
        else:
            near = keeping.given(state.previous.shape[1])
            near = near if given is None else torch.where(given == FREE, near, given)
            draw_near = partial(draw, context, state.previous, given=near, bonus=keeping.bonus)
            frame = draw_near().frames
            for _ in range(TRIES):
                again = keeping.refuses(frame)
                if not again.any():
                    break
                frame = torch.where(again.unsqueeze(1), draw_near().frames, frame)
            keeping.saw(frame)
        state = state.saw(frame)
        yield frame
        if horizon is not None and (state.position % horizon) == 0:
            state = state.recent(horizon)


def check_temperature(temperature: float) -> None:
    """Raise UsageError unless a temperature lies between 0 and 100."""
    if not 0 <= temperature <= 100:
        raise UsageError(f"the temperature lies between 0 and 100, not at {temperature:g}")


def is_single(frames: np.typing.NDArray[np.bool_]) -> bool:
    """Return whether a song, bool (time, 88), is silent, or one and the same chord wherever anything sounds."""
    return len(np.unique(frames[frames.any(axis=1)], axis=0)) < 2


def generate_song(
    model: SequenceModel,
    *,
    frames: int,
    frames_per_quarter: int,
    seed: int,
    temperature: float = 1.0,
    prime: PianoRoll | None = None,
    limits: Limits | None = None,
    watch: FrameWatch | None = None,
) -> PianoRoll:
    """Return a new song, or one that continues another. The same seed gives the same song.

    A silent or single-chord song is drawn again, and so is one that stands still for UNCHANGED quarter notes or more
    (see `standstill`), up to ATTEMPTS times in all; less often if the song has more than a thousand frames, so that its
    time grows in proportion to its length. If all of them do, as is likely in a very long song, the song that stands
    still for the shortest time is taken.

    Args:
        model: what the song is drawn from.
        frames: how many new frames, at least 2.
        frames_per_quarter: how many frames a quarter note lasts, as in the songs that the model was trained on.
        seed: the seed of the drawing.
        temperature: from 0 to 100; see `sample_frames`.
        prime: the beginning of the song, which the result contains.
        limits: what holds in every new frame; with more than a range, the song is the best of PARTICLES that are drawn
            side by side.
        watch: called with each new frame when it is drawn; from 0 again where the song is drawn again.

    Raises:
        UsageError: for too few frames and for a temperature out of its range.
        GenerationError: if no attempt gave an acceptable song.
    """
    if frames < 2:
        raise UsageError("a song has at least 2 frames")
    check_temperature(temperature)
    generator = torch.Generator(next(model.parameters()).device).manual_seed(seed)
    start = None if prime is None else torch.tensor(prime.frames, dtype=torch.float32)
    best, shortest = None, np.inf
    attempts = max(1, min(ATTEMPTS, DRAWN // frames))
    within = None if limits is None else limits.apply(nothing_given(1))[0]
    range_alone = limits is None or limits.potential(nothing_given(1)) is None
    for _ in range(attempts):
        if range_alone:
            drawn = []
            sampled = sample_frames(model, generator, temperature=temperature, prime=start, given=within)
            for frame in islice(sampled, frames):
                drawn.append(frame)
                if watch is not None:
                    watch(len(drawn) - 1, frame[0])
            new = torch.cat(drawn).bool().cpu().numpy()
        else:
            new = fill(
                model,
                nothing_given(frames),
                generator,
                particles=PARTICLES,
                temperature=temperature,
                limits=limits,
                prime=start,
                watch=watch,
            ).frames
        longest = standstill(PianoRoll(new, frames_per_quarter))
        if not is_single(new) and longest < shortest:
            best, shortest = new, longest
            if shortest < UNCHANGED:
                break
    if best is not None:
        whole = best if prime is None else np.concatenate([prime.frames, best])
        return PianoRoll(whole, frames_per_quarter, f"seed {seed}")
    raise GenerationError(
        f"{counted(attempts, 'attempt')} with seed {seed} gave only silence or a single chord; try another seed, a "
        "temperature nearer to 1, or more frames"
    )
