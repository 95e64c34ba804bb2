"""Makes the report on songs: every measure of them and of the test songs, and what they share with training songs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lmn_music.corpora.corpus import Corpus
from lmn_music.errors import UsageError
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.evaluation.music_report import Origin, Report, Row
from lmn_music.evaluation.originality import SharedRun, shared_runs
from lmn_music.evaluation.progress import Progress, no_progress
from lmn_music.evaluation.spread import distance, spread
from lmn_music.files import as_utf8
from lmn_music.memory.sequences import FloatArray
from lmn_music.models.checkpoint import Checkpoint
from lmn_music.music.measures import MEASURES, Unit, counts, value
from lmn_music.music.pianoroll import PianoRoll

QUARTERS_PER_BAR = 4  # a roll does not know its metre


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
    rows = [_row(m.name, m.unit, counts(m, songs), counts(m, test), m.bins) for m in MEASURES]
    if checkpoint is not None:
        read = frame_log_probs(checkpoint.model, [*songs, *test], progress=progress)
        nats = np.array([[-song.sum(), len(song)] for song in read])
        rows.append(_row("per frame, surprise of the model", "nats", nats[: len(songs)], nats[len(songs) :]))
    runs = shared_runs([*songs, *test], corpus.train)
    chords = np.array([[run.chords, 1.0] for run in runs])
    rows.append(_row("longest run shared with a training song", "chords", chords[: len(songs)], chords[len(songs) :]))
    common = common_run(chords[len(songs) :, 0])
    return Report(
        corpus=corpus.name,
        provenance=as_utf8(corpus.provenance),
        songs=tuple(as_utf8(song.title) for song in songs),
        test_songs=len(test),
        length=length,
        model=None if checkpoint is None else checkpoint.name,
        rows=tuple(rows),
        origins=tuple(_origin(song, run, corpus, common) for song, run in zip(songs, runs, strict=False)),
        common=common,
    )


def common_run(chords: FloatArray) -> float:
    """Return the length in chords that 95 of 100 songs do not exceed, given the longest shared run of each."""
    return float(np.percentile(chords, 95, method="higher"))


def _row(name: str, unit: Unit, songs: FloatArray, test: FloatArray, bins: tuple[str, ...] = ()) -> Row:
    ours, theirs = value(songs), value(test)
    return Row(
        name=name,
        unit=unit,
        bins=bins,
        songs=tuple(ours.tolist()),
        test=tuple(theirs.tolist()),
        distance=float(distance(ours, theirs)),
        spread=spread(test, len(songs)),
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
