"""Figures are the same however they are computed, and the shipped models say what is stored of them."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from lmn_music import api
from lmn_music.evaluation import teacher_forcing
from lmn_music.evaluation.likelihood import frame_log_probs

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("precision_benchmark", ROOT / "benchmarks" / "precision.py")
precision = importlib.util.module_from_spec(spec)
spec.loader.exec_module(precision)

MODELS = api.shipped_models()
RENEW = "if this change is meant: python benchmarks/precision.py tunes"


@pytest.fixture(scope="module", params=MODELS)
def checkpoint(request):
    return api.load_model(request.param, device="cpu")


def test_what_is_stored_is_of_the_shipped_models():
    assert sorted(precision.stored("tunes")) == MODELS
    for model, found in precision.stored("tunes").items():
        assert found["sha256"] == precision.sha256(model), RENEW


def test_the_models_say_of_the_shipped_tunes_what_they_said(checkpoint):
    expected = precision.stored("tunes")[checkpoint.name]
    expected.pop("sha256")
    assert precision.golden(checkpoint) == pytest.approx(expected, abs=1e-4), RENEW


def test_float32_is_float64_to_a_ten_thousandth_of_a_nat_in_every_frame(checkpoint):
    songs = sorted(precision.tunes(checkpoint), key=len)[:4]
    before = {name: weight.clone() for name, weight in checkpoint.model.state_dict().items()}
    single, double = precision.in_both(checkpoint, songs)
    assert np.abs(single - double).max() < 1e-4
    assert np.abs(single - double).max() > 0  # both were computed
    assert all(torch.equal(before[name], weight) for name, weight in checkpoint.model.state_dict().items())


def test_on_the_whole_test_splits_too():
    """As it was measured, on these checkpoints or on others."""
    assert precision.stored("splits")
    for model, found in precision.stored("splits").items():
        assert found["mean difference"] < 1e-5
        assert found["largest difference of a frame"] < 1e-4
        if found["sha256"] == precision.sha256(model):
            test = api.load_model(model, device="cpu").header.figures["test_nll"]
            assert found["nats per frame"] == pytest.approx(test, abs=1e-4)


def test_batch_chunk_and_threads_change_nothing(checkpoint, monkeypatch):
    songs = sorted(precision.tunes(checkpoint), key=len)[:3]
    usual = frame_log_probs(checkpoint.model, songs)

    def same(found):
        return max(np.abs(a - b).max() for a, b in zip(usual, found, strict=True)) < 1e-5

    for batch in (1, 2):
        assert same(frame_log_probs(checkpoint.model, songs, batch_songs=batch))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2 if threads == 1 else 1)
        assert same(frame_log_probs(checkpoint.model, songs))
    finally:
        torch.set_num_threads(threads)
    for chunk in (7, 1000):
        monkeypatch.setattr(teacher_forcing, "CHUNK", chunk)
        assert same(frame_log_probs(checkpoint.model, songs))
