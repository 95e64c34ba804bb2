"""Sweeps: many trainings with values chosen by Optuna, by any number of processes on any number of machines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from lmn_music.api.loading import load_model
from lmn_music.api.sweep_trial import Pruner, trial_run
from lmn_music.errors import LmnMusicError, UsageError, WritingError
from lmn_music.files import alone, is_held, read_regular, replacing
from lmn_music.training.sweep import SweepConfig, load_optuna, read_sweep

STUDY, JOURNAL = "study.toml", "journal.log"
TURN = 60  # seconds to wait for the others' turn to choose a trial, which takes a moment


def sweep(
    study: str | Path,
    out: str | Path,
    *,
    workers: int = 1,
    data: str | Path | None = None,
    device: str = "auto",
    on_trial: Callable[[str], object] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Do the trials of a sweep that are missing.

    Every process that is given the same folder takes part, on this machine or on another one with the same disk. Each
    trial has a run folder; one that was interrupted resumes there.

    Args:
        study: a TOML file, see `lmn_music.training.sweep.SweepConfig`.
        out: the folder of the sweep: new, empty, or one of the same study.
        workers: how many processes.
        data: see `lmn_music.load_corpus`.
        device: see `resolve_device`.
        on_trial: called with one line after each trial of this process.
        stop: asked after each batch; True saves and ends. The same call continues.

    Returns:
        The best trial: `value` (validation likelihood, nats per frame), `params`, `folder`; and `done`, the number of
        trials that are over. Empty if none is complete.

    Raises:
        UsageError: the file or the folder does not fit.
        LmnMusicError: optuna is missing.

    Example:
        >>> sweep("study.toml", "runs/sweep")["params"]  # doctest: +SKIP
    """
    load_optuna()
    config, out = read_sweep(Path(study)), Path(out)
    _prepare(out, read_regular(Path(study)))
    given = (out, config, data, device)
    helpers = [get_context("spawn").Process(target=_help, args=given, daemon=True) for _ in range(workers - 1)]
    for helper in helpers:
        helper.start()
    try:
        _work(*given, on_trial=on_trial, stop=stop)
    finally:
        for helper in helpers:
            if stop():
                helper.terminate()
            helper.join()
    _work(*given, on_trial=on_trial, stop=stop)  # what a helper that was killed has left
    return best_trial(out)


def best_trial(out: Path) -> dict[str, Any]:
    """Return the best trial of a sweep, see `sweep`."""
    opened = open_study(out)
    complete = [trial for trial in opened.trials if trial.state.name == "COMPLETE"]
    if not complete:
        return {}
    best = min(complete, key=lambda trial: trial.value)
    over = [trial for trial in opened.trials if trial.state.is_finished()]
    return {
        "value": best.value,
        "params": best.params,
        "folder": out / best.user_attrs["folder"],
        "done": len(over) - len(_lost(opened)),
    }


def open_study(out: Path, config: SweepConfig | None = None) -> Any:
    """Return the study of Optuna in a folder; its journal is a file that several processes may write.

    Args:
        out: the folder.
        config: what is asked for; the sampler and the pruner depend on it.
    """
    optuna = load_optuna()
    backend = optuna.storages.journal.JournalFileBackend(str(out / JOURNAL))
    return optuna.create_study(
        storage=optuna.storages.JournalStorage(backend),
        study_name="sweep",
        load_if_exists=True,
        direction="minimize",
        pruner=None if config is None else optuna.pruners.MedianPruner(n_warmup_steps=config.warmup),
    )


def _prepare(out: Path, text: bytes) -> None:
    """Make the folder with a copy of the study in it, or see that it is there already."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out} cannot be made ({error.strerror}): choose another `out`") from error
    with alone(out / ".lock", f"another process is at work in {out}", patience=TURN):
        known = out / STUDY
        if known.exists() and read_regular(known) != text:
            raise UsageError(f"{out} holds another study: choose another `out`, or use {known}")
        if not known.exists() and any(path.name != ".lock" for path in out.iterdir()):
            raise UsageError(f"{out} exists and is not empty: choose another `out`")
        if not known.exists():
            with replacing(known) as temporary:
                temporary.write_bytes(text)


def _help(*given: Any) -> None:
    """Do trials in a process of its own, until none is left."""
    import signal

    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: asked.append(number))
    _work(*given, on_trial=lambda _: None, stop=lambda: bool(asked))


def _work(
    out: Path,
    config: SweepConfig,
    data: str | Path | None,
    device: str,
    *,
    on_trial: Callable[[str], object],
    stop: Callable[[], bool],
) -> None:
    study = open_study(out, config)
    while not stop():
        with ExitStack() as held:
            with alone(out / ".lock", f"another process chooses a trial in {out}", patience=TURN):
                trial = _choose(study, out, config)
                if trial is None:
                    return
                held.enter_context(alone(_lock(out, trial.number), f"trial {trial.number} is under way"))
                changes = config.suggest(trial)
                name = hashlib.sha256("\n".join(changes).encode()).hexdigest()[:12]
                trial.set_user_attr("folder", f"trials/{name}")
            states = load_optuna().trial.TrialState
            reporter = Pruner(trial, stop)
            try:
                run = trial_run(out / "trials" / name, config, changes, data, device, reporter)
                finished = run.run(reporter.leave)
            except WritingError:
                raise
            except LmnMusicError as error:  # values that do not fit together, or a loss that is not finite
                study.tell(trial, state=states.FAIL)
                on_trial(f"trial {trial.number}: {error}; {', '.join(changes)}")
                continue
            if finished:
                best = float(load_model(run.folder, device="cpu").header.figures["valid_nll"])
                study.tell(trial, best)
                on_trial(f"trial {trial.number}: {best:.4f}; {', '.join(changes)}")
            elif reporter.pruned:
                study.tell(trial, state=states.PRUNED)
                on_trial(f"trial {trial.number}: given up; {', '.join(changes)}")
            # Else it stays open: as nobody holds its lock, the next process takes it up.


def _choose(study: Any, out: Path, config: SweepConfig) -> Any:
    """Return the next trial; None if there are enough. Trials whose process is gone come again, once each."""
    states = load_optuna().trial.TrialState
    for trial in study.get_trials(deepcopy=False, states=(states.RUNNING,)):
        if not is_held(_lock(out, trial.number)):
            study.enqueue_trial(trial.params, user_attrs={"again_for": trial.number})
            study.tell(trial.number, state=states.FAIL)
    trials = study.get_trials(deepcopy=False)
    if len(trials) - len(_lost(study)) >= config.trials and not any(trial.state == states.WAITING for trial in trials):
        return None
    return study.ask()


def _lost(study: Any) -> set[int]:
    """Return the numbers of the trials that were begun again."""
    return {trial.user_attrs["again_for"] for trial in study.trials if "again_for" in trial.user_attrs}


def _lock(out: Path, number: int) -> Path:
    return out / f".trial-{number}.lock"
