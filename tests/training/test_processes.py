"""Several processes train one model: as one process would, and again after one of them was killed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from lmn_music import api, processes
from lmn_music.corpora.batches import collate
from lmn_music.errors import TrainingError, UsageError
from lmn_music.formats import write_roll
from lmn_music.models.build import build
from lmn_music.models.config import ModelConfig
from lmn_music.processes import ALONE, Processes
from lmn_music.training.sharing import Loss, share_of
from tests.cli.helpers import lmn_music
from tests.helpers import make_roll

# Without dropout, whose draws are those of a share; the last batch of an epoch has a song for one process only.
SET = (
    "model.hidden_size=6 model.memory_size=8 model.window=3 model.dropout=0 model.input_dropout=0 pretraining.epochs=1 "
)
SET += "training.chunk=16 training.batch_songs=5 pretraining.batch_songs=5 training.transpose=2 training.ema_decay=0.9"
SMALL = ["--recipe", "lmn", "--epochs", "4", *(word for change in SET.split() for word in ("--set", change))]
KILLED = f"""
import os, signal, sys
import lmn_music

def on_epoch(metrics):
    here = os.environ["RANK"], os.environ["TORCHELASTIC_RESTART_COUNT"], metrics["stage"], metrics["epoch"]
    if here == ("1", "0", "lmn", 2):
        os.kill(os.getpid(), signal.SIGKILL)

changes = {SET!r}.split()
lmn_music.train(sys.argv[1], out=sys.argv[2], recipe="lmn", epochs=4, changes=changes, device="cpu", on_epoch=on_epoch)
"""


class Member(Processes):
    """One of several processes, alone in this one."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size


def torchrun(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=200)


def metrics(run: Path) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


@pytest.mark.slow
def test_two_processes_train_what_one_trains_and_survive_a_kill(tmp_path: Path) -> None:
    tunes = tmp_path / "tunes"
    tunes.mkdir()
    for seed in range(20):
        write_roll(make_roll(20 + 9 * seed % 70, seed, frames_per_quarter=2), tunes / f"{seed}.mid")
    lmn_music("train", tunes, "--out", tmp_path / "one", "--device", "cpu", *SMALL)
    whole = torchrun("-m", "lmn_music", "train", tunes, "--out", tmp_path / "two", "--device", "cpu", *SMALL)
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.count("run folder") == 1
    for one, two in zip(metrics(tmp_path / "one"), metrics(tmp_path / "two"), strict=True):
        assert two == pytest.approx(one, abs=1e-5)

    program = tmp_path / "killed.py"
    program.write_text(KILLED)
    killed = torchrun("--max-restarts", 1, program, tunes, tmp_path / "killed")
    assert killed.returncode == 0, killed.stderr
    assert metrics(tmp_path / "killed") == metrics(tmp_path / "two")
    weights, others = (load_file(tmp_path / name / "last.safetensors") for name in ("two", "killed"))
    assert all(torch.equal(weights[name], others[name]) for name in weights)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_the_shares_are_the_batch(size: int) -> None:
    """Every song is in one share, all shares take as many steps, and their losses and gradients add up."""
    songs = [make_roll(length, length) for length in (40, 7, 33, 21)]
    model = build(ModelConfig(hidden_size=4, memory_size=6, output_hidden_size=4), torch.Generator().manual_seed(0))
    loss = Loss(model)

    def steps(batch):
        state, total = model.initial_state(batch.frames.shape[1]), torch.zeros(())
        count = 0
        for frames, mask in batch.chunks(16):
            nll, state = loss(frames, mask, state.select(slice(frames.shape[1])))
            total, count = total + nll, count + 1
        gradients = torch.autograd.grad(total, list(model.parameters()), allow_unused=True)
        return count, torch.cat([total.reshape(1), *(g.reshape(-1) for g in gradients if g is not None)])

    count, expected = steps(collate(songs, range(len(songs))))
    shares = [share_of(songs, Member(rank, size), torch.device("cpu")) for rank in range(size)]
    found = [steps(share) for share in shares]
    assert [each for each, _ in found] == [count] * size
    assert sum(int(share.lengths.sum()) for share in shares) == sum(map(len, songs))
    torch.testing.assert_close(sum(each for _, each in found), expected, rtol=1e-4, atol=1e-4)


def test_one_process_has_the_whole_batch() -> None:
    songs = [make_roll(length, length) for length in (9, 30, 30)]
    share, batch = share_of(songs, ALONE, torch.device("cpu")), collate(songs, range(3))
    assert torch.equal(share.frames, batch.frames)
    assert torch.equal(share.lengths, batch.lengths)


def test_alone_nothing_is_shared() -> None:
    values = np.arange(3.0)
    assert ALONE.total(values) is ALONE.largest(values) is values
    assert ALONE.any(True)
    assert not ALONE.any(False)
    assert ALONE.in_turn(lambda: 3) == 3
    assert processes.joined("cpu") is ALONE


def test_several_processes_need_one_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "joined", lambda _: Member(1, 2))
    with pytest.raises(UsageError, match="name it as `out`"):
        api.start_run("chorales", device="cpu")


def test_a_process_that_is_gone_is_one_line() -> None:
    with pytest.raises(TrainingError, match="another process"), Member(0, 2).noticing_losses():
        raise RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.1.1]:6273")
    with pytest.raises(RuntimeError, match="shape"), Member(0, 2).noticing_losses():
        raise RuntimeError("a shape that does not fit")
