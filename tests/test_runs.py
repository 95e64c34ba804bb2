"""Run folders seen from outside, while a training is at work in them and after."""

import json

import pytest

from lmn_music import api
from lmn_music.errors import CheckpointError
from lmn_music.files import alone
from tests.cli.helpers import TINY, lmn_music


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Give a folder with one run, trained on songs of our own."""
    from lmn_music.formats import write_roll
    from tests.helpers import make_roll

    tunes, folder = tmp_path_factory.mktemp("tunes"), tmp_path_factory.mktemp("runs")
    for seed in range(12):
        write_roll(make_roll(20 + seed, seed, frames_per_quarter=2), tunes / f"{seed}.mid")
    lmn_music("train", tunes, "--out", folder / "pieces" / "mine", *TINY)
    return folder


def test_a_run_is_listed_with_its_figures(runs):
    (run,) = api.list_runs(runs)
    assert (run.name, run.network, run.at_work, run.composes) == ("pieces/mine", "lmn", False, True)
    stages = [line["stage"] for line in run.metrics]
    assert stages == ["unrolled", "hand-over", "lmn", "lmn"]
    assert run == api.run_status(runs, "pieces/mine")


def test_a_training_at_work_is_seen(runs):
    lock = runs / "pieces" / "mine" / ".lock"
    with alone(lock, "this test is at work"):
        assert api.list_runs(runs)[0].at_work
    assert not api.list_runs(runs)[0].at_work
    lock.touch()  # as a killed training leaves it
    assert not api.list_runs(runs)[0].at_work


def test_a_half_written_line_waits_for_its_other_half(runs):
    file = runs / "pieces" / "mine" / "metrics.jsonl"
    whole = file.read_text()
    try:
        file.write_text(whole + '{"stage": "lmn", "epo')
        assert len(api.list_runs(runs)[0].metrics) == len(whole.splitlines())
    finally:
        file.write_text(whole)
    assert [json.loads(line) for line in whole.splitlines()] == api.list_runs(runs)[0].metrics


def test_the_last_model_composes(runs):
    assert len(api.compose(api.last_checkpoint(runs, "pieces/mine"), bars=1, seed=1)) == 8


@pytest.mark.parametrize("name", ["", "..", "pieces", "other", "../runs", "/etc", "a\0b", "x" * 5000])
def test_no_other_folder_can_be_named(runs, name):
    for ask in (api.run_status, api.last_checkpoint):
        with pytest.raises(CheckpointError, match="there is no run folder"):
            ask(runs, name)


def test_what_is_no_run_folder_is_left_out(tmp_path):
    for name in ("damaged", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "damaged" / "config.toml").write_text("seed = [")
    (tmp_path / "away").symlink_to("/")
    assert api.list_runs(tmp_path) == []
