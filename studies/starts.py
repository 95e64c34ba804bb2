"""Does it help to start the memory as an autoencoder? Trainings of equal length from several starts, in several models.

The dense models have a hidden state that is small beside the memory, which so holds more of its past, and linear
readouts, as in the papers. The tied model trains by its own recipe, epochs for epochs.
"""

from __future__ import annotations

from itertools import product

from studies.starts_report import figures, tables
from studies.training_study import TrainingStudy

# The autoencoder of whole songs; of pieces as long as the window of the unrolled model, so that most of what this has
# learned is handed over, and nothing is held that lies further back; the same where this window feeds back.
STARTS = {
    "laes": "start=laes",
    "pieces": "start=laes laes_length=8",
    "feedback": "start=laes laes_length=8 model.feedback=true",
    "orthogonal": "start=orthogonal",
    "random": "start=random",
    "delay": "start=delay",
}
NADE = "model.output=nade model.output_hidden_size=64"
LMNS = {
    "LMN-A": "model.readout=hidden",
    "LMN-B": "model.readout=memory",
    "LMN-NADE": f"model.readout=memory {NADE}",
}
NETWORKS = {  # with as many parameters as the LMN-B or the LMN-NADE
    "RNN": "start=orthogonal model.network=rnn model.hidden_size=277",
    "GRU": "start=orthogonal model.network=gru model.hidden_size=154",
    "LSTM": "start=orthogonal model.network=lstm model.hidden_size=130",
    "RNN-NADE": f"start=orthogonal model.network=rnn model.hidden_size=276 {NADE}",
    "GRU-NADE": f"start=orthogonal model.network=gru model.hidden_size=159 {NADE}",
    "LSTM-NADE": f"start=orthogonal model.network=lstm model.hidden_size=135 {NADE}",
}
GRID = {
    f"rate {rate}, dropout {dropout}": f"training.learning_rate={rate} pretraining.learning_rate={rate} "
    f"model.dropout={dropout}"
    for rate, dropout in product((0.004, 0.01), (0.2, 0.5))
}
# Large corpora are not learned by heart in so short a time: on Nottingham all models and starts chose less dropout.
LITTLE_DROPOUT = {setting: changes for setting, changes in GRID.items() if setting.endswith("dropout 0.2")}

STUDY = TrainingStudy(
    name="starts",
    about="claim (c): does a memory that starts as an autoencoder make a better model? About ten hours",
    factors=("model", "start"),
    conditions={
        **{(model, start): f"{LMNS[model]} {STARTS[start]}" for model, start in product(LMNS, STARTS)},
        **{(name, "orthogonal"): changes for name, changes in NETWORKS.items()},
    },
    # The unrolled model has about a fifth of the time. Small corpora are learned by heart before the time is over, and
    # want a rate that falls when validation says so; large ones are not, and want one that has fallen at the end.
    recipes={
        "jsb": "short pretraining.epochs=10",
        "piano": "short pretraining.epochs=5",
        "nottingham": "short pretraining.epochs=4 training.anneal=true",
        "muse": "short pretraining.epochs=2 training.anneal=true",
    },
    seeds={"jsb": 5, "piano": 3, "nottingham": 3, "muse": 3},
    seconds={"jsb": 60.0, "piano": 100.0, "nottingham": 120.0, "muse": 200.0},
    grid={"jsb": GRID, "piano": GRID, "nottingham": GRID, "muse": LITTLE_DROPOUT},
    test=True,
    make_tables=tables,
    make_figures=figures,
    beside=("starts-tied", "starts-gated"),
)

# The epochs that the unrolled model has in the recipe go to the LMN where nothing is handed over.
TIED = TrainingStudy(
    name="starts-tied",
    about="claim (c) for the tied model, by its own recipe",
    factors=("model", "start"),
    conditions={
        ("tied", "laes"): "",
        ("tied", "orthogonal"): {
            "jsb": "start=orthogonal training.epochs=18",
            "piano": "start=orthogonal training.epochs=11",
        },
    },
    recipes={"jsb": "tied", "piano": "piano"},
    seeds={"jsb": 5, "piano": 3},
    test=True,
    make_tables=tables,
    make_figures=figures,
)
