"""Checkpoints of small models with drawn weights."""

import torch

from lmn_music.models.build import build
from lmn_music.models.checkpoint import Checkpoint, CorpusInfo, Header
from tests.models.helpers import tied


def checkpoint(*, frames_per_quarter=2, corpus="jsb", log_odds=-3.0, **options):
    """Return a checkpoint of a small tied model that knows songs in C, if they are of a named corpus."""
    config = tied(absolute_pitch=False, **options)
    model = build(config, torch.Generator().manual_seed(0)).eval()
    with torch.no_grad():
        model.output.logit.bias.fill_(log_odds)
    info = CorpusInfo(
        name=corpus,
        source=corpus,
        sha256="",
        provenance="made by the tests",
        comparable=False,
        frames_per_quarter=frames_per_quarter,
    )
    return Checkpoint(
        "small", model, Header(model=config, corpus=info, recipe={}, seed=0, command="", figures={"valid_nll": 1.0})
    )
