"""Makes the report on songs: every measure of them and of the test songs, and what they share with training songs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lmn_music.corpora.corpus import Corpus
from lmn_music.errors import UsageError
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.evaluation.originality import SharedRun, shared_runs
from lmn_music.evaluation.progress import Progress, no_progress
from lmn_music.evaluation.song_report import Origin, Report, Row
from lmn_music.evaluation.spread import distance, spread
from lmn_music.files import as_utf8
from lmn_music.memory.sequences import FloatArray
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.music.measures import MEASURES, Quantity, counts, value
from lmn_music.music.metre import QUARTERS_PER_BAR
from lmn_music.music.pianoroll import PianoRoll

# Counted from other things than a song alone; see `measure_songs`.
SURPRISE = Quantity("surprise of the model in a frame", "nats")
SHARED = Quantity("longest run shared with a training song", "chords")


@dataclass(frozen=True)
class Measured:
    """What every measure counts in each of some songs.

    Attributes:
        measures: the measures of music, the likelihood under a model if one is given, and the longest shared run, each
            with what it counts, (songs, bins + 1); see `lmn_music.music.measures`.
        runs: what each song shares with a training song.
    """

    measures: tuple[tuple[Quantity, FloatArray], ...]
    runs: tuple[SharedRun, ...]


def measure_songs(
    songs: Sequence[PianoRoll],
    training: Sequence[PianoRoll],
    checkpoint: Checkpoint | None = None,
    *,
    progress: Progress = no_progress,
) -> Measured:
    """Measure songs.

    Args:
        songs: what is measured, one at least.
        training: the songs that may be shared.
        checkpoint: a model whose likelihood of the songs is measured too.
        progress: is called with the songs done and the songs in all, while the model reads.
    """
    found: list[tuple[Quantity, FloatArray]] = [(measure, counts(measure, songs)) for measure in MEASURES]
    if checkpoint is not None:
        read = frame_log_probs(checkpoint.model, songs, progress=progress)
        found.append((SURPRISE, np.array([[-song.sum(), len(song)] for song in read])))
    runs = shared_runs(songs, training)
    found.append((SHARED, np.array([[run.chords, 1.0] for run in runs])))
    return Measured(tuple(found), tuple(runs))


def make_report(
    songs: Sequence[PianoRoll],
    corpus: Corpus,
    checkpoint: Checkpoint | None = None,
    *,
    progress: Progress = no_progress,
) -> Report:
    """Measure songs beside the test split of a corpus, and look for them in its training split.

    Args:
        songs: what is measured, with as many frames per quarter note as the corpus.
        corpus: what they are compared with.
        checkpoint: a model whose likelihood of the songs is measured too.
        progress: is called with the songs done and the songs in all, while the model reads.

    Raises:
        UsageError: if there are no songs or the test split is empty.
    """
    length = max(map(len, songs), default=0)
    test = [song[:length] for song in corpus.test]
    if not length or not sum(map(len, test)):
        raise UsageError("there is nothing to compare: give songs, and a corpus whose test split has songs")
    found = measure_songs([*songs, *test], corpus.train, checkpoint, progress=progress)
    own = len(songs)
    runs = found.runs[:own]
    common = common_run(np.array([run.chords for run in found.runs[own:]]))
    return Report(
        corpus=corpus.name,
        provenance=as_utf8(corpus.provenance),
        songs=tuple(as_utf8(song.title) for song in songs),
        test_songs=len(test),
        length=length,
        model=None if checkpoint is None else checkpoint.name,
        rows=tuple(compare(measure, each[:own], each[own:], own) for measure, each in found.measures),
        origins=tuple(_origin(song, run, corpus, common) for song, run in zip(songs, runs, strict=True)),
        common=common,
    )


def common_run(chords: FloatArray) -> float:
    """Return the length in chords that 95 of 100 songs do not exceed, given the longest shared run of each."""
    return float(np.percentile(chords, 95, method="higher"))


def compare(quantity: Quantity, songs: FloatArray, test: FloatArray, size: int) -> Row:
    """Return the row of a report.

    Args:
        quantity: what was counted.
        songs: (songs, bins + 1), what was counted in the songs.
        test: the same of the test songs.
        size: how many test songs are in a group; see `lmn_music.evaluation.spread.spread`.
    """
    ours, theirs = value(songs), value(test)
    return Row(
        name=quantity.name,
        unit=quantity.unit,
        bins=quantity.bins,
        songs=tuple(ours.tolist()),
        test=tuple(theirs.tolist()),
        distance=float(distance(ours, theirs)),
        spread=spread(test, size),
    )


def _origin(song: PianoRoll, run: SharedRun, corpus: Corpus, common: float) -> Origin:
    def bars(start: int) -> tuple[int, int]:
        bar = QUARTERS_PER_BAR * corpus.frames_per_quarter
        return start // bar + 1, (start + max(run.frames, 1) - 1) // bar + 1

    return Origin(
        song=as_utf8(song.title),
        source=as_utf8(corpus.train[run.source].title) if run.source >= 0 else "",
        chords=run.chords,
        frames=run.frames,
        bars=bars(run.start),
        source_bars=bars(run.source_start),
        semitones=run.semitones,
        long=run.chords > common,
    )
