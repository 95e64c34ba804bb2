"""Training: a corpus and a recipe become a checkpoint."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmn_music.api.loading import check_seed, load_model, open_corpus, open_corpus_of, resolve_device
from lmn_music.api.recipes import choose_recipe
from lmn_music.errors import UsageError

if TYPE_CHECKING:
    from lmn_music.corpora import Corpus
    from lmn_music.models.checkpoint import Checkpoint
    from lmn_music.training.config import Recipe
    from lmn_music.training.reporter import Reporter
    from lmn_music.training.run import Run


def train(
    corpus: str | Path | Corpus,
    *,
    out: str | Path | None = None,
    recipe: str | Path | Recipe | None = None,
    baseline: str | None = None,
    start: str | None = None,
    epochs: int | None = None,
    changes: str | Sequence[str] = (),
    seed: int = 1,
    data: str | Path | None = None,
    device: str = "auto",
    frames_per_quarter: int | None = None,
    to_c: bool = False,
    stand_in: Callable[[str], None] | None = None,
    on_epoch: Callable[[dict[str, Any]], object] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    """Train a model on a corpus, in a run folder of its own.

    Args:
        corpus: a name, a folder of MIDI, MusicXML, Humdrum or ABC files, or a corpus that is loaded already.
        out: the run folder, new or empty; runs/NAME, with a number if there is one already, if not given.
        recipe: see `choose_recipe`, also for baseline, start, epochs and changes.
        baseline: train something to compare a model with.
        start: how the memory starts.
        epochs: at most so many in each stage; an epoch is a pass over the songs.
        changes: a value of the recipe to change, or several, each as "KEY=VALUE".
        seed: the same seed gives the same model.
        data: see `lmn_music.load_corpus`, also for frames_per_quarter, to_c and stand_in.
        device: see `resolve_device`.
        frames_per_quarter: how many frames a quarter note lasts, for a folder.
        to_c: transpose a folder's songs to C.
        stand_in: what to do with the reason why Bach's chorales are taken in the place of JSB Chorales.
        on_epoch: called after each epoch with its figures: stage, epoch, train_nll and valid_nll (nats per frame), best
            (whether valid_nll is the best so far), learning_rate, seconds.
        stop: asked after each batch; True saves everything and ends the training. `resume` continues it.

    Returns:
        The checkpoint of the best epoch.

    Raises:
        UsageError: an argument does not fit, or `out` is in use.
        CorpusError: the corpus cannot be read.
        TrainingError: there is nothing to train on, or the loss is not finite.
        CheckpointError: `stop` ended the training before the first epoch of its last stage.

    Example:
        >>> checkpoint = train("jsb", out="runs/jsb", on_epoch=print)  # doctest: +SKIP
    """
    run = start_run(
        corpus,
        out=out,
        recipe=recipe,
        baseline=baseline,
        start=start,
        epochs=epochs,
        changes=changes,
        seed=seed,
        data=data,
        device=device,
        frames_per_quarter=frames_per_quarter,
        to_c=to_c,
        stand_in=stand_in,
        reporter=_reporter(on_epoch) if on_epoch else None,
    )
    run.run(stop)
    return load_model(run.folder, device=str(run.device))


def resume(
    folder: str | Path,
    corpus: str | Path | Corpus | None = None,
    *,
    data: str | Path | None = None,
    device: str = "auto",
    on_epoch: Callable[[dict[str, Any]], object] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    """Continue a training that was interrupted, as if it had not been; a finished one is only loaded.

    Args:
        folder: the run folder.
        corpus: where the corpus of the run is now, if its folder has moved.
        data: see `lmn_music.load_corpus`.
        device: see `resolve_device`.
        on_epoch: see `train`, also for stop.
        stop: asked after each batch; True ends the training.

    Returns:
        The checkpoint of the best epoch.

    Raises:
        CheckpointError: the folder is no run folder, or is damaged.
        UsageError: the corpus is not the one of the run.

    Example:
        >>> checkpoint = resume("runs/jsb")  # doctest: +SKIP
    """
    run = resume_run(folder, corpus, data=data, device=device, reporter=_reporter(on_epoch) if on_epoch else None)
    run.run(stop)
    return load_model(run.folder, device=str(run.device))


def start_run(
    corpus: str | Path | Corpus,
    *,
    out: str | Path | None = None,
    recipe: str | Path | Recipe | None = None,
    baseline: str | None = None,
    start: str | None = None,
    epochs: int | None = None,
    changes: str | Sequence[str] = (),
    seed: int = 1,
    data: str | Path | None = None,
    device: str = "auto",
    frames_per_quarter: int | None = None,
    to_c: bool = False,
    stand_in: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    reporter: Reporter | None = None,
    command: str = "lmn_music.train",
) -> Run:
    """Make a run folder; `.run()` of what is returned trains in it.

    Under torchrun each process has a share of every batch; where torchrun starts them again, they resume.

    Args:
        corpus: see `train`, also for all arguments but the last three.
        out: the run folder.
        recipe: see `choose_recipe`, also for `baseline`.
        baseline: something to compare with.
        start: how the memory starts.
        epochs: at most so many in each stage.
        changes: values of the recipe to change.
        seed: the same seed gives the same model.
        data: see `lmn_music.load_corpus`.
        device: see `resolve_device`.
        frames_per_quarter: how many frames a quarter note lasts, for a folder.
        to_c: transpose a folder's songs to C.
        stand_in: see `lmn_music.load_corpus`.
        progress: called with (files read, files in all) while a folder is read.
        reporter: what shows the training; nothing if not given.
        command: how the training was started; checkpoints keep it.

    Returns:
        The run, not started yet.

    Raises:
        LmnMusicError: see `train`; before the corpus is read if the device, the seed or the recipe is wrong.

    Example:
        >>> run = start_run("chorales", out="runs/bach", epochs=3)  # doctest: +SKIP
    """
    from lmn_music.files import as_utf8
    from lmn_music.processes import joined, restarts
    from lmn_music.training.folder import RunConfig, corpus_info, free_folder, read_config
    from lmn_music.training.run import Run

    seed, device = check_seed(seed), resolve_device(device)
    processes = joined(device)
    if processes.size > 1 and out is None:
        raise UsageError("several processes train in one folder: name it as `out`")
    named = corpus if isinstance(corpus, str | Path) else corpus.source
    settings = choose_recipe(named, recipe, baseline=baseline, start=start, epochs=epochs, changes=changes)
    songs = open_corpus(
        corpus, data, frames_per_quarter=frames_per_quarter, to_c=to_c, stand_in=stand_in, progress=progress
    )
    config = RunConfig(command=as_utf8(command), seed=seed, corpus=corpus_info(songs), recipe=settings)
    folder = Path(out) if out is not None else free_folder(songs.name)
    if processes.size > 1 and restarts() and (folder / "config.toml").is_file() and read_config(folder) == config:
        return Run.resume(folder, songs, device=device, reporter=reporter, processes=processes)
    return Run.start(folder, config, songs, device=device, reporter=reporter, processes=processes)


def resume_run(
    folder: str | Path,
    corpus: str | Path | Corpus | None = None,
    *,
    data: str | Path | None = None,
    device: str = "auto",
    reporter: Reporter | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Open a run folder again; `.run()` of what is returned continues the training in it.

    Args:
        folder: the run folder.
        corpus: see `resume`, also for data and device.
        data: the folder of the benchmark files.
        device: see `resolve_device`.
        reporter: what shows the training; nothing if not given.
        progress: see `lmn_music.load_corpus`.

    Returns:
        The run, not started yet.

    Raises:
        CheckpointError: the folder is no run folder, or is damaged.
        UsageError: the corpus is not the one of the run.

    Example:
        >>> run = resume_run("runs/bach")  # doctest: +SKIP
    """
    from lmn_music.processes import joined
    from lmn_music.training.folder import read_config
    from lmn_music.training.run import Run

    folder, device = Path(folder), resolve_device(device)
    info = read_config(folder).corpus
    if corpus is None and not info.source:
        raise UsageError(
            f"{folder} was trained on songs that are in no file, so only Python can resume it: "
            f"lmn_music.resume({str(folder)!r}, CORPUS)"
        )
    advice = f"name the `corpus` as it is now: lmn-music train FOLDER --resume {shlex.quote(str(folder))}"
    songs = open_corpus_of(info, corpus, data, advice=advice, progress=progress)
    return Run.resume(folder, songs, device=device, reporter=reporter, processes=joined(device))


def _reporter(on_epoch: Callable[[dict[str, Any]], object]) -> Reporter:
    """Return a reporter that passes on the figures of each epoch."""
    from lmn_music.training.reporter import Silent

    class EpochReporter(Silent):
        def epoch(self, metrics: dict[str, Any]) -> None:
            on_epoch(metrics)

    return EpochReporter()
