"""All figures of a model on one split of a corpus, as one object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import ConfigDict

from lmn_music.corpora.corpus import Corpus
from lmn_music.errors import UsageError
from lmn_music.evaluation.accuracy import accuracies
from lmn_music.evaluation.dynamic import DynamicEvaluation, songs_to_adapt
from lmn_music.evaluation.ensemble import check_members, mixture
from lmn_music.evaluation.likelihood import bootstrap_interval, frame_log_probs, nll_per_frame
from lmn_music.evaluation.progress import Progress, in_turn, no_progress
from lmn_music.evaluation.published import KIND_OF_OUTPUT, Kind
from lmn_music.files import as_utf8
from lmn_music.memory.sequences import FloatArray
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.models.config import Settings
from lmn_music.music.pianoroll import PianoRoll


class Likelihood(Settings):
    """The likelihood of a split, in nats per frame over all frames of all songs in one flat list.

    Attributes:
        nll: the mean negative log-likelihood of all frames, as Boulanger-Lewandowski et al. 2012 report it.
        nll_interval: the 95 % interval of `nll`, bootstrap over songs.
        nll_first_frame_excluded: without the first frame of each song, as Bai et al. 2018 do; NaN if none is left.
    """

    model_config = ConfigDict(allow_inf_nan=True)

    nll: float
    nll_interval: tuple[float, float]
    nll_first_frame_excluded: float


class BeyondOneModel(Likelihood):
    """An exact likelihood of more than one model with fixed weights; it never stands for the likelihood of one model.

    Attributes:
        members: the models whose predictions are mixed, one if it is no ensemble; see lmn_music.evaluation.ensemble.
        learning_rates: the learning rates of dynamic evaluation, one for each member, as chosen on the validation
            split; empty if the weights are fixed; see lmn_music.evaluation.dynamic.
    """

    members: tuple[str, ...]
    learning_rates: tuple[float, ...] = ()

    def __repr__(self) -> str:
        return f"<BeyondOneModel, {self.title}: {self.nll:.3f} nats per frame>"

    @property
    def title(self) -> str:
        """Return what to call it in a table."""
        parts = [f"ensemble of {len(self.members)}"] if len(self.members) > 1 else []
        return ", ".join(parts + (["dynamic evaluation"] if self.learning_rates else []))


class Evaluation(Likelihood):
    """The figures of one model on one split of one corpus; the likelihood is the one model's, its weights fixed.

    Attributes:
        model: the name of the checkpoint.
        kind: which published figures `nll` may stand beside, a key of `published.KINDS`.
        trained_on: what the corpus of the training was read from.
        trained_frames_per_quarter: the frames per quarter note in training.
        corpus, provenance: the name of the evaluated corpus, and what it was read from.
        frames_per_quarter: the frames per quarter note of the evaluated corpus.
        split: the name of the evaluated split.
        comparable: whether `nll` may stand beside published figures: the model was trained on, and is evaluated on, the
            same benchmark.
        corpus_unchanged: False if a corpus of the same name as the one in training holds other songs now (or the same
            songs with other frames per quarter, in another key, in other splits), so that the model may have been
            trained on what it is tested on.
        frames: how many frames were read.
        songs: how many songs were read.
        accuracy_sampled, accuracy_thresholded: between 0 and 1, or NaN; see lmn_music.evaluation.accuracy.
        ensemble: the mixture with other models; None where not asked for.
        dynamic: the model that continues to learn while it reads; None where not asked for.
        dynamic_ensemble: the mixture of models that continue to learn; None where not asked for.
    """

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
    accuracy_sampled: float
    accuracy_thresholded: float
    ensemble: BeyondOneModel | None = None
    dynamic: BeyondOneModel | None = None
    dynamic_ensemble: BeyondOneModel | None = None

    def __repr__(self) -> str:
        return f"<Evaluation of {self.model} on {self.corpus}, {self.split} split: {self.nll:.3f} nats per frame>"

    @property
    def beyond(self) -> list[BeyondOneModel]:
        """Return what was asked for among `ensemble`, `dynamic` and `dynamic_ensemble`."""
        return [one for one in (self.ensemble, self.dynamic, self.dynamic_ensemble) if one is not None]


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
    if not songs or not sum(map(len, songs)):
        raise UsageError(f"the {split} split of {corpus.name} is empty: there is nothing to evaluate")
    if dynamic and split != "test":
        raise UsageError(
            "dynamic evaluation scales its steps on the training split and chooses their size on the validation split, "
            "so it says something of the test split only: leave out `split`, or `dynamic`"
        )
    members = [checkpoint, *others]
    check_members(members)
    to_read = [len(songs)] * (len(members) + 1)
    if dynamic:
        to_read += [*songs_to_adapt(corpus.train, corpus.valid), len(songs)] * len(members)
    passes = iter(in_turn(progress, to_read))
    log_probs = [frame_log_probs(member.model, songs, progress=next(passes)) for member in members]
    sampled, thresholded = accuracies(checkpoint.model, songs, progress=next(passes))
    header = checkpoint.header
    same_name = corpus.name == header.corpus.name
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
        frames=sum(map(len, songs)),
        songs=len(songs),
        accuracy_sampled=sampled,
        accuracy_thresholded=thresholded,
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


def _beyond(members: Sequence[list[FloatArray]], names: Sequence[str], rates: Sequence[float] = ()) -> BeyondOneModel:
    figures = _likelihood(mixture(members))
    return BeyondOneModel(**figures.model_dump(), members=tuple(names), learning_rates=tuple(rates))


def _likelihood(log_probs: Sequence[FloatArray]) -> Likelihood:
    return Likelihood(
        nll=nll_per_frame(log_probs),
        nll_interval=bootstrap_interval(log_probs),
        nll_first_frame_excluded=nll_per_frame(log_probs, first_frame=False),
    )
