"""All studies by name, and parts of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lmn_music.errors import UsageError
from studies import ablations, capacity, gated, starts
from studies.capacity import CapacityStudy
from studies.engine import run
from studies.memory import study as memory
from studies.memory.layers import LAYERS
from studies.memory.protocol import PROBLEMS
from studies.memory.study import MemoryStudy
from studies.tables import fill, report
from studies.training_study import TrainingStudy

__all__ = ["STUDIES", "fill", "part_of", "report", "run"]

AnyStudy = CapacityStudy | TrainingStudy | MemoryStudy

# A study after those that stand in its tables too, which so are the last ones to be made.
STUDIES: Mapping[str, AnyStudy] = {
    study.name: study
    for study in (
        capacity.STUDY,
        starts.TIED,
        gated.STUDY_OF_GATES,
        starts.STUDY,
        ablations.ABLATION,
        ablations.EXPLORATION,
        ablations.TIED_NETWORKS,
        ablations.DENSE,
        ablations.PIECES,
        ablations.FEEDBACK_RATE,
        ablations.DEPTH,
        memory.STUDY,
        memory.SHORT,
    )
}


def part_of(name: str, corpora: Sequence[str] = (), only: Sequence[str] = (), seeds: int | None = None) -> AnyStudy:
    """Return a study or a part of it.

    Args:
        name: the name of the study.
        corpora: these alone; of a study of layers, these problems.
        only: models, starts, memories, layers or rows of a table; nothing else is measured.
        seeds: how many.

    Raises:
        UsageError: something is not in the study.
    """
    if name not in STUDIES:
        raise UsageError(f"there is no study {name}: choose {', '.join(STUDIES)}")
    study = STUDIES[name]
    if isinstance(study, CapacityStudy):
        _check(name, corpora, study.protocol.corpora)
        _check(name, only, study.memories)
        protocol = study.protocol.part(tuple(corpora), seeds)
        return replace(study, protocol=protocol, memories=tuple(only) or study.memories)
    if isinstance(study, MemoryStudy):
        _check(name, corpora, PROBLEMS)
        _check(name, only, LAYERS)
        plan = study.protocol
        plan = replace(plan, problems=tuple(corpora) or plan.problems, layers=tuple(only) or plan.layers)
        return replace(study, protocol=replace(plan, seeds=seeds or plan.seeds))
    _check(name, corpora, study.seeds)
    _check(name, only, dict.fromkeys(level for condition in study.conditions for level in condition))
    counts = {corpus: seeds or count for corpus, count in study.seeds.items() if not corpora or corpus in corpora}
    return replace(study, seeds=counts, only=tuple(only))


def _check(name: str, given: Sequence[str], known: Iterable[str]) -> None:
    if unknown := set(given) - set(known):
        raise UsageError(f'"{min(unknown)}" is not in the study {name}: choose {", ".join(known)}')
