"""What an evaluation finds: likelihoods of a split, each with what it is the likelihood of."""

from __future__ import annotations

from pydantic import ConfigDict

from lmn_music.evaluation.published import Kind
from lmn_music.models.config import Settings


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


class WithoutRelatives(Likelihood):
    """The likelihood of the songs of a split that have no relative in the training split; NaN if there are none.

    Attributes:
        songs: how many songs there are.
        left_out: how many songs have a relative; see lmn_music.evaluation.relatives.
    """

    songs: int
    left_out: int


class SongsAtHand(Likelihood):
    """The likelihood of the same model, its weights fixed, while its copy experts also read the training songs.

    Attributes:
        without_relatives: the same of the songs without a relative in the training split.
    """

    without_relatives: WithoutRelatives


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
        without_relatives: the likelihood of the songs without a relative in the training split; None for the training
            split, and for another corpus than the one that the model was trained on.
        songs_at_hand: with the training songs at hand; None for a model that cannot read them, and where
            `without_relatives` is None.
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
    without_relatives: WithoutRelatives | None = None
    songs_at_hand: SongsAtHand | None = None
    ensemble: BeyondOneModel | None = None
    dynamic: BeyondOneModel | None = None
    dynamic_ensemble: BeyondOneModel | None = None

    def __repr__(self) -> str:
        return f"<Evaluation of {self.model} on {self.corpus}, {self.split} split: {self.nll:.3f} nats per frame>"

    @property
    def beyond(self) -> list[BeyondOneModel]:
        """Return what was asked for among `ensemble`, `dynamic` and `dynamic_ensemble`."""
        return [one for one in (self.ensemble, self.dynamic, self.dynamic_ensemble) if one is not None]
