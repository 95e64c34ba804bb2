"""Auditing: which songs of a corpus are relatives of each other, within and across its splits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lmn_music.api.loading import open_corpus

if TYPE_CHECKING:
    from lmn_music.corpora import Corpus
    from lmn_music.evaluation.audit import Audit


def audit_corpus(
    corpus: str | Path | Corpus,
    *,
    data: str | Path | None = None,
    reading: Callable[[int, int], None] | None = None,
) -> Audit:
    """Look for twins and near twins within and across the splits of a corpus, in any transposition.

    Args:
        corpus: a name, a folder, or a corpus that is loaded already.
        data: see `lmn_music.load_corpus`.
        reading: called with (files read, files in all) while a folder is read.

    Returns:
        `.kin` counts the songs with a relative, for each pair of splits, and `.relatives` names them; `print` shows a
        table.

    Raises:
        UsageError: there is no such corpus.
        CorpusError: it cannot be read.

    Example:
        >>> found = audit_corpus("chorales")
        >>> [kin.related for kin in found.kin if (kin.split, kin.beside) == ("test", "train")]
        [34]
    """
    from lmn_music.evaluation.audit import audit

    return audit(open_corpus(corpus, data, progress=reading))
