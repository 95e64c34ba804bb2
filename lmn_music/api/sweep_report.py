"""What came of a sweep: a table of all trials, and plots of what matters."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path
from typing import Any

from lmn_music.api.sweeping import open_study
from lmn_music.files import replacing
from lmn_music.training.sweep import load_optuna

SHOWN = 10  # trials of the table that is printed


def sweep_report(out: str | Path) -> str:
    """Write trials.csv and the plots of a sweep into its folder.

    Args:
        out: the folder of the sweep, which may be at work.

    Returns:
        The best trials as a table.

    Example:
        >>> print(sweep_report("runs/sweep"))  # doctest: +SKIP
    """
    out = Path(out)
    study = open_study(out)
    trials = sorted(study.trials, key=lambda trial: (trial.value is None, trial.value, trial.number))
    names = sorted({name for trial in trials for name in trial.params})
    with replacing(out / "trials.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["trial", "state", "valid_nll", *names, "folder"])
        for trial in trials:
            values = [trial.params.get(name) for name in names]
            row = [trial.number, trial.state.name.lower(), trial.value, *values, trial.user_attrs.get("folder")]
            table.writerow(row)
    complete = [trial for trial in trials if trial.value is not None]
    if complete:
        _draw(study, out)
    rows = [("trial", "valid_nll", *names)]
    rows += [(str(t.number), f"{t.value:.4f}", *(f"{t.params.get(name)}" for name in names)) for t in complete[:SHOWN]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)


def _draw(study: Any, out: Path) -> None:
    """Write history.png, parallel.png and importance.png; of too few or too equal trials not all can be drawn."""
    import matplotlib

    optuna = load_optuna()
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from optuna.visualization import matplotlib as plots

    def importance() -> Any:
        return plots.plot_param_importances(study, evaluator=optuna.importance.PedAnovaImportanceEvaluator())

    drawings = {
        "history": lambda: plots.plot_optimization_history(study),
        "parallel": lambda: plots.plot_parallel_coordinate(study),
        "importance": importance,
    }
    for name, draw in drawings.items():
        with warnings.catch_warnings(), matplotlib.rc_context():  # optuna sets a style for all pictures to come
            warnings.simplefilter("ignore")  # and calls these plots experimental
            try:
                figure = draw().figure
            except (RuntimeError, ValueError):  # two trials at least, and values that differ
                continue
            with replacing(out / f"{name}.png") as temporary:
                figure.savefig(temporary, format="png", bbox_inches="tight")
            pyplot.close(figure)
