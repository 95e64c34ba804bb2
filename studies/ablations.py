"""Small studies behind the recipes: what each ingredient brings, and what else was tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

import pandas as pd

from studies.engine import Row
from studies.tables import Cell, listing, markdown, of
from studies.training_study import Condition, TrainingStudy

SMALL = "model.hidden_size=32 model.output_hidden_size=48"  # a model that can be trained many times


def _tables(name: str, columns: Sequence[str], *, curves: bool) -> Callable[[pd.DataFrame], dict[str, str]]:
    made: dict[str, Cell] = {
        "seeds": len,
        **{column: of(column) for column in columns},
        "epochs": lambda seeds: f"{seeds['epochs'].mean():.0f}",
        "minutes": lambda seeds: f"{seeds['seconds'].mean() / 60:.1f}",
    }

    def tables(found: pd.DataFrame) -> dict[str, str]:
        index = ["corpus", name]
        table = {name: markdown(listing(found, index, made))}
        if curves:
            lines = listing(found, index, {"curve": _curve})
            table[f"{name}-curves"] = markdown(line | line.pop("curve") for line in lines)
        return table

    return tables


def _depth_tables(found: pd.DataFrame) -> dict[str, str]:
    made: dict[str, Cell] = {
        "parameters": lambda seeds: f"{seeds['parameters'].iloc[0]:,}",
        "chosen": lambda seeds: seeds["setting"].iloc[0],
        "seeds": len,
        "valid_nll": of("valid_nll"),
        "best epoch": lambda seeds: f"{seeds['curve'].map(lambda curve: 1 + curve.index(min(curve))).mean():.0f}",
    }
    return {"depth": markdown(listing(found, ["corpus", "depth"], made))}


def _curve(seeds: pd.DataFrame) -> Row:
    """Return validation likelihood and seconds after each epoch of both stages, means over seeds."""
    likelihoods, clock = (zip(*x, strict=False) for x in (seeds["unrolled"] + seeds["curve"], seeds["clock"]))
    return {
        f"epoch {number}": f"{fmean(nll):.2f} ({fmean(seconds):.0f} s)"
        for number, (nll, seconds) in enumerate(zip(likelihoods, clock, strict=True), 1)
    }


def _study(
    name: str,
    about: str,
    recipes: Mapping[str, str],
    seeds: Mapping[str, int],
    rows: Mapping[str, str | Mapping[str, str]],
    columns: Sequence[str] = ("valid_nll",),
    *,
    curves: bool = False,
    test: bool = False,
) -> TrainingStudy:
    """Return a study of one factor, and its table; curves: also a table of its learning curves."""
    conditions: dict[Condition, str | Mapping[str, str]] = {(row,): changes for row, changes in rows.items()}
    tables = _tables(name, columns, curves=curves)
    return TrainingStudy(name, about, (name,), conditions, recipes, seeds, test=test, make_tables=tables)


ABLATION = _study(
    "ablation",
    "what does each ingredient of the tied model bring?",
    recipes={
        "jsb": f"tied training.epochs=5 model.memory_size=96 {SMALL}",
        "piano": f"piano training.epochs=1 model.memory_size=96 {SMALL}",
    },
    seeds={"jsb": 3, "piano": 3},
    rows={
        "full": "",
        "without recall": "model.recall=false",
        "without voices": "model.voices=false",
        "without absolute pitch": "model.absolute_pitch=false",
        "without metre": {"jsb": "model.metre=[]"},
        "without dropout": {"jsb": "model.dropout=0"},
        "without averaged weights": {"jsb": "training.ema_decay=0 pretraining.ema_decay=0"},
        "constant learning rate": {"jsb": "training.anneal=false"},
        "full rate for the memory": {"jsb": "training.memory_rate=1"},
        # As many epochs in all: those of the unrolled model (two on JSB, one on Piano-midi) go to the LMN instead.
        "orthogonal start": {
            "jsb": "start=orthogonal training.epochs=7",
            "piano": "start=orthogonal training.epochs=2",
        },
        "random start": {"jsb": "start=random training.epochs=7"},
    },
    curves=True,
)

EXPLORATION = _study(
    "exploration",
    "what else was tried around the small model of the ablation?",
    recipes={"jsb": f"tied training.epochs=5 model.memory_size=96 {SMALL}"},
    seeds={"jsb": 1},
    rows={
        "memory 48": "model.memory_size=48",
        "memory 192": "model.memory_size=192",
        "window 4": "model.window=4",
        "window 16": "model.window=16",
        "weight decay 1e-5": "training.weight_decay=1e-5",
        "weight decay 1e-4": "training.weight_decay=1e-4",
    },
)

# Networks of about 54,000 weights in all; nothing is handed over but to the first, whose unrolled model has two epochs.
TIED_NETWORKS = _study(
    "tied-networks",
    "does the linear memory carry the tied model? Any network in its place",
    recipes={
        "jsb": "tied model.copies=false model.own_past=false model.output_hidden_size=48 start=orthogonal "
        "training.epochs=18"
    },
    seeds={"jsb": 3},
    rows={
        "LMN, laes": "start=laes training.epochs=16 model.hidden_size=32 model.memory_size=96",
        "LMN": "model.hidden_size=32 model.memory_size=96",
        "gated LMN": "model.network=gated-lmn model.hidden_size=32 model.memory_size=48",
        "LSTM": "model.network=lstm model.hidden_size=40 model.readout=memory",
        "GRU": "model.network=gru model.hidden_size=47 model.readout=memory",
    },
    columns=("valid_nll", "test_nll"),
    test=True,
)

DENSE = _study(
    "dense",
    "the start of the memory in dense models with independent keys, by one recipe for each corpus",
    recipes={"jsb": "lmn", "muse": "lmn-muse", "nottingham": "lmn-nottingham", "piano": "lmn-piano"},
    seeds={"jsb": 3, "muse": 1, "nottingham": 1, "piano": 1},
    rows={start: f"start={start}" for start in ("laes", "orthogonal", "random")},
    columns=("valid_nll", "test_nll"),
    test=True,
)

# The LMN-B of the study of starts, with as many epochs and the settings that it has chosen there.
PIECES = _study(
    "pieces",
    "how long should the pieces of hidden sequences be to which the autoencoder is fitted?",
    recipes={
        "jsb": "short pretraining.epochs=10 pretraining.learning_rate=0.01 training.epochs=97 "
        "training.learning_rate=0.01",
        "nottingham": "short pretraining.epochs=4 training.epochs=18 training.anneal=true",
        "piano": "short pretraining.epochs=5 training.epochs=33",
    },
    seeds={"jsb": 1, "nottingham": 2, "piano": 3},
    rows={"whole songs": "", "pieces of 16": "laes_length=16", "pieces of 8": "laes_length=8"},
    columns=("valid_nll_before", "valid_nll_after", "valid_nll"),
)

# The unrolled model with its feedback: what it reaches in a few epochs, and what is left after the hand-over, with the
# models and the larger rate of the study of starts.
FEEDBACK_RATE = _study(
    "feedback-rate",
    "at which share of the learning rate should the feedback of the unrolled model learn?",
    recipes={
        "jsb": "short laes_length=8 pretraining.epochs=10 pretraining.learning_rate=0.01 training.epochs=6 "
        "training.learning_rate=0.01"
    },
    seeds={"jsb": 3},
    rows={
        f"{model} {name}": f"{readout} {feedback}"
        for model, readout in {"LMN-A": "model.readout=hidden", "LMN-B": ""}.items()
        for name, feedback in {
            "without feedback": "",
            "feedback at 1": "model.feedback=true pretraining.memory_rate=1",
            "feedback at 0.25": "model.feedback=true pretraining.memory_rate=0.25",
            "feedback at 0.1": "model.feedback=true pretraining.memory_rate=0.1",
            "feedback at 0.03": "model.feedback=true pretraining.memory_rate=0.03",
        }.items()
    },
    columns=("valid_nll_before", "valid_nll_after", "valid_nll"),
)

# The gated LMN of the study `starts-gated`, deeper, normalised, and with more or less memory. But for the last two, all
# have 124,000 to 128,000 parameters.
DEPTH = TrainingStudy(
    "depth",
    "what depth, normalisation and wider memories bring to the gated LMN, with independent keys",
    ("depth",),
    {
        (name,): f"model.network={network} model.scales={blocks} model.hidden_size={hidden} model.memory_size={memory}"
        for name, (network, blocks, hidden, memory) in {
            "gated LMN": ("gated-lmn", 1, 64, 160),
            "with a normalised input": ("normalised-gated-lmn", 1, 64, 160),
            "one residual block of it": ("gated-blocks", 1, 56, 112),
            "two residual blocks": ("gated-blocks", 2, 40, 80),
            "two residual blocks of LMNs without feedback": ("parallel-blocks", 2, 52, 104),
            "four of them": ("parallel-blocks", 4, 37, 74),
            "half the memory": ("gated-lmn", 1, 64, 80),
            "twice the memory": ("gated-lmn", 1, 64, 320),
        }.items()
    },
    recipes={
        "jsb": "short start=orthogonal model.readout=both model.dropout=0.5 training.memory_rate=0.1 training.stop=20 "
        "training.epochs=94"
    },
    seeds={"jsb": 3},
    grid={"jsb": {f"rate {rate}": f"training.learning_rate={rate}" for rate in ("0.01", "0.03")}},
    make_tables=_depth_tables,
)
