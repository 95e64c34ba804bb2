"""Explaining: what surprises a model in a song, and which model knows the song best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.arguments import several
from lmn_music.api.loading import load_model, resolve_device

if TYPE_CHECKING:
    from lmn_music.evaluation.explaining.identification import Identification
    from lmn_music.evaluation.explaining.surprise import Surprise
    from lmn_music.models.checkpoint import Checkpoint
    from lmn_music.music.pianoroll import PianoRoll
    from lmn_music.music.piece import Piece

FINE = 12  # frames per quarter note in which files are read: sixteenths and triplets begin on frames of their own


def surprise(
    song: str | Path | Piece | PianoRoll,
    model: str | Path | Checkpoint | None = None,
    *,
    transpose: int | None = None,
    frames_per_quarter: int | None = None,
    as_written: bool = False,
    device: str = "auto",
) -> Surprise:
    """Measure how surprising every note and every frame of a song is.

    Args:
        song: a song, a piece or a file. Of a piece or a file, the model reads what sounds on each of its frames.
        model: see `load_model`; if not given, the shipped model that gives the opening of the song the highest
            likelihood, see `identify`.
        transpose: how many semitones higher the model reads the song; if not given, as the opening is likeliest. The
            benchmark corpora, and so the shipped models, are in C major and C minor.
        frames_per_quarter: what the model reads; if not given, what it was trained on.
        as_written: see `harmonise`.
        device: see `resolve_device`.

    Returns:
        The nats of every key and frame, of notes that begin, are held, and of silence, and what was expected instead.
        `.write("song.html")` makes a page, also .png and .csv; in a notebook it shows itself.

    Raises:
        ScoreError: the file cannot be read.
        CheckpointError: there is no such model.
        UsageError: the song has no frames, a note would leave the keyboard, or frames do not fit.

    Example:
        >>> from lmn_music import compose
        >>> song = surprise(compose("jsb", bars=4, seed=1), "jsb")
        >>> bool(abs(sum(song.frame_nats) - sum(part.sum() for part in song.parts)) < 1e-9)
        True
        >>> song.write("song.html")  # doctest: +SKIP
    """
    from lmn_music.evaluation.explaining.fit import fits, known_nll
    from lmn_music.evaluation.explaining.reading import notes_between, read
    from lmn_music.evaluation.explaining.surprise import Surprise

    models = _models(model, device)
    piece, whole = song_to_read(song, models, frames_per_quarter, as_written=as_written)
    best = fits(whole, models, transposition=transpose, frames_per_quarter=frames_per_quarter, opening=True)[0]
    roll = whole.resampled(best.roll.frames_per_quarter)
    reading = read(best.checkpoint.model, roll, best.transposition, metres=piece.metres, pickup=piece.pickup)
    return Surprise(
        reading.roll,
        reading.nats,
        reading.chances,
        reading.bars,
        piece=piece,
        model=best.checkpoint.name,
        transposition=best.transposition,
        test_nll=known_nll(best.checkpoint, roll),
        left_out=notes_between(whole, roll.frames_per_quarter),
    )


def surprise_files(
    out: str | Path | Sequence[str | Path],
    song: str | Path | Piece | PianoRoll,
    model: str | Path | Checkpoint | None = None,
    *,
    transpose: int | None = None,
    frames_per_quarter: int | None = None,
    as_written: bool = False,
    device: str = "auto",
) -> Surprise:
    """Measure how surprising a song is and write it; that it can be written is checked first.

    Args:
        out: the file, or several files, each .png, .csv or .html.
        song: see `surprise`, also for the other arguments.
        model: what reads.
        transpose: how many semitones higher.
        frames_per_quarter: what is read.
        as_written: see `harmonise`.
        device: where to compute.

    Returns:
        What was written.

    Raises:
        LmnMusicError: see `surprise`; also a file that cannot be written.

    Example:
        >>> surprise_files(["surprise.png", "surprise.csv"], "song.mid").nats_per_frame  # doctest: +SKIP
        4.25
    """
    from lmn_music.evaluation.explaining.surprise import check_suffix
    from lmn_music.formats import check_place

    paths = several(out)
    for path in paths:
        check_suffix(path)
        check_place(Path(path))
    found = surprise(
        song,
        model,
        transpose=transpose,
        frames_per_quarter=frames_per_quarter,
        as_written=as_written,
        device=device,
    )
    for path in paths:
        found.write(path)
    return found


def identify(
    song: str | Path | PianoRoll,
    *,
    transpose: int | None = None,
    frames_per_quarter: int | None = None,
    as_written: bool = False,
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> Identification:
    """Measure how well each shipped model knows a song, in the key that the model likes best.

    Models with different frames per quarter note read different frames of a song. They are compared by nats per quarter
    note of one roll with all those frames; a model that does not read all of them is charged for the others what a
    simple code needs, see `lmn_music.evaluation.explaining.fit`.

    Args:
        song: see `surprise`, also for the other arguments but progress.
        transpose: how many semitones higher the models read it.
        frames_per_quarter: what all models read.
        as_written: see `harmonise`.
        device: where to compute.
        progress: called with (models done, models in all).

    Returns:
        The likelihood under each model, the best first, beside the model's own test songs; `print` makes a table.

    Raises:
        ScoreError: the file cannot be read.
        UsageError: the song has no frames, a note would leave the keyboard, or frames do not fit.

    Example:
        >>> from lmn_music import compose
        >>> identify(compose("nottingham", bars=8, seed=1)).best.checkpoint.name
        'nottingham'
    """
    from lmn_music.evaluation.explaining.fit import fits
    from lmn_music.evaluation.explaining.identification import Identification
    from lmn_music.evaluation.progress import no_progress

    models = _models(None, device)
    _, whole = song_to_read(song, models, frames_per_quarter, as_written=as_written)
    found = fits(
        whole,
        models,
        transposition=transpose,
        frames_per_quarter=frames_per_quarter,
        progress=progress or no_progress,
    )
    return Identification(whole.title, tuple(found))


def surprise_scale() -> dict[str, tuple[float, ...] | tuple[str, ...]]:
    """Return in which steps and colours surprise is shown.

    Returns:
        `bounds`: the nats at which each step ends but the last; `on_white` and `on_black`: the colour of each step.

    Example:
        >>> len(surprise_scale()["bounds"]), len(surprise_scale()["on_white"])
        (7, 8)
    """
    from lmn_music.evaluation.explaining.scale import BOUNDS, ON_BLACK, ON_WHITE

    return {"bounds": BOUNDS, "on_white": ON_WHITE, "on_black": ON_BLACK}


def _models(model: str | Path | Checkpoint | None, device: str) -> list[Checkpoint]:
    """Return the model, or all shipped ones."""
    from lmn_music.models.checkpoint import shipped_names

    if model is not None:
        return [load_model(model, device=device)]
    device = resolve_device(device)
    return [load_model(name, device=device) for name in shipped_names()]


def song_to_read(
    song: str | Path | Piece | PianoRoll,
    models: Sequence[Checkpoint],
    frames_per_quarter: int | None,
    as_written: bool,
) -> tuple[Piece, PianoRoll]:
    """Return a song as a piece, and as a roll; with fine frames unless it is a roll."""
    from lmn_music.evaluation.explaining.fit import common_frames
    from lmn_music.formats import TEMPO, read_piece
    from lmn_music.music.performing import perform
    from lmn_music.music.pianoroll import PianoRoll
    from lmn_music.music.piece import Piece

    if isinstance(song, PianoRoll):
        return perform(song, tempo=TEMPO), song
    frames = common_frames(models, frames_per_quarter)
    piece = song if isinstance(song, Piece) else read_piece(song, as_written=as_written)
    return piece, piece.roll(frames * -(-FINE // frames))
