"""The trainings of the experiment on starts, compared in pairs of the same seed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from studies.initialisation_plan import ANNEALED, AUTOENCODERS, MODELS, SECONDS, STARTS, Start
from studies.page import paired_interval
from studies.store import Result

Runs = dict[int, Result]  # by seed
Starts = dict[Start, Runs]
Cells = dict[tuple[str, str], Starts]  # by corpus and model
Row = dict[str, Any]
Difference = Callable[[Result, Result], float]
LMNS = ("LMN-A", "LMN-B", "LMN-NADE", "tied")
OTHERS = tuple(start for start in STARTS if start not in AUTOENCODERS)
BESIDE_NETWORKS: tuple[Start, ...] = (*AUTOENCODERS, "orthogonal")
SAME_SIZE = {"LMN-B": ("RNN", "GRU", "LSTM"), "LMN-NADE": ("RNN-NADE", "GRU-NADE", "LSTM-NADE")}


def cells(results: Mapping[str, Result], *, broken: bool = True) -> Cells:
    """Return the trainings that read the test split, sorted as they were planned.

    broken: whether those are among them whose loss was not finite in the end; what these reached is no measure of
    speed.
    """
    found: Cells = {}
    for result in results.values():
        # Not what failed in its first epoch: all that is left of that is what was handed over.
        if result.get("curve") and result["epochs"] and (broken or result["failed"] is None):
            key = result["corpus"], result["model"]
            found.setdefault(key, {}).setdefault(result["start"], {})[result["seed"]] = result
    corpora, models = [*SECONDS], [*MODELS, "tied"]
    places = {key: (_place(key[0], corpora), _place(key[1], models)) for key in found}
    return {
        key: {start: dict(sorted(found[key][start].items())) for start in STARTS if start in found[key]}
        for key in sorted(found, key=lambda key: places[key])
    }


def _place(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)


def after_each_epoch(run: Result) -> list[float]:
    """Return the validation likelihood after each epoch of the LMN, without the one before the first."""
    return [nll for epoch, _, nll in run["curve"] if epoch > run["first_stage"]]


def ends(starts: Starts) -> list[float]:
    """Return the best validation likelihood of every training."""
    return [min(float(nll) for *_, nll in run["curve"]) for seeds in starts.values() for run in seeds.values()]


def reached(run: Result, nll: float) -> tuple[float, float] | None:
    """Return the epochs, of both stages, and the seconds to a validation likelihood, None if it stayed above."""
    return next(((float(epochs), seconds) for epochs, seconds, here in run["curve"] if here <= nll), None)


# --- what is compared


@dataclass(frozen=True)
class Measure:
    """What two trainings are compared by.

    difference: gives, for all trainings of a model on a corpus, the function of two of them. better: the sign of a
    difference in favour of the first. applies: to which corpora and models. broken: see `cells`.
    """

    name: str
    difference: Callable[[Starts], Difference]
    better: int = -1
    digits: int = 3
    applies: Callable[[str, str], bool] = lambda _corpus, _model: True
    broken: bool = True


def _of(figure: str, scale: float = 1.0) -> Difference:
    return lambda one, other: scale * float(one[figure] - other[figure])


_test = _of("test_nll")


def _at_equal_epochs(one: Result, other: Result) -> float:
    """Return the difference of the best validation likelihoods so far, when the shorter of the two trainings ends."""
    curves = after_each_epoch(one), after_each_epoch(other)
    count = min(map(len, curves))
    return min(curves[0][:count]) - min(curves[1][:count])


def _until_all_have_reached(column: int) -> Callable[[Starts], Difference]:
    def difference(starts: Starts) -> Difference:
        goal = max(ends(starts))

        def of_two(one: Result, other: Result) -> float:
            ours, theirs = reached(one, goal), reached(other, goal)
            assert ours is not None
            assert theirs is not None
            return ours[column] - theirs[column]

        return of_two

    return difference


MEASURES = {
    "paired": Measure("test likelihood", lambda _: _test),
    "paired-valid": Measure("validation likelihood", lambda _: _of("valid_nll")),
    # Where the learning rate falls over the whole training, a shorter one is not the beginning of a longer one.
    "paired-epochs": Measure(
        "the same after as many epochs of the LMN",
        lambda _: _at_equal_epochs,
        applies=lambda corpus, model: model != "tied" and corpus not in ANNEALED,
    ),
    "paired-threshold": Measure("accuracy, threshold", lambda _: _of("accuracy_thresholded", 100), better=1, digits=2),
    "paired-sampled": Measure("accuracy, sampled", lambda _: _of("accuracy_sampled", 100), better=1, digits=2),
    "paired-speed": Measure("epochs to a given likelihood", _until_all_have_reached(0), digits=1, broken=False),
    # The tied model's seconds were those of a clock on the wall.
    "paired-seconds": Measure(
        "seconds to a given likelihood",
        _until_all_have_reached(1),
        digits=1,
        applies=lambda _, model: model != "tied",
        broken=False,
    ),
}


# --- tables


def paired(results: Mapping[str, Result], measure: Measure) -> Iterator[Row]:
    """Yield each start as an autoencoder minus each other start; bold: zero is outside the 95 % interval."""
    for corpus, model, start, found in _comparisons(results, measure):
        differences = {f"minus {other}": values for other, values in found.items()}
        yield from _row({"corpus": corpus, "model": model, "start": start}, differences, measure.digits)


def among_autoencoders(results: Mapping[str, Result]) -> Iterator[Row]:
    """Yield how the starts as an autoencoder differ among each other, on the test split."""
    for (corpus, model), starts in _compared(results, MEASURES["paired"]):
        found = {
            f"{one} minus {other}": _differences(starts, one, other, _test)
            for other, one in itertools.combinations(AUTOENCODERS, 2)
        }
        yield from _row({"corpus": corpus, "model": model}, found)


def against_networks(results: Mapping[str, Result]) -> Iterator[Row]:
    """Yield an LMN minus each other network with as many parameters, on the test split."""
    found = cells(results)
    for (corpus, model), starts in found.items():
        for start in BESIDE_NETWORKS if model in SAME_SIZE else ():
            differences = {
                f"minus {network.removesuffix('-NADE')}": _of_same_seeds(
                    starts.get(start, {}), found.get((corpus, network), {}).get("orthogonal", {}), _test
                )
                for network in SAME_SIZE[model]
            }
            yield from _row({"corpus": corpus, "model": f"{model}, {start}"}, differences)


def counts(results: Mapping[str, Result], measure: Measure, *, by_corpus: bool = False) -> Iterator[Row]:
    """Yield how many comparisons of each start as an autoencoder are decided, which way, and by how much."""
    means: dict[tuple[str, Start], list[tuple[float, bool]]] = {}
    for corpus, _, start, compared in _comparisons(results, measure):
        for differences in compared.values():
            if differences:
                mean, half = paired_interval(differences)
                means.setdefault((corpus if by_corpus else "all", start), []).append((mean, abs(mean) > half))
    for (corpus, start), found in means.items():
        decided = [mean for mean, outside in found if outside]
        ahead, behind = ([mean for mean in decided if sign * measure.better * mean > 0] for sign in (1, -1))
        yield {
            "measure": measure.name,
            **({"corpus": corpus} if by_corpus else {}),
            "start": start,
            "better": _range(ahead, measure.digits),
            "undecided": len(found) - len(decided),
            "worse": _range(behind, measure.digits),
        }


def _range(means: Sequence[float], digits: int) -> str:
    if not means:
        return "0"
    texts = dict.fromkeys(f"{mean:+.{digits}f}" for mean in (min(means, key=abs), max(means, key=abs)))
    return f"{len(means)} ({' to '.join(texts)})"


def _comparisons(
    results: Mapping[str, Result], measure: Measure
) -> Iterator[tuple[str, str, Start, dict[Start, list[float]]]]:
    """Yield corpus, model, a start as an autoencoder, and its differences from each other start, seed by seed."""
    for (corpus, model), starts in _compared(results, measure):
        difference = measure.difference(starts)
        for start in AUTOENCODERS:
            yield corpus, model, start, {other: _differences(starts, start, other, difference) for other in OTHERS}


def _compared(results: Mapping[str, Result], measure: Measure) -> Iterator[tuple[tuple[str, str], Starts]]:
    for key, starts in cells(results, broken=measure.broken).items():
        if key[1] in LMNS and measure.applies(*key):
            yield key, starts


def _differences(starts: Starts, one: Start, other: Start, difference: Difference) -> list[float]:
    return _of_same_seeds(starts.get(one, {}), starts.get(other, {}), difference)


def _of_same_seeds(ours: Runs, theirs: Runs, difference: Difference) -> list[float]:
    """Return the differences of the pairs of the same seed; of trainings under way, fewer than two, none."""
    seeds = sorted(ours.keys() & theirs.keys())
    # Rounded, so that differences of numbers with few decimals are equal where they should be.
    return [round(difference(ours[seed], theirs[seed]), 9) for seed in seeds] if len(seeds) > 1 else []


def _row(names: Row, differences: Mapping[str, Sequence[float]], digits: int = 3) -> Iterator[Row]:
    """Yield a row of the table, if there is anything to tell."""
    if any(differences.values()):
        yield {**names, **{column: _text(values, digits) for column, values in differences.items()}}


def _text(differences: Sequence[float], digits: int) -> str:
    """Return mean, 95 % interval and p, bold if zero is outside; of nothing, nothing."""
    if not differences:
        return ""
    mean, half = paired_interval(differences)
    text = f"{mean:+.{digits}f} ({mean - half:+.{digits}f} to {mean + half:+.{digits}f})"
    if half:  # else all are equal
        p = stats.ttest_1samp(differences, 0).pvalue
        text += ", p < 0.001" if p < 0.001 else f", p {p:.3f}"
    return f"**{text}**" if abs(mean) > half else text
