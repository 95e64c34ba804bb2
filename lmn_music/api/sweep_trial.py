"""The training of one trial of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmn_music.api.training import resume_run, start_run
from lmn_music.training.reporter import Silent
from lmn_music.training.sweep import SweepConfig

if TYPE_CHECKING:
    from lmn_music.training.run import Run


def trial_run(
    folder: Path,
    config: SweepConfig,
    changes: Sequence[str],
    data: str | Path | None,
    device: str,
    reporter: Pruner,
) -> Run:
    """Return the training of a trial, new or as far as it has come.

    Args:
        folder: the run folder of the trial.
        config: what the sweep tries.
        changes: the values of the recipe that the trial has.
        data: see `lmn_music.load_corpus`.
        device: see `resolve_device`.
        reporter: is told of each epoch, also of those of an earlier process.
    """
    if not (folder / "config.toml").exists():
        return start_run(
            config.corpus,
            out=folder,
            recipe=config.recipe,
            epochs=config.epochs,
            changes=[*config.changes, *changes],
            seed=config.seed,
            data=data,
            device=device,
            reporter=reporter,
            command="lmn-music sweep",
        )
    from lmn_music.training.folder import read_metrics

    run = resume_run(folder, data=data, device=device, reporter=reporter)
    for line in read_metrics(folder):
        reporter.epoch(line)
    return run


class Pruner(Silent):
    """Tells a trial how each epoch of its last stage went, and notes whether it is to be given up.

    Args:
        trial: the trial, as Optuna returns it.
        stop: whether the user has asked to stop.

    Attributes:
        pruned: whether it is to be given up.
    """

    def __init__(self, trial: Any, stop: Callable[[], bool]) -> None:
        self.trial, self.pruned, self._stop, self._told = trial, False, stop, set[int]()
        # The stage that trains what the recipe asks for: what comes before it is not what is compared.
        self._first_stages = ("unrolled", "gated-unrolled", "hand-over")

    def leave(self) -> bool:
        """Return whether the training is to stop."""
        return self.pruned or self._stop()

    def epoch(self, metrics: dict[str, Any]) -> None:
        """See `Reporter`."""
        stage, epoch = str(metrics["stage"]), metrics.get("epoch")
        if stage in self._first_stages or stage.endswith(" scale") or epoch is None or epoch in self._told:
            return
        self._told.add(epoch)
        self.trial.report(metrics["valid_nll"], epoch)
        self.pruned = self.trial.should_prune()
