"""Composing: new songs from a model."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.arguments import whole_number
from lmn_music.api.loading import check_seed, load_model
from lmn_music.api.ranking import best_of
from lmn_music.errors import UsageError
from lmn_music.words import counted

if TYPE_CHECKING:
    from lmn_music.generation.composition import Composition
    from lmn_music.generation.constraints import Limits
    from lmn_music.generation.watching import Watch
    from lmn_music.models.checkpoint import Checkpoint
    from lmn_music.music.pianoroll import PianoRoll

BARS = 16
MOST_KEYS = 20  # in a frame, as ten fingers with the pedal can have


def compose(
    model: str | Path | Checkpoint = "jsb",
    *,
    bars: int | None = None,
    frames: int | None = None,
    seed: int | None = None,
    temperature: float = 1.0,
    density: float | None = None,
    pitch_range: tuple[str, str] | None = None,
    voices: int | None = None,
    prime: str | Path | PianoRoll | None = None,
    as_written: bool = False,
    device: str = "auto",
    watch: Watch | None = None,
) -> Composition:
    """Compose a song.

    Args:
        model: see `load_model`.
        bars: the length in bars of four quarter notes; 16 if neither this nor frames is given.
        frames: the length in frames, the model's unit of time.
        seed: the same seed gives the same song; drawn at random if not given. The song's title names it.
        temperature: decides which keys sound, never when or how many: below 1 more cautious, above 1 bolder; 1 is as
            bold as the corpus of the model, see `lmn_music.models.habits`; with density or voices, and where other
            functions have given music, 1 is the model itself.
        density: how many keys shall sound in a frame on average; the song is then the best of several that are drawn
            side by side, and so it is with voices.
        pitch_range: the lowest and the highest key that may sound, such as ("C3", "G5").
        voices: how many keys shall sound in each frame, for the most part.
        prime: a song, or a file, that the new song begins with and continues; it is not counted in the length.
        as_written: see `harmonise`.
        device: see `resolve_device`.
        watch: called with each new frame when it is drawn, such as `print`: where it begins and ends, in quarter notes
            of the new music, and its MIDI pitches. It starts again where a song is drawn again; an exception ends the
            composing.

    Returns:
        The song, with the frames per quarter note of the music that the model was trained on.

    Raises:
        UsageError: an argument does not fit.
        CheckpointError: there is no such model.
        ScoreError: the file to begin with cannot be read.
        GenerationError: only silence or a single chord could be drawn.

    Example:
        >>> len(compose("jsb", bars=4, seed=1))
        16
    """
    songs = compose_songs(
        model,
        bars=bars,
        frames=frames,
        seed=seed,
        temperature=temperature,
        density=density,
        pitch_range=pitch_range,
        voices=voices,
        prime=prime,
        as_written=as_written,
        device=device,
        watch=watch,
    )
    return next(songs)


def compose_songs(
    model: str | Path | Checkpoint = "jsb",
    *,
    count: int = 1,
    best: int | None = None,
    bars: int | None = None,
    frames: int | None = None,
    seed: int | None = None,
    temperature: float = 1.0,
    density: float | None = None,
    pitch_range: tuple[str, str] | None = None,
    voices: int | None = None,
    prime: str | Path | PianoRoll | None = None,
    data: str | Path | None = None,
    as_written: bool = False,
    device: str = "auto",
    remark: Callable[[str], None] | None = None,
    watch: Watch | None = None,
) -> Iterator[Composition]:
    """Compose several songs, one after the other; each is drawn when it is asked for.

    Args:
        model: see `compose`, also for the arguments that are not described here.
        count: how many songs are drawn.
        best: draw all of them first, and return so many of them, the best first; see `rank_songs`.
        bars: the length of each in bars.
        frames: the length of each in frames.
        seed: the seed of the first song; the next one has the next number.
        temperature: how bold the choice of keys is.
        density: how full they are.
        pitch_range: which keys may sound.
        voices: how many keys sound in each frame.
        prime: what every song begins with.
        data: for best, see `rank_songs`.
        as_written: see `harmonise`.
        device: see `resolve_device`.
        remark: for best, called with one line for each song that is returned, and see `rank_songs`.
        watch: called with each frame of each song.

    Returns:
        The songs, as `compose` would return each by its own seed.

    Raises:
        LmnMusicError: see `compose`; before the first song is drawn, except for GenerationError.

    Example:
        >>> [song.title for song in compose_songs("jsb", count=2, bars=2, seed=7)]
        ['seed 7', 'seed 8']
    """
    from lmn_music.generation.composition import Composition
    from lmn_music.generation.sampler import generate_song
    from lmn_music.generation.watching import frame_watch

    count, best = check_counts(count, best)
    seed = first_seed(seed, count)
    limits = make_limits(density, pitch_range, voices)
    checkpoint = load_model(model, device=device)
    length = song_length(checkpoint, bars=bars, frames=frames)
    start = open_prime(checkpoint, prime, as_written=as_written)
    per_quarter = checkpoint.header.corpus.frames_per_quarter

    def compose_one(seed: int) -> Composition:
        song = generate_song(
            checkpoint.model,
            frames=length,
            frames_per_quarter=per_quarter,
            seed=seed,
            temperature=temperature,
            prime=start,
            limits=limits,
            watch=frame_watch(watch, per_quarter),
        )
        return Composition(song.frames, per_quarter, song.title, model=checkpoint.name, seed=seed)

    songs = map(compose_one, range(seed, seed + count))
    if best is None:
        return songs
    beginning = len(start) if start else 0
    return best_of(checkpoint, songs, best, roll=lambda song: song, beginning=beginning, data=data, remark=remark)


def song_length(checkpoint: Checkpoint, *, bars: int | None = None, frames: int | None = None) -> int:
    """Return the number of frames of a new song."""
    from lmn_music.music.metre import QUARTERS_PER_BAR

    if bars is not None and frames is not None:
        raise UsageError("give the length as `bars` or as `frames`, not both")
    if frames is not None:
        return whole_number("frames", frames, 2)
    bars = whole_number("bars", BARS if bars is None else bars, 1)
    return bars * QUARTERS_PER_BAR * checkpoint.header.corpus.frames_per_quarter


def make_limits(density: float | None, pitch_range: tuple[str, str] | None, voices: int | None) -> Limits | None:
    """Return what steers a song, None if nothing does; UsageError for what cannot be."""
    from lmn_music.generation.constraints import Limits
    from lmn_music.music.pianoroll import KEYS, key_named

    if density is None and pitch_range is None and voices is None:
        return None
    if density is not None and not 0 < density <= MOST_KEYS:
        raise UsageError(f"`density` is a number of keys above 0 and up to {MOST_KEYS}, not {density:g}")
    voices = None if voices is None else whole_number("voices", voices, 1, MOST_KEYS)
    lowest, highest = (0, KEYS - 1) if pitch_range is None else map(key_named, pitch_range)
    if lowest > highest:
        raise UsageError(f"`pitch_range` goes from a lower to a higher key: {':'.join(pitch_range or ())} does not")
    return Limits(lowest, highest, voices=voices, density=density)


def check_counts(count: int, best: int | None) -> tuple[int, int | None]:
    """Return how many songs are drawn and how many are kept; UsageError unless so many can be."""
    count = whole_number("count", count, 1)
    best = None if best is None else whole_number("best", best, 1)
    if best is not None and best > count:
        raise UsageError(f"`best` is {best}, but only {counted(count, 'song')} would be drawn: raise `count`")
    return count, best


def first_seed(seed: int | None, count: int) -> int:
    """Return the seed of the first song, drawn at random if not given; UsageError if one is too large."""
    return check_seed(secrets.randbelow(2**31) if seed is None else seed, count)


def open_prime(checkpoint: Checkpoint, prime: str | Path | PianoRoll | None, *, as_written: bool) -> PianoRoll | None:
    """Return what songs begin with, with as many frames per quarter note as the model reads."""
    from lmn_music.formats import read_score

    per_quarter = checkpoint.header.corpus.frames_per_quarter
    if prime is None:
        return None
    if isinstance(prime, str | Path):
        return read_score(prime, per_quarter, as_written=as_written)
    if prime.frames_per_quarter != per_quarter:
        frames = counted(prime.frames_per_quarter, "frame")
        raise UsageError(f"the song to begin with has {frames} per quarter note; give it {per_quarter}")
    return prime
