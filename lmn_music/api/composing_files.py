"""Composing into files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.arguments import output_files
from lmn_music.api.composing import check_counts, compose_songs, first_seed, open_prime, song_length
from lmn_music.api.loading import load_model
from lmn_music.formats.registry import TEMPO

if TYPE_CHECKING:
    from lmn_music.models.checkpoint import Checkpoint
    from lmn_music.music.pianoroll import PianoRoll


def compose_files(
    out: str | Path | Sequence[str | Path],
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
    tempo: float = TEMPO,
    repeat_notes: bool = False,
    data: str | Path | None = None,
    as_written: bool = False,
    device: str = "auto",
    remark: Callable[[str], None] | None = None,
) -> Iterator[tuple[PianoRoll, list[Path]]]:
    """Compose songs and write each of them; that they can be written is checked before the first one is drawn.

    Args:
        out: the file of a song, or several files, such as a .mid and a .png; numbered (song-1.mid, song-2.mid) if
            there are several songs.
        model: see `compose_songs`, also for all arguments but tempo and repeat_notes.
        count: how many songs are drawn.
        best: how many of them are written, numbered by their rank; all of them if not given.
        bars: the length of each in bars.
        frames: the length of each in frames.
        seed: the seed of the first song.
        temperature: how bold the choice of keys is.
        density: how full they are.
        pitch_range: which keys may sound.
        voices: how many keys sound in each frame.
        prime: what every song begins with.
        tempo: in quarter notes per minute.
        repeat_notes: strike a key anew in each frame; otherwise a key that sounds in the next frame too is held.
        data: see `compose_songs`.
        as_written: see `harmonise`.
        device: see `resolve_device`.
        remark: see `compose_songs`.

    Returns:
        Each song with its files, when they are written.

    Raises:
        LmnMusicError: see `compose_songs`; also a file that cannot be written, or a song that is too long for one.

    Example:
        >>> for song, files in compose_files(["song.mid", "song.png"], "jsb", bars=16, seed=1):  # doctest: +SKIP
        ...     print(song.title, "is written to", files)
    """
    from lmn_music.formats import check_length, write_roll

    count, best = check_counts(count, best)
    seed = first_seed(seed, count)
    written = count if best is None else best
    files = output_files(out, written)
    checkpoint = load_model(model, device=device)
    per_quarter = checkpoint.header.corpus.frames_per_quarter
    length = song_length(checkpoint, bars=bars, frames=frames)
    start = open_prime(checkpoint, prime, as_written=as_written)
    for path in files[0]:
        check_length(path, length + (len(start) if start else 0), per_quarter, tempo=tempo)
    songs = compose_songs(
        checkpoint,
        count=count,
        best=best,
        frames=length,
        seed=seed,
        temperature=temperature,
        density=density,
        pitch_range=pitch_range,
        voices=voices,
        prime=start,
        data=data,
        device=device,
        remark=remark,
    )

    def write() -> Iterator[tuple[PianoRoll, list[Path]]]:
        for song, paths in zip(songs, files, strict=True):
            for path in paths:
                write_roll(song, path, tempo=tempo, repeat_notes=repeat_notes)
            yield song, paths

    return write()
