"""Everything `evaluate` says of a model, as one object."""

from __future__ import annotations

from pydantic import ConfigDict

from lmn_music.corpora.corpus import Corpus
from lmn_music.errors import UsageError
from lmn_music.evaluation.accuracy import accuracies
from lmn_music.evaluation.likelihood import bootstrap_interval, frame_log_probs, nll_per_frame
from lmn_music.evaluation.published import KIND_OF_OUTPUT, Kind
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.models.config import Settings
from lmn_music.rendering.output import as_utf8


class Evaluation(Settings):
    """The figures of one model on one split of one corpus.

    nll, nll_first_frame_excluded: nats per frame over all frames of all songs in one flat list, with the first frame of
    each song (Boulanger-Lewandowski et al. 2012) and without (Bai et al. 2018). nll_interval: 95 % bootstrap over
    songs. accuracy_sampled, accuracy_thresholded: between 0 and 1; see lmn_music.evaluation.accuracy.
    comparable: whether nll may stand beside published figures: the model was trained on, and is evaluated on, the same
    benchmark. kind: beside which of them. corpus_unchanged: False if a corpus of the same name as the one in training
    holds other songs now (or the same ones on another grid, in another key, in other splits), so that the model may
    have been trained on what it is tested on. provenance: what the evaluated corpus was read from; trained_on: the same
    of the corpus in training; with the frames per quarter of each. NaN where there is nothing to average.
    """

    model_config = ConfigDict(allow_inf_nan=True)

    model: str
    kind: Kind
    trained_on: str
    trained_frames_per_quarter: int
    corpus: str
    provenance: str
    frames_per_quarter: int
    split: str
    comparable: bool
    corpus_unchanged: bool
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
    header = checkpoint.header
    same_name = corpus.name == header.corpus.name
    comparable = same_name and corpus.comparable and header.corpus.comparable
    return Evaluation(
        model=as_utf8(checkpoint.name),
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
        frames=sum(map(len, rolls)),
        songs=len(rolls),
        nll=nll_per_frame(log_probs),
        nll_interval=bootstrap_interval(log_probs),
        nll_first_frame_excluded=nll_per_frame(log_probs, first_frame=False),
        accuracy_sampled=sampled,
        accuracy_thresholded=thresholded,
    )
