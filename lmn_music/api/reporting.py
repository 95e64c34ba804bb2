"""Reporting: what songs are like beside a corpus, and what they share with its training songs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.arguments import several
from lmn_music.api.loading import is_folder, load_model, open_corpus, open_corpus_of
from lmn_music.errors import UsageError
from lmn_music.words import counted

if TYPE_CHECKING:
    from lmn_music.corpora import Corpus
    from lmn_music.evaluation.song_report import Report
    from lmn_music.models.checkpoint import Checkpoint
    from lmn_music.music.pianoroll import PianoRoll

DEFAULT = "jsb"


def report(
    songs: str | Path | PianoRoll | Sequence[str | Path | PianoRoll],
    corpus: str | Path | Corpus | None = None,
    model: str | Path | Checkpoint | None = None,
    *,
    to_c: bool = False,
    data: str | Path | None = None,
    as_written: bool = False,
    device: str = "auto",
    out: str | Path | None = None,
    stand_in: Callable[[str], None] | None = None,
    reading: Callable[[int, int], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Measure what songs are like beside the test songs of a corpus, and what they share with its training songs.

    Args:
        songs: a file, a song, or several of them. Files are read with as many frames per quarter note as the corpus.
        corpus: a name, a folder, or a corpus that is loaded already; by default the one that the model was trained on,
            or "jsb" without a model. With a model, a folder is read with the model's frames per quarter note.
        model: measure the likelihood of the songs under this model too; see `load_model`.
        to_c: transpose each song, and a folder's songs, to C major or C minor, the keys of the benchmark corpora. The
            songs are transposed too if those of the corpus were.
        data: see `lmn_music.load_corpus`.
        as_written: see `harmonise`.
        device: see `resolve_device`.
        out: a .png file to write, with a picture of the report.
        stand_in: see `lmn_music.load_corpus`.
        reading: called with (files read, files in all) while a folder is read.
        progress: called with (songs done, songs in all) while the model reads.

    Returns:
        The report: `.rows` are the measures, `.origins` what each song shares. It shows itself in a notebook, and
        `print` shows it elsewhere.

    Raises:
        UsageError: there is nothing to compare, the picture cannot be written, or a song has other frames per quarter
            note than the corpus, or the model than the corpus.
        ScoreError: a file cannot be read.
        CorpusError: the corpus cannot be read.
        CheckpointError: there is no such model.

    Example:
        >>> from lmn_music.api import corpus_song
        >>> print(report(corpus_song("chorales", 3), "chorales").origins[0].source)
        bwv94.8
    """
    from lmn_music.evaluation.compare_songs import make_report
    from lmn_music.evaluation.progress import no_progress
    from lmn_music.evaluation.song_report_picture import write_picture
    from lmn_music.formats import check_output, read_score
    from lmn_music.music.pianoroll import PianoRoll
    from lmn_music.music.tonality import transpose_to_c

    if out is not None:
        if Path(out).suffix.lower() != ".png":
            raise UsageError(f"the picture of a report is a .png file, not {Path(out).name}")
        check_output(Path(out))
    checkpoint = None if model is None else load_model(model, device=device)
    beside = _corpus(checkpoint, corpus, data, to_c=to_c, stand_in=stand_in, progress=reading)
    per_quarter = beside.frames_per_quarter
    given = several(songs)
    rolls = [
        song if isinstance(song, PianoRoll) else read_score(song, per_quarter, as_written=as_written) for song in given
    ]
    for roll in rolls:
        if roll.frames_per_quarter != per_quarter:
            frames = counted(roll.frames_per_quarter, "frame")
            raise UsageError(f"{roll.title or 'a song'} has {frames} per quarter note; give it {per_quarter}")
    rolls = [transpose_to_c(roll) for roll in rolls] if to_c or beside.to_c else rolls
    found = make_report(rolls, beside, checkpoint, progress=progress or no_progress)
    if out is not None:
        write_picture(found, Path(out))
    return found


def _corpus(
    checkpoint: Checkpoint | None,
    corpus: str | Path | Corpus | None,
    data: str | Path | None,
    *,
    to_c: bool,
    stand_in: Callable[[str], None] | None,
    progress: Callable[[int, int], None] | None,
) -> Corpus:
    """Return what songs are compared with, with the frames per quarter note of the model."""
    if checkpoint is None:
        corpus = DEFAULT if corpus is None else corpus
        return open_corpus(corpus, data, to_c=to_c and is_folder(corpus), stand_in=stand_in, progress=progress)
    info = checkpoint.header.corpus
    to_c = to_c and is_folder(info.source if corpus is None else corpus)
    found = open_corpus_of(info, corpus, data, to_c=to_c, stand_in=stand_in, progress=progress)
    if found.frames_per_quarter != info.frames_per_quarter:
        raise UsageError(
            f"the model reads {counted(info.frames_per_quarter, 'frame')} per quarter note, and {found.name} has "
            f"{found.frames_per_quarter}: leave out `corpus`, or `model`"
        )
    return found
