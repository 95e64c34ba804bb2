"""Continuing: more bars of a tune."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.arguments import output_files, whole_number
from lmn_music.api.arranging import begin
from lmn_music.api.composing import check_counts
from lmn_music.api.ranking import best_of

if TYPE_CHECKING:
    from lmn_music.generation.arrangement import Arrangement
    from lmn_music.generation.watching import Watch
    from lmn_music.models.checkpoint import Checkpoint
    from lmn_music.music.pianoroll import PianoRoll
    from lmn_music.music.piece import Piece

MOST_BARS = 1000


def continue_piece(
    tune: str | Path | Piece | PianoRoll,
    model: str | Path | Checkpoint = "jsb",
    *,
    bars: int = 8,
    only_new: bool = False,
    seed: int | None = None,
    temperature: float = 1.0,
    as_written: bool = False,
    device: str = "auto",
    watch: Watch | None = None,
) -> Arrangement:
    """Compose more bars of a tune, in its own key, tempo and metre; what is there already stays as it is.

    Args:
        tune: a file, a piece or a song; silence at its end is dropped.
        model: see `load_model`.
        bars: how many bars are composed, from 1 to 1000.
        only_new: return the new bars without the tune.
        seed: the same seed gives the same music; drawn at random if not given.
        temperature: see `compose`.
        as_written: see `harmonise`.
        device: see `resolve_device`.
        watch: called with each frame when it is drawn, see `compose`; in the time and the key of the tune.

    Returns:
        A piece with the parts of the tune, each new note in the part whose notes lie nearest to it. `new` says where
        the new music begins and ends; it is None with only_new.

    Raises:
        LmnMusicError: see `harmonise`.

    Example:
        >>> from lmn_music import compose
        >>> song = continue_piece(compose("jsb", bars=2, seed=1), bars=2, seed=1)
        >>> [int(time) for time in song.new]
        [8, 16]
    """
    songs = continue_pieces(
        tune,
        model,
        bars=bars,
        only_new=only_new,
        seed=seed,
        temperature=temperature,
        as_written=as_written,
        device=device,
        watch=watch,
    )
    return next(songs)


def continue_pieces(
    tune: str | Path | Piece | PianoRoll,
    model: str | Path | Checkpoint = "jsb",
    *,
    count: int = 1,
    best: int | None = None,
    bars: int = 8,
    only_new: bool = False,
    seed: int | None = None,
    temperature: float = 1.0,
    as_written: bool = False,
    data: str | Path | None = None,
    device: str = "auto",
    remark: Callable[[str], None] | None = None,
    watch: Watch | None = None,
) -> Iterator[Arrangement]:
    """Continue a tune several times; each continuation is drawn when it is asked for.

    Args:
        tune: see `continue_piece`, also for the arguments that are not described here.
        model: what composes.
        count: how many continuations are drawn.
        best: draw all of them first, and return so many of them, the best first; see `rank_songs`. Only the new bars
            are judged.
        bars: the length of each.
        only_new: return the new bars without the tune.
        seed: the seed of the first one; the next one has the next number.
        temperature: how bold the choice of keys is.
        as_written: see `harmonise`.
        data: for best, see `rank_songs`.
        device: see `resolve_device`.
        remark: for best, called with one line for each that is returned, and see `rank_songs`.
        watch: called with each frame of each.

    Returns:
        The continuations, as `continue_piece` would return each by its own seed.

    Raises:
        LmnMusicError: see `continue_piece`; before the first one is drawn, except for GenerationError.

    Example:
        >>> from lmn_music import compose
        >>> [song.seed for song in continue_pieces(compose("jsb", bars=2, seed=1), count=2, bars=1, seed=7)]
        [7, 8]
    """
    from lmn_music.generation.continuing import continue_piece as continue_it

    bars = whole_number("bars", bars, 1, MOST_BARS)
    count, best = check_counts(count, best)
    piece, checkpoint, seed = begin(tune, model, seed, temperature, device, as_written, count)
    per_quarter = checkpoint.header.corpus.frames_per_quarter

    def continue_one(seed: int) -> Arrangement:
        return continue_it(checkpoint, piece, seed=seed, bars=bars, temperature=temperature, watch=watch)

    def roll(song: Arrangement) -> PianoRoll:
        return replace(song.trimmed().sounding(per_quarter).transposed(song.moved), title=f"seed {song.seed}")

    songs: Iterator[Arrangement] = map(continue_one, range(seed, seed + count))
    if best is not None:
        beginning = len(piece.trimmed().sounding(per_quarter))
        songs = best_of(checkpoint, songs, best, roll=roll, beginning=beginning, data=data, remark=remark)
    return (song.after(song.new[0]) if only_new and song.new else song for song in songs)


def continue_files(
    out: str | Path | Sequence[str | Path],
    tune: str | Path | Piece | PianoRoll,
    model: str | Path | Checkpoint = "jsb",
    *,
    count: int = 1,
    best: int | None = None,
    bars: int = 8,
    only_new: bool = False,
    seed: int | None = None,
    temperature: float = 1.0,
    as_written: bool = False,
    data: str | Path | None = None,
    device: str = "auto",
    remark: Callable[[str], None] | None = None,
) -> Iterator[tuple[Arrangement, list[Path]]]:
    """Continue a tune and write it; that it can be written is checked before the first one is drawn.

    Args:
        out: the file, or several files, such as a .mid and a .png; numbered if there are several continuations.
        tune: see `continue_pieces`, also for the other arguments.
        model: what composes.
        count: how many are drawn.
        best: how many of them are written, numbered by their rank; all of them if not given.
        bars: the length of each.
        only_new: write the new bars without the tune.
        seed: the seed of the first one.
        temperature: how bold the choice of keys is.
        as_written: see `harmonise`.
        data: for best.
        device: see `resolve_device`.
        remark: for best.

    Returns:
        Each continuation with its files, when they are written.

    Raises:
        LmnMusicError: see `continue_pieces`; also a file that cannot be written.

    Example:
        >>> for song, files in continue_files("song.mid", "tune.mid", count=16, best=3):  # doctest: +SKIP
        ...     print(song.summary)
    """
    from lmn_music.formats import write_piece

    count, best = check_counts(count, best)
    files = output_files(out, count if best is None else best)
    songs = continue_pieces(
        tune,
        model,
        count=count,
        best=best,
        bars=bars,
        only_new=only_new,
        seed=seed,
        temperature=temperature,
        as_written=as_written,
        data=data,
        device=device,
        remark=remark,
    )

    def write() -> Iterator[tuple[Arrangement, list[Path]]]:
        for song, paths in zip(songs, files, strict=True):
            for path in paths:
                write_piece(song, path, marked=song.new)
            yield song, paths

    return write()
