"""Composing: new songs from a model, and files of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.loading import check_seed, load_model
from lmn_music.errors import UsageError

if TYPE_CHECKING:
    from lmn_music.models.checkpoint import Checkpoint
    from lmn_music.music.pianoroll import PianoRoll

BARS = 16
QUARTERS_PER_BAR = 4


def compose(
    model: str | Path | Checkpoint = "jsb",
    *,
    bars: int | None = None,
    frames: int | None = None,
    seed: int | None = None,
    temperature: float = 1.0,
    prime: str | Path | PianoRoll | None = None,
    device: str = "auto",
) -> PianoRoll:
    """Compose a song.

    Args:
        model: see `load_model`.
        bars: the length in bars of four quarter notes; 16 if neither this nor frames is given.
        frames: the length in frames, the model's unit of time.
        seed: the same seed gives the same song; drawn at random if not given. The song's title names it.
        temperature: below 1 more cautious, above 1 bolder, 1 is the model itself.
        prime: a song, or a file, that the new song begins with and continues; it is not counted in the length.
        device: see `resolve_device`.

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
        model, bars=bars, frames=frames, seed=seed, temperature=temperature, prime=prime, device=device
    )
    return next(songs)


def compose_songs(
    model: str | Path | Checkpoint = "jsb",
    *,
    count: int = 1,
    bars: int | None = None,
    frames: int | None = None,
    seed: int | None = None,
    temperature: float = 1.0,
    prime: str | Path | PianoRoll | None = None,
    device: str = "auto",
) -> Iterator[PianoRoll]:
    """Compose several songs, one after the other; each is drawn when it is asked for.

    Args:
        model: see `compose`, also for all arguments but count.
        count: how many songs.
        bars: the length of each in bars.
        frames: the length of each in frames.
        seed: of the first song; the next one has the next number.
        temperature: how bold they are.
        prime: what every song begins with.
        device: see `resolve_device`.

    Returns:
        The songs, as `compose` would return each by its own seed.

    Raises:
        LmnMusicError: see `compose`; before the first song is drawn, except for GenerationError.

    Example:
        >>> [song.title for song in compose_songs("jsb", count=2, bars=2, seed=7)]
        ['seed 7', 'seed 8']
    """
    from lmn_music.generation.sampler import generate_song

    seed = _first_seed(seed, count)
    checkpoint = load_model(model, device=device)
    length = song_length(checkpoint, bars=bars, frames=frames)
    start = _prime(checkpoint, prime)
    per_quarter = checkpoint.header.corpus.frames_per_quarter
    return (
        generate_song(
            checkpoint.model,
            frames=length,
            frames_per_quarter=per_quarter,
            seed=seed + number,
            temperature=temperature,
            prime=start,
        )
        for number in range(count)
    )


def compose_files(
    out: Sequence[str | Path],
    model: str | Path | Checkpoint = "jsb",
    *,
    count: int = 1,
    bars: int | None = None,
    frames: int | None = None,
    seed: int | None = None,
    temperature: float = 1.0,
    prime: str | Path | PianoRoll | None = None,
    tempo: float = 90.0,
    repeat_notes: bool = False,
    device: str = "auto",
) -> Iterator[tuple[PianoRoll, list[Path]]]:
    """Compose songs and write each of them; that they can be written is checked before the first one is drawn.

    Args:
        out: the files of a song, such as a .mid and a .png; numbered (song-1.mid, song-2.mid) if there are several
            songs.
        model: see `compose_songs`, also for all arguments but tempo and repeat_notes.
        count: how many songs.
        bars: the length of each in bars.
        frames: the length of each in frames.
        seed: of the first song.
        temperature: how bold they are.
        prime: what every song begins with.
        tempo: in quarter notes per minute.
        repeat_notes: strike a key anew in each frame; otherwise a key that sounds in the next frame too is held.
        device: see `resolve_device`.

    Returns:
        Each song with its files, when they are written.

    Raises:
        LmnMusicError: see `compose_songs`; also a file that cannot be written, or a song that is too long for one.

    Example:
        >>> for song, files in compose_files(["song.mid", "song.png"], "jsb", bars=16, seed=1):  # doctest: +SKIP
        ...     print(song.title, "is written to", files)
    """
    from lmn_music.formats import check_length, check_output, write_roll

    seed = _first_seed(seed, count)
    files = [[_numbered(Path(path), number, count) for path in out] for number in range(1, count + 1)]
    for path in (path for paths in files for path in paths):
        check_output(path)
    checkpoint = load_model(model, device=device)
    per_quarter = checkpoint.header.corpus.frames_per_quarter
    length = song_length(checkpoint, bars=bars, frames=frames)
    start = _prime(checkpoint, prime)
    for path in files[0]:
        check_length(path, length + (len(start) if start else 0), per_quarter, tempo=tempo)
    songs = compose_songs(
        checkpoint, count=count, frames=length, seed=seed, temperature=temperature, prime=start, device=device
    )

    def written() -> Iterator[tuple[PianoRoll, list[Path]]]:
        for song, paths in zip(songs, files, strict=True):
            for path in paths:
                write_roll(song, path, tempo=tempo, repeat_notes=repeat_notes)
            yield song, paths

    return written()


def song_length(checkpoint: Checkpoint, *, bars: int | None = None, frames: int | None = None) -> int:
    """Return the number of frames of a new song."""
    if bars is not None and frames is not None:
        raise UsageError("give the length as --bars or as --frames, not both")
    if frames is not None:
        return frames
    return (BARS if bars is None else bars) * QUARTERS_PER_BAR * checkpoint.header.corpus.frames_per_quarter


def _first_seed(seed: int | None, count: int) -> int:
    """Return the seed of the first song, drawn at random if not given; UsageError if one is too large."""
    seed = secrets.randbelow(2**31) if seed is None else seed
    check_seed(seed, count)
    return seed


def _prime(checkpoint: Checkpoint, prime: str | Path | PianoRoll | None) -> PianoRoll | None:
    """Return what songs begin with, with as many frames per quarter note as the model reads."""
    from lmn_music.formats import read_score

    per_quarter = checkpoint.header.corpus.frames_per_quarter
    if prime is None:
        return None
    if isinstance(prime, str | Path):
        return read_score(prime, per_quarter)
    if prime.frames_per_quarter != per_quarter:
        raise UsageError(
            f"the song to begin with has {prime.frames_per_quarter} frames per quarter note; give it {per_quarter}"
        )
    return prime


def _numbered(path: Path, number: int, count: int) -> Path:
    return path if count == 1 else path.with_name(f"{path.stem}-{number:0{len(str(count))}d}{path.suffix}")
