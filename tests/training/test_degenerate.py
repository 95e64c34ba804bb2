"""Corpora with as little in them as can be: one song, one key, silence, all keys, one frame."""

import math

import numpy as np
import pytest

from lmn_music import api
from lmn_music.corpora.corpus import Corpus, content_sha256
from lmn_music.errors import GenerationError, TrainingError
from lmn_music.evaluation.evaluate import evaluate
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.music.pianoroll import KEYS, PianoRoll
from lmn_music.training.folder import RunConfig, corpus_info
from lmn_music.training.recipe import parse_recipe
from lmn_music.training.run import Run
from tests.helpers import make_roll
from tests.training.helpers import BASE


def one_key():
    frames = np.zeros((20, KEYS), dtype=bool)
    frames[:, 40] = True
    return frames


SONGS = {
    "one song": make_roll(20, 1).frames,
    "one key": one_key(),
    "silence": np.zeros((20, KEYS), dtype=bool),
    "all keys": np.ones((20, KEYS), dtype=bool),
    "one frame": make_roll(1, 1).frames,
}
MODELS = {
    "dense": ["start=laes"],
    "dense, drawn": ["start=random"],
    "NADE": ["model.output=nade", "model.output_hidden_size=4"],
    "tied": [
        "model.architecture=tied", "model.output=nade", "model.output_hidden_size=4", "model.input_dropout=0",
    ],
    "RNN from an autoencoder": ["model.network=rnn", "start=laes"],
    "GRU": ["model.network=gru", "start=orthogonal"],
}  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", SONGS)
def test_it_is_trained_on_evaluated_and_composed_from(name, model, tmp_path):
    song = PianoRoll(SONGS[name], 1, name)
    corpus = Corpus(name, (song,), (song,), (song,), 1, "", content_sha256([song]), False, "", "")
    recipe = parse_recipe("", [*BASE, *MODELS[model], "training.learning_rate=0.02"])
    run = Run.start(tmp_path, RunConfig(command="", seed=1, corpus=corpus_info(corpus), recipe=recipe), corpus)
    if model.startswith("RNN") and name in ("silence", "one frame"):
        with pytest.raises(TrainingError, match="every frame is the same, so there is nothing to remember"):
            run.run()
        return
    batches = iter(range(100))
    assert not run.run(lambda: next(batches) == 1)
    assert Run.resume(tmp_path, corpus).run()
    checkpoint = load_checkpoint(tmp_path)
    assert math.isfinite(checkpoint.header.figures["valid_nll"])
    assert math.isfinite(evaluate(checkpoint, corpus).nll)
    try:
        composed = api.compose(checkpoint, frames=8, seed=1)
    except GenerationError as error:  # silence is no song
        assert name == "silence", error  # noqa: PT017
    else:
        assert len(composed) == 8
