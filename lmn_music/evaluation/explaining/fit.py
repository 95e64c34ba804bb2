"""Which model knows a song best, and in which key: the choice by likelihood.

Models with different frames per quarter note read different rolls of a song, and one that reads fewer frames has less
to explain, so neither nats per frame nor nats per quarter note of what each reads can be compared. What is compared is
the likelihood of one and the same roll, the one with all frames that any of the models reads. A model that reads every
second frame of this roll gives those their likelihood. The frames between get the likelihood of a simple code that
needs no training: what a key does depends on whether it sounds in the frame before, and in the next one that the model
reads, and, if it is silent in both, whether a key at most two semitones away is not, as around a passing note. The
chances are counted in the song itself, as far as it is known (the estimator of Krichevsky and Trofimov, "The
performance of universal encoding", IEEE Transactions on Information Theory 27, 1981).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from lmn_music.errors import UsageError
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.evaluation.progress import Progress, no_progress
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.music.tonality import find_key

OPENING = 32  # quarter notes, by which the key is chosen
# Of the nats per frame of the test songs, beside their mean: half are below 1.0 to 1.3, nine in ten below 1.2 to 1.8.
USUAL, MOST = 1.3, 1.8


@dataclass(frozen=True, eq=False)
class Fit:
    """How well a model knows a song.

    Attributes:
        checkpoint: the model.
        roll: what it reads of the song.
        transposition: how far up it reads the song, in semitones.
        quarters: how many quarter notes the song has.
        nats: the negative log-likelihood of all frames that it reads.
        between: nats of the frames between, which other models read; 0 if there are none.
    """

    checkpoint: Checkpoint
    roll: PianoRoll
    transposition: int
    quarters: float
    nats: float
    between: float

    @property
    def nats_per_frame(self) -> float:
        """Return the model's own figure, as `evaluate` prints it; another model's frames may be longer."""
        return self.nats / len(self.roll)

    @property
    def nats_per_quarter(self) -> float:
        """Return what models are compared by, nats per quarter note with the frames between."""
        return (self.nats + self.between) / self.quarters

    @property
    def test_nll(self) -> float | None:
        """Return nats per frame of the model's test songs; None if not known, or if these are not its frames."""
        return known_nll(self.checkpoint, self.roll)


def known_nll(checkpoint: Checkpoint, roll: PianoRoll) -> float | None:
    """Return nats per frame of the test songs of a model, or of its validation songs if they are all that is known.

    Args:
        checkpoint: the model.
        roll: what it reads; with other frames than those that it was trained on, nothing can be compared.
    """
    if roll.frames_per_quarter != checkpoint.header.corpus.frames_per_quarter:
        return None
    figures = checkpoint.header.figures
    return figures.get("test_nll", figures.get("valid_nll"))


def judgement(nats_per_frame: float, test_nll: float | None) -> str:
    """Say how surprising a song is beside the songs that a model was tested on."""
    if test_nll is None:
        return ""
    ratio = nats_per_frame / test_nll
    return (
        "as expected as its test songs"
        if ratio <= USUAL
        else "more surprising than most of its test songs"
        if ratio <= MOST
        else "more surprising than its test songs"
    )


def standing(nats_per_frame: float, test_nll: float | None) -> str:
    """Return the end of a sentence with the nats per frame of a song: how they compare."""
    return "" if test_nll is None else f", {judgement(nats_per_frame, test_nll)} (mean {test_nll:.2f})"


def common_frames(checkpoints: Sequence[Checkpoint], frames_per_quarter: int | None = None) -> int:
    """Return how many frames a quarter note has in the roll by which models are compared.

    Args:
        checkpoints: the models.
        frames_per_quarter: what all of them are to read; if not given, each reads what it was trained on.
    """
    return frames_per_quarter or math.lcm(*(each.header.corpus.frames_per_quarter for each in checkpoints))


def fits(
    song: PianoRoll,
    checkpoints: Sequence[Checkpoint],
    *,
    transposition: int | None = None,
    frames_per_quarter: int | None = None,
    opening: bool = False,
    progress: Progress = no_progress,
) -> list[Fit]:
    """Let models read a song, each in the key that it likes best.

    Args:
        song: the song; the frames per quarter note that are read must divide its own, or be multiples of them.
        checkpoints: the models.
        transposition: how far up all of them read the song, in semitones; if not given, chosen by the likelihood of the
            opening, see `best_transposition`.
        frames_per_quarter: what all of them read; if not given, each reads what it was trained on.
        opening: whether only the opening counts, which is quicker.
        progress: is called with the models done and the models in all.

    Returns:
        The fits, the best one first.

    Raises:
        UsageError: there are no frames, a note would leave the keyboard, or frames do not fit.
    """
    finest = _resampled(song, common_frames(checkpoints, frames_per_quarter))
    if not len(finest):
        raise UsageError("the song has no frames: give one that has")
    if opening:
        finest = _opening(finest)
    found = []
    for number, checkpoint in enumerate(checkpoints, start=1):
        roll = _resampled(finest, frames_per_quarter or checkpoint.header.corpus.frames_per_quarter)
        moved = best_transposition(checkpoint, roll) if transposition is None else transposition
        try:
            nats = -float(frame_log_probs(checkpoint.model, [roll.transposed(moved)])[0].sum())
        except ValueError as error:
            raise UsageError(f"{error}: choose another transposition") from None
        between = nats_between(finest.frames, finest.frames_per_quarter // roll.frames_per_quarter)
        found.append(Fit(checkpoint, roll, moved, len(finest) / finest.frames_per_quarter, nats, between))
        progress(number, len(checkpoints))
    return sorted(found, key=lambda fit: fit.nats_per_quarter)


def best_transposition(checkpoint: Checkpoint, roll: PianoRoll) -> int:
    """Return how far up a model reads a song best, judged by the first 32 quarter notes from where it begins to sound.

    First the octave is chosen, with the tonic that `find_key` finds moved to C, the key of the benchmark corpora (JSB
    Chorales are written an octave too high there); then the best of the twelve transpositions around it.

    Args:
        checkpoint: the model.
        roll: the song, as the model reads it.
    """
    opening = _opening(roll)
    sounding = np.flatnonzero(roll.frames.any(axis=0))
    lowest, highest = (-int(sounding[0]), 87 - int(sounding[-1])) if len(sounding) else (0, 0)

    def best(candidates: Sequence[int]) -> int:
        possible = [each for each in candidates if lowest <= each <= highest] or [0]
        log_probs = frame_log_probs(checkpoint.model, [opening.transposed(each) for each in possible])
        return possible[int(np.argmax([each.sum() for each in log_probs]))]

    to_c = (6 - find_key(roll)[0]) % 12 - 6  # from -6 to 5
    octave = best([to_c, to_c - 12, to_c + 12])
    return best(sorted(range(octave - 6, octave + 6), key=lambda each: abs(each - octave)))


def nats_between(frames: npt.NDArray[np.bool_], step: int) -> float:
    """Return the nats of the frames that are left out when one frame in `step` is read, by the code described above.

    Args:
        frames: (time, keys), of which frames 0, step, 2 step, ... are read.
        step: at least 1.
    """
    number = np.arange(len(frames))
    left_out = number[number % step > 0]
    after = np.vstack([frames, np.zeros((step, frames.shape[1]), dtype=bool)])  # silence, after the end
    before, after = frames[left_out - 1], after[left_out + step - left_out % step]
    around = np.lib.stride_tricks.sliding_window_view(np.pad(before | after, ((0, 0), (2, 2))), 5, axis=1).any(axis=2)
    state = 2 * before + after + 4 * (around & ~before & ~after)
    nats = 0.0
    for each in range(5):
        sounds = frames[left_out][state == each]
        ones, zeros = int(sounds.sum()), int((~sounds).sum())
        nats += gammaln(ones + zeros + 1) + 2 * gammaln(0.5) - gammaln(ones + 0.5) - gammaln(zeros + 0.5)
    return float(nats)


def _opening(roll: PianoRoll) -> PianoRoll:
    first = int(roll.frames.any(axis=1).argmax())
    first -= first % roll.frames_per_quarter  # a model that reads every second frame reads the same ones
    return roll[first : first + OPENING * roll.frames_per_quarter]


def _resampled(song: PianoRoll, frames_per_quarter: int) -> PianoRoll:
    try:
        return song.resampled(frames_per_quarter)
    except ValueError:
        raise UsageError(
            f"{song.frames_per_quarter} frames per quarter note cannot become {frames_per_quarter}: "
            f"read the song anew with {frames_per_quarter}, or with a multiple"
        ) from None
