"""Everything trains and composes on another device than the CPU, shown with a device that is made up."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn

import lmn_music
from lmn_music.evaluation import dynamic
from lmn_music.evaluation.evaluate import evaluate
from lmn_music.evaluation.likelihood import frame_log_probs
from lmn_music.generation import rewriting
from lmn_music.generation.sampler import sample_frames
from lmn_music.models.build import build
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.training import copy_experts, own_habits, own_past
from lmn_music.training.run import Run
from tests.elsewhere import CPU, CUDA, second_device
from tests.helpers import make_roll
from tests.models.helpers import CONFIGS
from tests.training.helpers import OTHERS, config, metrics_of

# A tied model with all that it may have; its memory starts as the autoencoder, and the last two stages follow.
TIED = ["model.architecture=tied", "model.output=nade", "model.output_hidden_size=4", "model.copies=true"]
TIED += [
    "model.own_past=true",
    "model.recall=true",
    "model.input_dropout=0",
    "training.epochs=1",
    "pretraining.epochs=1",
]


@pytest.fixture
def cuda(monkeypatch):
    with second_device(monkeypatch):
        yield


@pytest.mark.usefixtures("cuda")
class TestTheDevice:
    """The device itself: what a GPU refuses, it refuses."""

    def test_tensors_say_where_they_are(self):
        here, there = torch.ones(3), torch.ones(3, device="cuda")
        assert (here.device, there.device, there.is_cuda, here.is_cuda) == (CPU, CUDA, True, False)
        assert [x.device for x in (there + 1, there[1:], there.new_zeros(2), there.view(3, 1), there.detach())] == (
            [CUDA] * 5
        )
        assert (there.cpu().device, here.to(there).device, there.to("cpu").device) == (CPU, CUDA, CPU)
        assert there.double().to(here).dtype == torch.float32

    def test_modules_move_with_their_gradients(self):
        layer = nn.Linear(3, 2).to("cuda")
        assert layer.weight.device == CUDA
        layer(torch.ones(1, 3, device="cuda")).sum().backward()
        assert layer.weight.grad.device == CUDA
        torch.optim.Adam(layer.parameters()).step()
        assert layer.weight.device == CUDA

    @pytest.mark.parametrize(
        "mixed",
        [
            lambda here, there: here + there,
            lambda here, there: torch.where(there > 0, here, there),
            lambda here, there: here[there.long()],
            lambda here, there: torch.cat([here, there]),
            lambda _, there: nn.Linear(3, 2)(there),
            lambda here, there: there.addcmul_(here, here),
            lambda _, there: there.cumsum(0).numpy(),
            lambda _, there: there.uniform_(generator=torch.Generator()),
            lambda here, _: here.uniform_(generator=torch.Generator("cuda")),
            lambda *_: torch.rand(2, generator=torch.default_generator, device="cuda"),
        ],
    )
    def test_mixed_devices_are_refused(self, mixed):
        with pytest.raises((RuntimeError, TypeError)):
            mixed(torch.ones(3), torch.ones(3, device="cuda"))

    @pytest.mark.parametrize(
        "allowed",
        [
            lambda here, there: there + here[0],
            lambda here, there: there[here.long().clamp(max=0)],
            lambda here, there: there.copy_(here),
            lambda here, there: there.index_put_((here.long(),), there + 1),
            lambda _, there: there.uniform_(generator=torch.Generator("cuda")),
        ],
    )
    def test_what_a_gpu_allows_is_allowed(self, allowed):
        assert allowed(torch.ones(3), torch.ones(3, device="cuda")).device == CUDA


@pytest.fixture(scope="module")
def songs():
    return [make_roll(24 + seed, seed) for seed in range(8)]


@pytest.mark.parametrize("name", CONFIGS)
def test_every_model_reads_learns_and_composes_elsewhere(name, songs, monkeypatch):
    """The numbers are those of the CPU."""
    expected = frame_log_probs(build(CONFIGS[name], torch.Generator().manual_seed(0)), songs[:2])
    with second_device(monkeypatch):
        model = build(CONFIGS[name], torch.Generator().manual_seed(0)).to("cuda")
        for found, one in zip(frame_log_probs(model, songs[:2]), expected, strict=True):
            np.testing.assert_array_equal(found, one)
        frames = torch.tensor(songs[0].frames, dtype=torch.float32, device="cuda").unsqueeze(1)
        log_prob, _ = model.train()(frames, model.training_state(frames, torch.default_generator))
        (-log_prob.mean()).backward()
        torch.optim.Adam(model.parameters()).step()
        model.constrain()
        composed = list(islice(sample_frames(model.eval(), torch.Generator("cuda").manual_seed(1), songs=2), 3))
        assert {frame.device for frame in composed} == {CUDA}
        assert {weight.device for weight in model.state_dict().values()} == {CUDA}


@pytest.fixture
def short(monkeypatch):
    """Let the last stages take a moment each."""
    monkeypatch.setattr(copy_experts, "EPOCHS", 2)
    monkeypatch.setattr(own_past, "STEPS", 3)
    monkeypatch.setattr(own_habits, "COMPOSED", (2, 6))
    monkeypatch.setattr(own_habits, "GAINS", (1.0,))
    monkeypatch.setattr(dynamic, "RATES", dynamic.RATES[:1])
    monkeypatch.setattr(rewriting, "PARTICLES", 3)


@pytest.mark.usefixtures("short")
def test_a_tied_model_is_trained_resumed_evaluated_and_used_elsewhere(small_corpus, tmp_path, monkeypatch):
    """The autoencoder, copy experts, the own past; dynamic evaluation, an ensemble, the particle filter."""
    songs = [make_roll(length, length) for length in range(9, 16)]
    corpus = replace(small_corpus, train=tuple(songs[:3]), valid=tuple(songs[3:6]), test=tuple(songs[6:]))
    with second_device(monkeypatch):
        asked = iter(range(4))
        run = Run.start(tmp_path / "run", config(corpus, *TIED), corpus, device="cuda")
        assert not run.run(lambda: next(asked, None) is None)
        assert Run.resume(tmp_path / "run", corpus, device="cuda").run()
        checkpoint = load_checkpoint(tmp_path / "run", "cuda")
        assert checkpoint.device == CUDA
        found = evaluate(checkpoint, corpus, others=[checkpoint], dynamic=True)
        assert found.songs_at_hand is not None
        piece = lmn_music.compose(checkpoint, seed=1, bars=2)
        lmn_music.harmonise(piece, checkpoint, particles=3, seed=1)
        lmn_music.rewrite(piece, (1, 1), checkpoint, seed=1)
        lmn_music.surprise(piece, checkpoint)
    on_the_cpu = Run.start(tmp_path / "cpu", config(corpus, *TIED), corpus)
    assert on_the_cpu.run()
    metrics, expected = ([line | {"seconds": 0} for line in metrics_of(tmp_path / name)] for name in ("run", "cpu"))
    assert metrics == expected


@pytest.mark.parametrize("name", ["rnn-laes", "ms-lmn", "gated-lmn", "lmn-legendre-frozen"])
def test_what_the_memory_is_compared_with_is_trained_elsewhere(name, small_corpus, tmp_path, monkeypatch):
    """These are made in other ways than the LMN: out of the inputs, scale by scale, with gates, in closed form."""
    with second_device(monkeypatch):
        assert Run.start(tmp_path, config(small_corpus, *OTHERS[name]), small_corpus, device="cuda").run()
