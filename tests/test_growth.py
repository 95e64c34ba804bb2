"""A new recurrence is one class, one entry in NETWORKS and one in FAMILIES; every command knows it then."""

import signal

import pytest
import torch
from torch import nn

from lmn_music.formats import write_roll
from lmn_music.formats.score import read_score
from lmn_music.models.build import NETWORKS
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.models.networks.network import Network
from lmn_music.training.family import Family, one_stage
from lmn_music.training.stages import FAMILIES
from tests.cli.helpers import lmn_music
from tests.helpers import make_roll


class MovingAverage(Network):
    """The exponential moving average of a linear map of the input: m_t = a m_{t-1} + (1 - a) W x_t, a = sigmoid(b)."""

    starts = ("slow", "fast")
    memory_weights = ("b",)

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size, self.output_size, self.hidden_size = input_size, hidden_size, hidden_size
        self.W = nn.Parameter(torch.empty(hidden_size, input_size))
        self.b = nn.Parameter(torch.empty(hidden_size))
        self.reset()

    @classmethod
    def from_config(cls, config, input_size):
        return cls(input_size, config.hidden_size)

    def reset(self, start="slow", *, generator=None):
        nn.init.xavier_uniform_(self.W, generator=generator)
        nn.init.uniform_(self.b, *((1.0, 2.0) if start == "slow" else (-2.0, -1.0)), generator=generator)

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
    monkeypatch.setitem(NETWORKS, "ema", MovingAverage)
    monkeypatch.setitem(FAMILIES, "ema", Family(one_stage))


@pytest.fixture
def tunes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tunes").mkdir()
    for seed in range(12):
        write_roll(make_roll(20 + seed, seed, frames_per_quarter=2), tmp_path / "tunes" / f"{seed}.mid")
    return "tunes"


TRAIN = ["--recipe", "lmn", "--epochs", "3", "--seed", "7", "--set", "training.batch_songs=3"]
TRAIN += ["--set", "model.network=ema", "--start", "fast", "--set", "model.hidden_size=8"]
TIED = ["model.architecture=tied", "model.output=nade", "model.output_hidden_size=4", "model.input_dropout=0"]
ARCHITECTURES = {"dense": [], "tied": [word for change in TIED for word in ("--set", change)]}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_new_network_trains_resumes_evaluates_and_generates(architecture, tunes, monkeypatch):
    train = [*TRAIN, *ARCHITECTURES[architecture]]
    assert "1 stage: EMA, at most 3 epochs" in lmn_music("train", tunes, "--out", "whole", *train)
    checkpoint = load_checkpoint("whole")
    assert isinstance(checkpoint.model.network, MovingAverage)
    assert checkpoint.header.model.architecture == architecture

    # Ctrl-C in the second epoch of another run of the same.
    batches = 0

    def press(*_):
        nonlocal batches
        batches += 1
        if batches == 5:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("lmn_music.cli.progress.TrainingDisplay.batch", press)
        assert "continue with" in lmn_music("train", tunes, "--out", "parts", *train, code=130)
    assert "done" in lmn_music("train", "--resume", "parts")
    for file in ("best.safetensors", "last.safetensors"):
        whole, parts = (load_checkpoint(f"{folder}/{file}").model.state_dict() for folder in ("whole", "parts"))
        assert whole.keys() == parts.keys()
        assert all(torch.equal(weight, parts[name]) for name, weight in whole.items())

    assert "nats per frame" in lmn_music("evaluate", "whole")
    lmn_music("generate", "--model", "whole", "--bars", "2", "--seed", "1", "--out", "song.mid")
    assert read_score("song.mid").frames.any()


@pytest.mark.parametrize("start", ["slow", "fast"])
def test_a_new_network_has_starts_and_a_rate_of_its_own(start, tunes):
    lmn_music("train", tunes, "--out", "run", *TRAIN, "--start", start, "--set", "training.memory_rate=0")
    b = load_checkpoint("run/last.safetensors").model.network.b
    assert ((b >= 1) if start == "slow" else (b <= -1)).all()  # frozen: as it was drawn
    lmn_music("train", tunes, "--out", "other", *TRAIN, "--start", start, "--set", "training.memory_rate=1")
    assert not torch.equal(load_checkpoint("other/last.safetensors").model.network.b, b)


def test_a_network_that_does_not_exist_is_refused_before_a_corpus_is_read():
    fault = lmn_music("train", "no such folder", *TRAIN, "--set", "model.network=emu", code=2)
    assert 'model.network cannot be "emu": choose lmn, gated-lmn, ms-lmn, rnn, gru, lstm, ema' in fault


def test_a_start_that_a_new_network_lacks_is_refused(tunes):
    fault = lmn_music("train", tunes, *TRAIN, "--start", "laes", code=2)
    assert 'start "laes" is not for network "ema": choose slow, fast' in fault
