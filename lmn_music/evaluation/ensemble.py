"""Several models trained on one corpus as one predictor: an equal mixture of their predictions of each frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lmn_music.errors import UsageError
from lmn_music.memory.sequences import FloatArray
from lmn_music.models.checkpoint import Checkpoint


def check_members(checkpoints: Sequence[Checkpoint]) -> None:
    """Check that all models were trained on the same songs; only then is a mixture one model of one corpus.

    Raises:
        UsageError: if one model was trained on other songs than the first one.
    """
    first, *others = checkpoints
    for other in others:
        one, two = first.header.corpus, other.header.corpus
        # A benchmark comes in several files, all verified, with the same songs in them.
        same = one.sha256 == two.sha256 or (one.comparable and two.comparable)
        if one.name != two.name or not same:
            raise UsageError(
                f"the models of an ensemble are trained on the same songs, but {first.name} on {one.provenance} and "
                f"{other.name} on {two.provenance}, with other songs in it: leave one of them out"
            )


def mixture(members: Sequence[Sequence[FloatArray]]) -> list[FloatArray]:
    """Return the log of the mean over models of p(frame | all frames before it), for each frame of each song.

    A mean of distributions over frames is a distribution, so the sum over a song's frames is an exact log-likelihood.
    The weights are equal throughout: weights by how well each model predicted the song so far (the posterior over
    models) concentrate on one model within a few frames, and are worse on validation songs.

    Args:
        members: for each model the log-likelihoods of the frames of each song, as `frame_log_probs` returns them.

    Returns:
        For each song (time,) in nats.
    """
    return [np.logaddexp.reduce(song, axis=0) - np.log(len(song)) for song in zip(*members, strict=True)]
