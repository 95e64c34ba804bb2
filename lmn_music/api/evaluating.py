"""Evaluating: how well a model predicts music that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lmn_music.api.arguments import several
from lmn_music.api.loading import load_model, open_corpus_of
from lmn_music.errors import UsageError

if TYPE_CHECKING:
    from lmn_music.corpora import Corpus
    from lmn_music.evaluation.figures import Evaluation
    from lmn_music.evaluation.published import Kind, PublishedRow, Tag
    from lmn_music.models.checkpoint import Checkpoint


def evaluate(
    model: str | Path | Checkpoint,
    corpus: str | Path | Corpus | None = None,
    split: str = "test",
    *,
    others: str | Path | Checkpoint | Sequence[str | Path | Checkpoint] = (),
    dynamic: bool = False,
    to_c: bool = False,
    data: str | Path | None = None,
    device: str = "auto",
    stand_in: Callable[[str], None] | None = None,
    reading: Callable[[int, int], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure how well a model predicts the songs of a corpus.

    Args:
        model: see `load_model`.
        corpus: a name, a folder, or a corpus that is loaded already; by default the one that the model was trained on.
        split: "train", "valid" or "test".
        others: a model, or several, trained on the same songs; the ensemble of all of them is evaluated too.
        dynamic: also let the model continue to learn from each song while it reads it.
        to_c: transpose a folder's songs to C.
        data: see `lmn_music.load_corpus`.
        device: see `resolve_device`.
        stand_in: see `lmn_music.load_corpus`.
        reading: called with (files read, files in all) while a folder is read.
        progress: called with (songs done, songs in all) during the evaluation; a song counts once for each time that it
            is read.

    Returns:
        The figures; `.nll` is the negative log-likelihood in nats per frame, exact, lower is better;
        `.without_relatives` is that of the songs that have no relative in the training split, see `audit_corpus`.

    Raises:
        CheckpointError: there is no such model.
        UsageError: there is no such corpus, the split is empty, or the models were trained on different songs.
        CorpusError: the corpus cannot be read.

    Example:
        >>> round(evaluate("jsb").nll, 2)  # doctest: +SKIP
        4.21
    """
    from lmn_music.evaluation.evaluate import evaluate as evaluate_split
    from lmn_music.evaluation.progress import no_progress

    checkpoint, *rest = [load_model(each, device=device) for each in (model, *several(others))]
    songs = open_corpus_of(checkpoint.header.corpus, corpus, data, to_c=to_c, stand_in=stand_in, progress=reading)
    return evaluate_split(checkpoint, songs, split, others=rest, dynamic=dynamic, progress=progress or no_progress)


class PublishedFigures(NamedTuple):
    """What other models reach on the test split of a corpus.

    Attributes:
        rows: the published models.
        kinds: the kinds of likelihood, each with its title, in the order of a table.
        tags: how far a figure is verified, each with what the letter means.
    """

    rows: Sequence[PublishedRow]
    kinds: Mapping[Kind, str]
    tags: Mapping[Tag, str]


def published_figures(corpus: str) -> PublishedFigures:
    """Return what other models reach on a benchmark corpus.

    Args:
        corpus: its name.

    Returns:
        The published models, with the words that a table of them needs.

    Raises:
        UsageError: it is no benchmark corpus.

    Example:
        >>> published_figures("jsb").kinds["dependent"]
        'exact, the keys of a frame dependent on each other'
    """
    from lmn_music.corpora import BENCHMARKS
    from lmn_music.evaluation.published import KINDS, TAGS, published_rows

    if corpus not in BENCHMARKS:
        raise UsageError(f"there are no published figures of {corpus!r}: choose {', '.join(BENCHMARKS)}")
    return PublishedFigures(published_rows(corpus), KINDS, TAGS)
