"""A run that was stopped resumes as if it had not been, learns, and loses nothing when it fails."""

import lzma
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lmn_music.corpora.corpus import Rejected
from lmn_music.errors import CheckpointError, LmnMusicError, TrainingError, UsageError
from lmn_music.models.build import build
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.models.config import ModelConfig
from lmn_music.models.migrate import FORMAT
from lmn_music.training.autoencoders import key_chances
from lmn_music.training.config import TrainingConfig
from lmn_music.training.folder import read_config
from lmn_music.training.recipe import BASELINES
from lmn_music.training.reporter import Silent
from lmn_music.training.run import Run
from lmn_music.training.trainer import Trainer
from lmn_music.training.weights import learning_weights
from tests.training.helpers import OTHERS, SMALL, config, metrics_of


def outcome(folder):
    """Return everything that a run leaves behind, but for its times."""
    metrics = metrics_of(folder)
    for line in metrics:
        line.pop("seconds", None)
    best = load_checkpoint(folder)
    return metrics, best.model.state_dict(), best.header.figures["valid_nll"]


def assert_same(one, other):
    assert one[0] == other[0]
    assert one[2] == other[2]
    assert one[1].keys() == other[1].keys()
    for name in one[1]:
        assert torch.equal(one[1][name], other[1][name]), name


TIED = ["model.architecture=tied", "model.output=nade", "model.output_hidden_size=4"]
TIED += ["model.input_dropout=0", "training.anneal=true"]


@pytest.mark.parametrize(
    "changes", [["start=laes"], ["start=random"], TIED, *OTHERS.values()], ids=["laes", "random", "tied", *OTHERS]
)
def test_resumed_equals_uninterrupted_bit_for_bit(changes, small_corpus, tmp_path):
    whole = Run.start(tmp_path / "whole", config(small_corpus, *changes), small_corpus)
    assert whole.run()
    # Stop after every second batch, again and again, in both stages; and later and later, as an autoencoder that is
    # stopped in its middle begins anew.
    run = Run.start(tmp_path / "pieces", config(small_corpus, *changes), small_corpus)
    pieces = 0

    def every_second():
        nonlocal batches
        batches += 1
        return batches == 2 + pieces // 5

    while True:
        batches = 0
        pieces += 1
        if run.run(every_second):
            break
        torch.rand(pieces)  # whatever else happens in between does not matter
        run = Run.resume(tmp_path / "pieces", small_corpus)
    assert pieces >= 3
    assert_same(outcome(tmp_path / "whole"), outcome(tmp_path / "pieces"))


@pytest.mark.parametrize(
    "changes", [["start=laes"], OTHERS["rnn-laes"], OTHERS["ms-lmn"]], ids=["lmn", "rnn", "ms-lmn"]
)
def test_the_autoencoder_is_fitted_to_pieces_of_the_length_that_the_recipe_says(changes, small_corpus, tmp_path):
    weights = []
    for length in (0, 3, 10_000):
        wanted = config(small_corpus, *changes, f"laes_length={length}")
        Run.start(tmp_path / str(length), wanted, small_corpus).run()
        weights.append(torch.cat([weight.flatten() for weight in outcome(tmp_path / str(length))[1].values()]))
    assert torch.equal(weights[0], weights[2])  # pieces longer than the songs are whole songs
    assert not torch.equal(weights[0], weights[1])


def test_a_crash_between_two_saves_costs_nothing_but_time(small_corpus, tmp_path):
    assert Run.start(tmp_path / "whole", config(small_corpus), small_corpus).run()
    run = Run.start(tmp_path / "crashed", config(small_corpus), small_corpus)
    batches = 0

    def crash():
        nonlocal batches
        batches += 1
        if batches == 8:  # in the middle of an epoch, after some were saved
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        run.run(crash)
    with (tmp_path / "crashed" / "metrics.jsonl").open("a") as file:
        file.write('{"stage": "lmn", "epoch": 99}\n')  # written just before the crash, its state not yet saved
    assert Run.resume(tmp_path / "crashed", small_corpus).run()
    assert_same(outcome(tmp_path / "whole"), outcome(tmp_path / "crashed"))


def test_same_seed_same_model_other_seed_another(small_corpus, tmp_path):
    results = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        Run.start(tmp_path / name, config(small_corpus, seed=seed), small_corpus).run()
        results.append(outcome(tmp_path / name))
    assert_same(results[0], results[1])
    assert results[0][2] != results[2][2]


def test_the_log_shows_each_stage(small_corpus, tmp_path):
    Run.start(tmp_path / "run", config(small_corpus), small_corpus).run()
    metrics = metrics_of(tmp_path / "run")
    assert [line["stage"] for line in metrics] == ["unrolled"] * 2 + ["hand-over"] + ["lmn"] * 3
    assert 0 < metrics[2]["energy_kept"] <= 1
    assert metrics[2]["valid_nll_before"] == min(line["valid_nll"] for line in metrics[:2])
    assert metrics[2]["valid_nll_after"] > 0


def test_training_learns(small_corpus, tmp_path):
    changes = [
        "training.epochs=30",
        "training.ema_decay=0",
        "model.dropout=0",
        "model.input_dropout=0",
        "training.transpose=0",
    ]
    Run.start(tmp_path / "run", config(small_corpus, *changes), small_corpus).run()
    metrics = metrics_of(tmp_path / "run")
    p = key_chances(small_corpus.train).numpy()
    of_frequencies_alone = -(p * np.log(p) + (1 - p) * np.log(1 - p)).sum()
    assert metrics[-1]["train_nll"] < 0.85 * of_frequencies_alone


def test_a_loss_that_is_not_finite_stops_and_keeps_the_best(small_corpus, tmp_path):
    run = Run.start(tmp_path / "run", config(small_corpus, "start=orthogonal"), small_corpus)
    epochs = 0

    def poison():
        nonlocal epochs
        epochs += 1
        if epochs == 5:  # the second epoch
            with torch.no_grad():
                next(value for key, value in trainers[0].model.named_parameters() if key == "readout.bias").fill_(
                    torch.nan
                )
        return False

    trainers = []
    make = run._trainer
    run._trainer = lambda *arguments: trainers.append(make(*arguments)) or trainers[-1]
    with pytest.raises(TrainingError, match="not finite in epoch 2"):
        run.run(poison)
    assert load_checkpoint(tmp_path / "run").header.figures["best_epoch"] == 1


def test_weights_that_explode_stop_the_run(small_corpus, tmp_path):
    run = Run.start(
        tmp_path / "run", config(small_corpus, "start=orthogonal", "training.learning_rate=1"), small_corpus
    )
    make = run._trainer

    def trainer_with_a_huge_step(*arguments):
        trainer = make(*arguments)
        for group in trainer.optimizer.param_groups:
            group["lr"] = 1e30
        return trainer

    run._trainer = trainer_with_a_huge_step
    with pytest.raises(TrainingError, match="not finite in epoch 1 of stage lmn; the best model so far, of epoch 0"):
        run.run()


def test_nothing_is_kept_that_is_worse_than_the_hand_over(small_corpus, tmp_path):
    assert Run.start(tmp_path / "run", config(small_corpus, "training.epochs=0"), small_corpus).run()
    metrics = metrics_of(tmp_path / "run")
    figures = load_checkpoint(tmp_path / "run").header.figures
    assert figures["best_epoch"] == 0
    assert figures["valid_nll"] == metrics[-1]["valid_nll_after"]


@pytest.mark.parametrize("start", ["orthogonal", "random", "delay", "legendre"])
def test_a_run_starts_with_the_memory_that_its_recipe_asks_for(start, small_corpus, tmp_path):
    asked = config(small_corpus, f"start={start}", "training.epochs=0", seed=7)
    assert Run.start(tmp_path, asked, small_corpus).run()
    drawn = build(asked.recipe.model, torch.Generator().manual_seed(7), start)
    started = load_checkpoint(tmp_path).model.network.state_dict()
    for name, weight in drawn.network.state_dict().items():
        assert torch.equal(started[name], weight), name


def start_and_end(corpus, folder, *changes):
    """Return the model with which the last stage began, and the last and the best one of its end."""
    for name, epochs in (("start", ["training.epochs=0"]), ("end", [])):
        assert Run.start(folder / name, config(corpus, *changes, *epochs), corpus).run()
    files = ("start/last.safetensors", "end/last.safetensors", "end/best.safetensors")
    return [load_checkpoint(folder / file).model.state_dict() for file in files]


@pytest.mark.parametrize("name", [name for name in BASELINES if name.endswith("-frozen")])
def test_a_frozen_memory_stays_as_it_was_when_its_stage_began(name, small_corpus, tmp_path):
    """Through weight decay, transposition and averaging, while all else learns."""
    changes = [*OTHERS[name], "training.weight_decay=0.01", "training.learning_rate=0.01"]
    start, *ends = start_and_end(small_corpus, tmp_path, *changes)
    for end in ends:
        for still in ("network.W_hm", "network.W_mm", "network.b_m", "initial_memory"):
            assert torch.equal(end[still], start[still]), still
        for moving in ("network.W_xh", "network.W_mh", "network.b_h", "readout.weight"):
            assert not torch.allclose(end[moving], start[moving], atol=1e-3), moving


@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_the_memory_learns_at_its_own_rate(rate, small_corpus, tmp_path):
    """In its first step Adam moves the weights by their learning rates, if they have a gradient to speak of."""
    changes = ["start=orthogonal", f"training.memory_rate={rate}", "training.learning_rate=1e-3"]
    changes += ["training.epochs=1", "training.batch_songs=1000", "training.chunk=1000"]
    start, last, _ = start_and_end(small_corpus, tmp_path, *changes)
    for name, expected in (("W_xh", 1e-3), ("W_hm", rate * 1e-3), ("b_m", rate * 1e-3)):
        step = (last[f"network.{name}"] - start[f"network.{name}"]).abs().max()
        assert float(step) == pytest.approx(expected, rel=0.01), name


@pytest.mark.parametrize("name", ["lmn-orthogonal", "ms-lmn"])
def test_training_keeps_the_memory_from_exploding(name, small_corpus, tmp_path):
    """However far the steps go, W_mm keeps a spectral norm of 1, or each module's rows of it, also in the average."""
    changes = [*OTHERS[name], "training.memory_rate=1", "training.learning_rate=0.05", "training.ema_decay=0.1"]
    assert Run.start(tmp_path, config(small_corpus, *changes), small_corpus).run()
    for file in ("last", "best"):
        checkpoint = load_checkpoint(tmp_path / f"{file}.safetensors")
        assert checkpoint.header.figures["best_epoch"] > 0
        for rows in checkpoint.model.network.W_mm.detach().double().split(8):
            assert torch.linalg.matrix_norm(rows, 2) <= 1 + 1e-5, file


def test_the_learning_rate_falls_along_half_a_cosine(small_corpus, tmp_path):
    changes = ["start=orthogonal", "training.anneal=true", "training.epochs=4", "training.batch_songs=1000"]
    Run.start(tmp_path / "run", config(small_corpus, *changes), small_corpus).run()
    metrics = metrics_of(tmp_path / "run")
    rates = [line["learning_rate"] / 2e-3 for line in metrics]
    assert rates == pytest.approx([1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5])  # one batch each


def test_a_run_never_overwrites_another(small_corpus, tmp_path):
    Run.start(tmp_path / "run", config(small_corpus), small_corpus)
    with pytest.raises(UsageError, match="not empty"):
        Run.start(tmp_path / "run", config(small_corpus), small_corpus)


def test_one_training_at_a_time_in_a_folder(small_corpus, tmp_path):
    run, refused = Run.start(tmp_path, config(small_corpus), small_corpus), []

    def another():
        with pytest.raises(LmnMusicError, match="another training is at work") as error:
            Run.resume(tmp_path, small_corpus).run()
        refused.append(error)
        return True

    assert not run.run(stop=another)
    assert len(refused) == 1
    assert Run.resume(tmp_path, small_corpus).run()


def test_what_a_killed_process_was_writing_is_in_nobodys_way(small_corpus, tmp_path):
    (tmp_path / ".0123.tmp").write_text("seed = ")
    assert Run.start(tmp_path, config(small_corpus), small_corpus).run()


def test_resuming_needs_the_same_corpus_and_an_undamaged_folder(small_corpus, tmp_path):
    with pytest.raises(CheckpointError, match="not a run folder"):
        Run.resume(tmp_path, small_corpus)
    Run.start(tmp_path / "run", config(small_corpus), small_corpus)
    with pytest.raises(UsageError, match="is another now"):
        Run.resume(tmp_path / "run", replace(small_corpus, sha256="0"))
    (tmp_path / "run" / "state.pt").write_bytes(b"not a state")
    with pytest.raises(CheckpointError, match="damaged"):
        Run.resume(tmp_path / "run", small_corpus).run()
    Run.start(tmp_path / "other", config(small_corpus), small_corpus).run()
    text = (tmp_path / "other" / "config.toml").read_text()
    (tmp_path / "other" / "config.toml").write_text(text.replace("hidden_size = 6", "hidden_size = 7"))
    with pytest.raises(CheckpointError, match="does not belong to its config"):
        Run.resume(tmp_path / "other", small_corpus).run()
    torch.save({"stage": "lmn"}, tmp_path / "other" / "state.pt")
    with pytest.raises(CheckpointError, match="damaged"):
        Run.resume(tmp_path / "other", small_corpus).run()
    torch.save({"stage": "lmn", "metrics_lines": "five", "trainer": {}}, tmp_path / "other" / "state.pt")
    with pytest.raises(CheckpointError, match="damaged"):
        Run.resume(tmp_path / "other", small_corpus).run()
    text = (tmp_path / "run" / "config.toml").read_text()
    (tmp_path / "run" / "config.toml").write_text(text.replace('start = "laes"', 'start = "magic"'))
    with pytest.raises(CheckpointError, match=r'config\.toml is damaged: start "magic" is not for network "lmn"'):
        Run.resume(tmp_path / "run", small_corpus)
    (tmp_path / "run" / "config.toml").write_text("nonsense = 1")
    with pytest.raises(CheckpointError, match="damaged"):
        Run.resume(tmp_path / "run", small_corpus)


def test_a_corpus_without_songs_cannot_be_trained_on(small_corpus, tmp_path):
    for split in ("train", "valid"):
        empty = replace(small_corpus, **{split: ()})
        with pytest.raises(TrainingError, match="at least one song"):
            Run.start(tmp_path / split, config(empty), empty).run()


def test_a_trainer_of_no_songs_cannot_be_made(small_corpus):
    model, songs = build(ModelConfig(hidden_size=3, memory_size=3)), small_corpus.train
    for train, valid in (((), songs), (songs, ())):
        with pytest.raises(TrainingError, match="at least one song"):
            Trainer(model, train, valid, TrainingConfig(), stage="lmn", seed=1)


def test_a_trainer_freezes_and_what_says_the_rates_does_not(small_corpus):
    model, frozen = build(ModelConfig(hidden_size=3, memory_size=3)), TrainingConfig(memory_rate=0)
    learning_weights(model, frozen)
    assert all(weight.requires_grad for weight in model.parameters())
    trainer = Trainer(model, small_corpus.train, small_corpus.valid, frozen, stage="lmn", seed=1)
    still = {name for name, weight in trainer.model.named_parameters() if not weight.requires_grad}
    assert still == {"initial_memory", "network.W_hm", "network.W_mm", "network.b_m"}


def test_songs_too_short_for_the_slowest_memory_are_refused_before_the_training(small_corpus, tmp_path):
    longest = max(map(len, small_corpus.train))
    scales = longest.bit_length() + 1
    asked = config(small_corpus, *BASELINES["ms-lmn"], *SMALL, f"model.scales={scales}", f"training.epochs={scales}")
    with pytest.raises(TrainingError, match=f"the longest song to train on has {longest}: choose fewer scales"):
        Run.start(tmp_path / "run", asked, small_corpus).run()


def test_a_state_of_another_network_is_refused(small_corpus, tmp_path):
    for name in ("gru", "lstm"):
        asked = config(small_corpus, *BASELINES[name], *SMALL, "training.epochs=1")
        Run.start(tmp_path / name, asked, small_corpus).run()
    (tmp_path / "gru" / "state.pt").replace(tmp_path / "lstm" / "state.pt")
    with pytest.raises(CheckpointError, match="does not belong"):
        Run.resume(tmp_path / "lstm", small_corpus).run()


DATA = Path(__file__).parent / "data"  # written by the last version that wrote format 1


def test_a_run_folder_of_format_1_can_be_trained_in(small_corpus, tmp_path):
    shutil.copy(DATA / "format1.toml", tmp_path / "config.toml")
    recipe = read_config(tmp_path).recipe
    assert (recipe.start, recipe.pretraining.ema_decay, recipe.training.ema_decay) == ("laes", 0.3, 0.3)
    assert Run.resume(tmp_path, small_corpus).run()
    assert [line["stage"] for line in metrics_of(tmp_path)] == ["unrolled"] * 2 + ["hand-over"] + ["lmn"] * 2


def test_a_training_of_format_1_is_resumed_to_where_it_would_have_come(small_corpus, tmp_path):
    """Stopped in the middle of the first epoch of the LMN; `format1_last` is of the same training, not stopped."""
    shutil.copy(DATA / "format1.toml", tmp_path / "config.toml")
    (tmp_path / "state.pt").write_bytes(lzma.decompress((DATA / "format1_state.pt.xz").read_bytes()))
    assert Run.resume(tmp_path, small_corpus).run()
    ours, theirs = (
        load_checkpoint(file).model.state_dict()
        for file in (tmp_path / "last.safetensors", DATA / "format1_last.safetensors")
    )
    for name, weight in theirs.items():  # other processors round otherwise; one step moves a weight by up to 0.02
        torch.testing.assert_close(ours[name], weight, rtol=0, atol=1e-3)


def test_a_run_folder_of_a_newer_format_says_so(small_corpus, tmp_path):
    Run.start(tmp_path / "run", config(small_corpus), small_corpus)
    file = tmp_path / "run" / "config.toml"
    file.write_text(file.read_text().replace(f"format_version = {FORMAT}", "format_version = 99"))
    with pytest.raises(CheckpointError, match=r"config\.toml has format 99"):
        read_config(tmp_path / "run")


class Watcher(Silent):
    """Keeps what a training says of what is ahead."""

    def __init__(self):
        self.notes, self.stages = [], []

    def note(self, text):
        self.notes.append(text)

    def begin(self, stages):
        self.stages.append([(stage.name, stage.training.epochs) for stage in stages])


def test_a_training_says_what_is_ahead(small_corpus, tmp_path):
    watcher = Watcher()
    asked = config(small_corpus, "pretraining.epochs=1")
    run = Run.start(tmp_path, asked, small_corpus, reporter=watcher)
    assert watcher.notes == []
    assert not run.run(lambda: len(watcher.notes) == 2)  # until the LMN is under way
    assert watcher.notes[0] == "2 stages: unrolled model, at most 1 epoch; LMN, at most 3 epochs"
    assert watcher.notes[1].startswith("hand-over: a memory of 8 keeps ")
    assert Run.resume(tmp_path, small_corpus, reporter=watcher).run()
    assert watcher.stages == [[("unrolled", 1), ("lmn", 3)], [("lmn", 3)]]


def test_the_files_that_were_left_out_are_listed_in_the_run_folder(small_corpus, tmp_path):
    rejected = (Rejected("a/one.mid", "too short"), Rejected("two.txt", "no music"))
    Run.start(tmp_path / "some", config(small_corpus), replace(small_corpus, rejected=rejected))
    assert (tmp_path / "some" / "left_out.txt").read_text() == "a/one.mid: too short\ntwo.txt: no music\n"
    Run.start(tmp_path / "none", config(small_corpus), small_corpus)
    assert not (tmp_path / "none" / "left_out.txt").exists()


def test_a_recipe_that_no_training_can_follow_is_refused_before_anything_is_written(small_corpus, tmp_path):
    asked = config(small_corpus)
    model = asked.recipe.model.model_copy(update={"network": "nonsense"})
    asked = asked.model_copy(update={"recipe": asked.recipe.model_copy(update={"model": model})})
    with pytest.raises(UsageError, match=r'cannot be "nonsense": choose lmn, gated-lmn, ms-lmn, rnn, gru, lstm$'):
        Run.start(tmp_path / "run", asked, small_corpus)
    assert not (tmp_path / "run").exists()
