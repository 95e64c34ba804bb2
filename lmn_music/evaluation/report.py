"""Everything `evaluate` says of a model, as one object."""

from __future__ import annotations

from lmn_music.corpora.corpus import Corpus
from lmn_music.errors import UsageError
from lmn_music.evaluation.accuracy import accuracies
from lmn_music.evaluation.likelihood import bootstrap_interval, frame_log_probs, nll_per_frame
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.models.config import Settings


class Evaluation(Settings):
    """The figures of one model on one split of one corpus.

    nll, nll_first_frame_excluded: nats per frame over all frames of all songs in one flat list, with the first frame of
    each song (Boulanger-Lewandowski et al. 2012) and without (Bai et al. 2018). nll_interval: 95 % bootstrap over
    songs. accuracy_sampled, accuracy_thresholded: between 0 and 1; see lmn_music.evaluation.accuracy.
    comparable: whether nll may stand beside published figures: the model was trained on, and is evaluated on, a
    benchmark. provenance: what the evaluated corpus was read from; trained_on: the same of the corpus in training.
    """

    model: str
    trained_on: str
    corpus: str
    provenance: str
    split: str
    comparable: bool
    frames: int
    songs: int
    nll: float
    nll_interval: tuple[float, float]
    nll_first_frame_excluded: float
    accuracy_sampled: float
    accuracy_thresholded: float


def evaluate(checkpoint: Checkpoint, corpus: Corpus, split: str = "test") -> Evaluation:
    """Read every frame of the split once, and report; UsageError if there is nothing in it."""
    rolls = corpus.split(split)
    if not rolls or not sum(map(len, rolls)):
        raise UsageError(f"the {split} split of {corpus.name} is empty: there is nothing to evaluate")
    log_probs = frame_log_probs(checkpoint.model, rolls)
    sampled, thresholded = accuracies(checkpoint.model, rolls)
    return Evaluation(
        model=checkpoint.name,
        trained_on=checkpoint.header.corpus.provenance,
        corpus=corpus.name,
        provenance=corpus.provenance,
        split=split,
        comparable=corpus.comparable and checkpoint.header.corpus.comparable,
        frames=sum(map(len, rolls)),
        songs=len(rolls),
        nll=nll_per_frame(log_probs),
        nll_interval=bootstrap_interval(log_probs),
        nll_first_frame_excluded=nll_per_frame(log_probs, first_frame=False),
        accuracy_sampled=sampled,
        accuracy_thresholded=thresholded,
    )
