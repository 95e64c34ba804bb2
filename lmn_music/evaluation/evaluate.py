"""All figures of a model on one split of a corpus, as one object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress

from lmn_music.corpora.corpus import Corpus, lengths_of
from lmn_music.corpora.packed import PackedSongs
from lmn_music.errors import UsageError
from lmn_music.evaluation.accuracy import accuracies
from lmn_music.evaluation.dynamic import DynamicEvaluation, songs_to_adapt
from lmn_music.evaluation.ensemble import check_members, mixture
from lmn_music.evaluation.figures import BeyondOneModel, Evaluation, Likelihood, SongsAtHand, WithoutRelatives
from lmn_music.evaluation.likelihood import bootstrap_interval, frame_log_probs, nll_per_frame
from lmn_music.evaluation.progress import Progress, in_turn, no_progress
from lmn_music.evaluation.published import KIND_OF_OUTPUT
from lmn_music.evaluation.relatives import nearest
from lmn_music.files import as_utf8
from lmn_music.memory.sequences import FloatArray
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.music.prints import prints


def evaluate(
    checkpoint: Checkpoint,
    corpus: Corpus,
    split: str = "test",
    *,
    others: Sequence[Checkpoint] = (),
    dynamic: bool = False,
    progress: Progress = no_progress,
) -> Evaluation:
    """Evaluate a model on a split.

    Args:
        checkpoint: the model.
        corpus: what it reads.
        split: "train", "valid" or "test".
        others: models that form an ensemble with it, trained on the same songs.
        dynamic: also let the models continue to learn while they read; this needs the training and validation songs of
            the corpus too, and the split "test".
        progress: is called with the songs done and the songs in all; a song counts once for each time it is read.

    Returns:
        All figures; likelihoods in nats per frame.

    Raises:
        UsageError: if the split is empty, if other models were trained on other songs, or if dynamic evaluation is
            asked for on another split than "test" or without training and validation songs.
    """
    songs = corpus.split(split)
    if not songs or not lengths_of(songs).any():
        raise UsageError(f"the {split} split of {corpus.name} is empty: there is nothing to evaluate")
    if dynamic and split != "test":
        raise UsageError(
            "dynamic evaluation scales its steps on the training split and chooses their size on the validation split, "
            "so it says something of the test split only: leave out `split`, or `dynamic`"
        )
    members = [checkpoint, *others]
    check_members(members)
    header = checkpoint.header
    same_name = corpus.name == header.corpus.name
    # The training songs are known, and the songs to read are others. In a packed corpus they are too many to stay at
    # hand or to be compared, and songs that are alike are in one split.
    unknown = same_name and split != "train" and not isinstance(corpus.train, PackedSongs)
    at_hand = checkpoint.model.with_songs(corpus.train) if unknown and corpus.train else None
    to_read = [len(songs)] * (len(members) + 1 + (at_hand is not None))
    if dynamic:
        to_read += [*songs_to_adapt(corpus.train, corpus.valid), len(songs)] * len(members)
    passes = iter(in_turn(progress, to_read))
    log_probs = [frame_log_probs(member.model, songs, progress=next(passes)) for member in members]
    sampled, thresholded = accuracies(checkpoint.model, songs, progress=next(passes))
    reading = frame_log_probs(at_hand, songs, progress=next(passes)) if at_hand else None
    kept = [not one.related for one in nearest(prints(songs), prints(corpus.train))] if unknown else None
    comparable = same_name and corpus.comparable and header.corpus.comparable
    adapted, rates = _adapted(members, corpus, songs, passes) if dynamic else ([], [])
    names = tuple(as_utf8(member.name) for member in members)
    return Evaluation(
        **_likelihood(log_probs[0]).model_dump(),
        model=names[0],
        kind=KIND_OF_OUTPUT[header.model.output],
        trained_on=header.corpus.provenance,
        trained_frames_per_quarter=header.corpus.frames_per_quarter,
        corpus=corpus.name,
        provenance=corpus.provenance,
        frames_per_quarter=corpus.frames_per_quarter,
        split=split,
        comparable=comparable,
        # A benchmark comes in several files, all verified, with the same songs in them.
        corpus_unchanged=comparable or not same_name or corpus.sha256 == header.corpus.sha256,
        frames=int(lengths_of(songs).sum()),
        songs=len(songs),
        accuracy_sampled=sampled,
        accuracy_thresholded=thresholded,
        without_relatives=_only(kept, log_probs[0]) if kept else None,
        songs_at_hand=_at_hand(kept, reading) if kept and reading else None,
        ensemble=_beyond(log_probs, names) if others else None,
        dynamic=_beyond(adapted[:1], names[:1], rates[:1]) if dynamic else None,
        dynamic_ensemble=_beyond(adapted, names, rates) if dynamic and others else None,
    )


def _adapted(
    members: Sequence[Checkpoint], corpus: Corpus, songs: Sequence[PianoRoll], passes: Iterator[Progress]
) -> tuple[list[list[FloatArray]], list[float]]:
    """Return what dynamic evaluation makes of the frames of each song by each model, and its learning rate."""
    log_probs, rates = [], []
    for member in members:
        reader = DynamicEvaluation(member.model, corpus.train, next(passes))
        rates.append(reader.choose_rate(corpus.valid, next(passes)))
        log_probs.append(reader.frame_log_probs(songs, rates[-1], next(passes)))
    return log_probs, rates


def _only(kept: Sequence[bool], log_probs: Sequence[FloatArray]) -> WithoutRelatives:
    figures = _likelihood(list(compress(log_probs, kept)))
    return WithoutRelatives(**figures.model_dump(), songs=sum(kept), left_out=len(kept) - sum(kept))


def _at_hand(kept: Sequence[bool], log_probs: Sequence[FloatArray]) -> SongsAtHand:
    return SongsAtHand(**_likelihood(log_probs).model_dump(), without_relatives=_only(kept, log_probs))


def _beyond(members: Sequence[list[FloatArray]], names: Sequence[str], rates: Sequence[float] = ()) -> BeyondOneModel:
    figures = _likelihood(mixture(members))
    return BeyondOneModel(**figures.model_dump(), members=tuple(names), learning_rates=tuple(rates))


def _likelihood(log_probs: Sequence[FloatArray]) -> Likelihood:
    return Likelihood(
        nll=nll_per_frame(log_probs),
        nll_interval=bootstrap_interval(log_probs),
        nll_first_frame_excluded=nll_per_frame(log_probs, first_frame=False),
    )
