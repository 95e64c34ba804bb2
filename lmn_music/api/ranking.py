"""Ranking: the best of several songs that a model has composed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lmn_music.api.loading import is_gone, load_model, open_corpus_of
from lmn_music.errors import CorpusUnavailableError

if TYPE_CHECKING:
    from lmn_music.corpora import Corpus
    from lmn_music.generation.ranking import Ranked
    from lmn_music.models.checkpoint import Checkpoint
    from lmn_music.music.pianoroll import PianoRoll

_Music = TypeVar("_Music")

NO_CORPUS = "the songs of the training are not on this machine: the songs are ranked by their likelihood alone"


def rank_songs(
    model: str | Path | Checkpoint,
    songs: Sequence[PianoRoll],
    *,
    beginning: int = 0,
    data: str | Path | None = None,
    device: str = "auto",
    remark: Callable[[str], None] | None = None,
) -> list[Ranked]:
    """Rank songs that a model has composed, the best first.

    Those whose nats per frame are nearest to what the validation songs had in the training come first. Those that share
    a longer run with a training song than 95 of 100 test songs do, or that stand still for ten quarter notes,
    go last.

    Args:
        model: see `load_model`.
        songs: what is ranked.
        beginning: how many frames at the beginning of each song were given, and are not judged.
        data: see `lmn_music.load_corpus`; nothing is downloaded.
        device: see `resolve_device`.
        remark: called with one line if the songs of the training are not on this machine; the songs are ranked by
            their likelihood alone then.

    Returns:
        Each song with its nats per frame and its longest shared run.

    Raises:
        CheckpointError: there is no such model.
        CorpusError: the songs of the training cannot be read.

    Example:
        >>> from lmn_music.api import compose_songs
        >>> songs = list(compose_songs("jsb", count=3, bars=4, seed=1))
        >>> [best, *_] = rank_songs("jsb", songs)  # doctest: +SKIP
    """
    from lmn_music.generation.ranking import rank

    checkpoint = load_model(model, device=device)
    return rank(checkpoint, songs, _corpus_of(checkpoint, data, remark), beginning=beginning)


def best_of(
    checkpoint: Checkpoint,
    music: Iterator[_Music],
    best: int,
    *,
    roll: Callable[[_Music], PianoRoll],
    beginning: int,
    data: str | Path | None,
    remark: Callable[[str], None] | None,
) -> Iterator[_Music]:
    """Draw all songs, and yield the best of them; the corpus of the training is read before the first one is drawn.

    Args:
        checkpoint: the model that composes the songs.
        music: the songs, as rolls or pieces, drawn as they are asked for.
        best: how many are yielded.
        roll: returns what the model reads of a song, with a title that names it in a remark.
        beginning: see `rank_songs`, also for data.
        remark: called with one line for each song that is yielded, and see `rank_songs`.
    """
    from lmn_music.generation.ranking import rank

    corpus = _corpus_of(checkpoint, data, remark)

    def ranked() -> Iterator[_Music]:
        made = list(music)
        found = rank(checkpoint, [roll(each) for each in made], corpus, beginning=beginning)
        for number, one in enumerate(found[:best], 1):
            if remark is not None:
                remark(f"rank {number} of {len(found)}: {one}")
            yield made[one.number]

    return ranked()


def _corpus_of(checkpoint: Checkpoint, data: str | Path | None, remark: Callable[[str], None] | None) -> Corpus | None:
    """Return what a model was trained on, or remark that it is not on this machine."""
    info = checkpoint.header.corpus
    try:
        if not is_gone(info):
            return open_corpus_of(info, None, data, download=False)
    except CorpusUnavailableError:
        pass
    if remark is not None:
        remark(NO_CORPUS)
    return None
