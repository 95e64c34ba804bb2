"""A new recurrence is one class, one entry in NETWORKS and one in FAMILIES; every command knows it then."""

import signal

import pytest
import torch
from torch import nn

from lmn_music.formats import write_roll
from lmn_music.models.build import NETWORKS
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.models.networks.network import Network
from lmn_music.training.family import Family, one_stage
from lmn_music.training.stages import FAMILIES
from tests.cli.helpers import lmn_music
from tests.helpers import make_roll


class MovingAverage(Network):
    """The exponential moving average of a linear map of the input: m_t = a m_{t-1} + (1 - a) W x_t, a = sigmoid(b)."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size, self.output_size, self.hidden_size = input_size, hidden_size, hidden_size
        self.W = nn.Parameter(torch.empty(hidden_size, input_size))
        self.b = nn.Parameter(torch.empty(hidden_size))
        self.reset()

    def reset(self, start="orthogonal", *, generator=None):  # noqa: ARG002 - it has no other
        nn.init.xavier_uniform_(self.W, generator=generator)
        nn.init.uniform_(self.b, -2.0, 2.0, generator=generator)

    def initial_state(self, batch):
        return self.W.new_zeros(batch, self.hidden_size)

    def advance(self, x, state, drive=None, position=0):  # noqa: ARG002
        kept, states = torch.sigmoid(self.b), []
        entering = (1 - kept) * (x @ self.W.t() + (0 if drive is None else drive))
        for x_t in entering:
            state = kept * state + x_t
            states.append(state)
        return torch.stack(states), state


@pytest.fixture(autouse=True)
def moving_average(monkeypatch):
    monkeypatch.setitem(NETWORKS, "ema", lambda config, input_size: MovingAverage(input_size, config.hidden_size))
    monkeypatch.setitem(FAMILIES, "ema", Family(("random",), one_stage))


@pytest.fixture
def tunes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tunes").mkdir()
    for seed in range(12):
        write_roll(make_roll(20 + seed, seed, frames_per_quarter=2), tmp_path / "tunes" / f"{seed}.mid")
    return "tunes"


TRAIN = ["--recipe", "lmn", "--epochs", "3", "--seed", "7", "--set", "training.batch_songs=3"]
TRAIN += ["--set", "model.network=ema", "--set", "start=random", "--set", "model.hidden_size=8"]


def test_a_new_network_trains_resumes_evaluates_and_generates(tunes, monkeypatch):
    assert "1 stage: EMA, at most 3 passes" in lmn_music("train", tunes, "--out", "whole", *TRAIN)
    assert isinstance(load_checkpoint("whole").model.network, MovingAverage)

    # Ctrl-C in the second epoch of another run of the same.
    batches = 0

    def press(*_):
        nonlocal batches
        batches += 1
        if batches == 5:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("lmn_music.cli.progress.TrainingDisplay.batch", press)
        assert "continue with" in lmn_music("train", tunes, "--out", "parts", *TRAIN, code=130)
    assert "done" in lmn_music("train", "--resume", "parts")
    for file in ("best.safetensors", "last.safetensors"):
        whole, parts = (load_checkpoint(f"{folder}/{file}").model.state_dict() for folder in ("whole", "parts"))
        assert whole.keys() == parts.keys()
        assert all(torch.equal(weight, parts[name]) for name, weight in whole.items())

    assert "nats per frame" in lmn_music("evaluate", "whole")
    lmn_music("generate", "--model", "whole", "--bars", "2", "--seed", "1", "--out", "song.mid")


def test_a_network_that_does_not_exist_is_refused_before_a_corpus_is_read():
    fault = lmn_music("train", "no such folder", *TRAIN, "--set", "model.network=emu", code=2)
    assert 'model.network cannot be "emu": choose lmn, ms-lmn, rnn, gru, lstm, ema' in fault


def test_a_start_that_a_new_network_lacks_is_refused(tunes):
    fault = lmn_music("train", tunes, *TRAIN, "--set", "start=laes", code=2)
    assert 'start "laes" is not for network "ema": choose random' in fault
