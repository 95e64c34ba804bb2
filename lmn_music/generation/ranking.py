"""Which of several songs to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lmn_music.corpora.corpus import Corpus
from lmn_music.evaluation.compare_songs import common_run
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.evaluation.originality import shared_runs
from lmn_music.generation.sampler import UNCHANGED
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.music.measures import standstill
from lmn_music.music.pianoroll import PianoRoll
from lmn_music.words import counted


@dataclass(frozen=True)
class Ranked:
    """A song, and why it has its rank.

    Attributes:
        song: the song.
        number: which of the songs that were ranked it is, from 0.
        nats: how surprising the model finds it, in nats per frame.
        chords: the longest run that it shares with a training song, in chords; None if the training songs are not
            known.
        last: whether it goes last: the run is longer than what 95 of 100 test songs share with a training song, or
            the song stands still for UNCHANGED quarter notes or more.
    """

    song: PianoRoll
    number: int
    nats: float
    chords: int | None
    last: bool

    def __str__(self) -> str:
        chords = "" if self.chords is None else counted(self.chords, "chord")
        shared = f", {chords} at most shared with a training song" if chords else ""
        return f"{self.song.title}: {self.nats:.2f} nats per frame{shared}"


def rank(
    checkpoint: Checkpoint, songs: Sequence[PianoRoll], corpus: Corpus | None = None, *, beginning: int = 0
) -> list[Ranked]:
    """Return songs of a model, the best first.

    The songs whose nats per frame are nearest to what the validation songs had in the training come first; songs that
    copy a training song, or that stand still, go last (see `Ranked`). The likeliest songs are not the best: they
    repeat one bar or hold one chord, and the least likely ones wander.

    Args:
        checkpoint: the model that composed the songs.
        songs: what is ranked.
        corpus: what the model was trained on; without it, no song counts as a copy.
        beginning: how many frames at the beginning of each song were given, and are not judged.
    """
    nats = [-read[beginning:].mean() for read in frame_log_probs(checkpoint.model, songs)]
    new = [song[beginning:] for song in songs]
    still = [standstill(song) >= UNCHANGED for song in new]
    chords: list[int | None] = [None] * len(songs)
    copied = [False] * len(songs)
    if corpus is not None:
        test = [song[: max(map(len, new))] for song in corpus.test]
        runs = [run.chords for run in shared_runs([*new, *test], corpus.train)]
        common = common_run(np.array(runs[len(new) :]))
        chords, copied = [*runs[: len(new)]], [run > common for run in runs[: len(new)]]
    expected = checkpoint.header.figures["valid_nll"]
    ranked = [
        Ranked(song, number, float(each), run, bool(stands or copies))
        for number, (song, each, run, stands, copies) in enumerate(zip(songs, nats, chords, still, copied, strict=True))
    ]
    return sorted(ranked, key=lambda one: (one.last, abs(one.nats - expected)))
