"""The gated LMN beside RNN, GRU, LSTM and the plain LMN, in as much time and with as many parameters.

Added to the study of starts later, on another machine: the speed of each model is measured beside the LSTM's there.
"""

from __future__ import annotations

from studies.starts import NADE, NETWORKS, STARTS, STUDY
from studies.starts_report import figures, tables
from studies.training_study import TrainingStudy

SIZES = "model.network=gated-lmn model.readout=both model.hidden_size=64 model.memory_size=160"
LSTM_SECONDS = {  # of an epoch of the LSTM and of the LSTM-NADE, on the machine of the study of starts
    "jsb": (0.3203, 0.5144),
    "piano": (1.4329, 2.8044),
    "nottingham": (3.3939, 6.6509),
    "muse": (4.6829, 9.8893),
}
# Chosen on the validation splits of JSB, Piano-midi and a quarter of Nottingham (studies/tried.md), not on MuseData's.
SETTINGS = {
    "jsb": "training.learning_rate=0.03 model.dropout=0.5",
    "piano": "training.learning_rate=0.01 model.dropout=0.5",
    "nottingham": "training.learning_rate=0.01 model.dropout=0.2",
    "muse": "training.learning_rate=0.01 model.dropout=0.2",
}

# As in the study of starts, and a Legendre delay network. MuseData has the orthogonal start alone.
OTHERS = {start: STARTS[start] for start in ("laes", "pieces", "random", "delay")} | {"legendre": "start=legendre"}
CORPORA = ("jsb", "piano", "nottingham")

STUDY_OF_GATES = TrainingStudy(
    name="starts-gated",
    about="the gated LMN beside RNN, GRU, LSTM and the plain LMN",
    factors=("model", "start"),
    conditions={
        ("gated LMN", "orthogonal"): f"{SIZES} {STARTS['orthogonal']}",
        **{("gated LMN", start): dict.fromkeys(CORPORA, f"{SIZES} {changes}") for start, changes in OTHERS.items()},
        ("gated LMN-NADE", "orthogonal"): f"{SIZES} {STARTS['orthogonal']} {NADE}",
        # The gated LMN learns well at a larger rate than the grid of the other networks has; the LSTM may like it too.
        ("LSTM at 0.03", "orthogonal"): {"jsb": NETWORKS["LSTM"]},
    },
    # A training ends 20 epochs after its best one: on the small corpora the likelihood only rises from there.
    recipes={
        corpus: f"{STUDY.recipes[corpus]} {settings} training.memory_rate=0.1 training.stop=20"
        for corpus, settings in SETTINGS.items()
    },
    seeds=STUDY.seeds,
    seconds=STUDY.seconds,
    timing=(2, 1),
    yardsticks={
        (model, corpus): (NETWORKS[lstm], seconds[model.endswith("NADE")])
        for corpus, seconds in LSTM_SECONDS.items()
        for model, lstm in (("gated LMN", "LSTM"), ("gated LMN-NADE", "LSTM-NADE"), ("LSTM at 0.03", "LSTM"))
    },
    test=True,
    make_tables=tables,
    make_figures=figures,
)
