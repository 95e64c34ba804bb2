"""A training in a world that fails: no room, a folder that moves, two at once, files that somebody has damaged."""

import io
import os
import shutil
import threading
import zipfile

import pytest
import torch

from lmn_music.corpora.corpus import Corpus, content_sha256
from lmn_music.errors import CheckpointError, LmnMusicError, UsageError, WritingError
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.training.folder import free_folder, make_folder, read_config
from lmn_music.training.recipe import parse_recipe, parse_toml
from lmn_music.training.run import Run
from tests.helpers import no_file_above
from tests.training.helpers import config


def weights(folder):
    return load_checkpoint(folder).model.state_dict()


@pytest.fixture(scope="module")
def whole(small_corpus, tmp_path_factory):
    """Give the folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert Run.start(folder, config(small_corpus), small_corpus).run()
    return folder


def assert_as_if_nothing_had_been(folder, whole):
    ours, theirs = weights(folder), weights(whole)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert {path.name for path in folder.iterdir()} == {path.name for path in whole.iterdir()}


@pytest.mark.parametrize("limit", [0, 300, 10_000, 40_000])
def test_without_room_a_training_stops_with_one_line_and_resumes(limit, small_corpus, tmp_path, whole):
    """Nothing can be written; or the figures of one epoch; or all but the model; or all but the state."""
    run = Run.start(tmp_path, config(small_corpus), small_corpus)
    with no_file_above(limit), pytest.raises(WritingError) as error:
        run.run()
    assert str(error.value).startswith(f"cannot write {tmp_path}/")
    assert str(error.value).endswith(f"(File too large): mend this, then `resume` {tmp_path}")
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".tmp"]
    assert Run.resume(tmp_path, small_corpus).run()
    assert_as_if_nothing_had_been(tmp_path, whole)


def test_a_folder_that_moves_while_a_training_is_at_work_stops_it(small_corpus, tmp_path, whole):
    run = Run.start(tmp_path / "here", config(small_corpus), small_corpus)
    batches = 0

    def move():
        nonlocal batches
        batches += 1
        if batches == 4:
            (tmp_path / "here").rename(tmp_path / "there")
        return False

    with pytest.raises(WritingError, match=r"No such file or directory\): mend this, then `resume`"):
        run.run(move)
    assert Run.resume(tmp_path / "there", small_corpus).run()
    assert_as_if_nothing_had_been(tmp_path / "there", whole)


def test_of_trainings_that_begin_at_once_in_one_folder_one_has_it(small_corpus, tmp_path):
    """Whatever is in the folder is the winner's."""
    for number in range(10):
        folder, won, lost = tmp_path / str(number), [], []
        gate = threading.Barrier(4)

        def begin(seed, folder=folder, won=won, lost=lost, gate=gate):
            gate.wait()
            try:
                make_folder(folder, config(small_corpus, seed=seed), [])
            except LmnMusicError as error:
                lost.append(str(error))
            else:
                won.append(seed)

        threads = [threading.Thread(target=begin, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won == [read_config(folder).seed]
        assert [path.name for path in folder.iterdir()] == ["config.toml"]
        assert all("at work" in message or "not empty" in message for message in lost), lost


def test_trainings_without_a_folder_of_their_own_never_get_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [str(free_folder("jsb")) for _ in range(3)] == ["runs/jsb", "runs/jsb-2", "runs/jsb-3"]
    shutil.rmtree("runs")
    (tmp_path / "runs").touch()
    with pytest.raises(UsageError, match="runs/jsb cannot be made"):
        free_folder("jsb")


def test_a_training_that_was_killed_before_it_wrote_anything_can_be_started_again(small_corpus, tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / ".lmn-music-0123.tmp").write_text("seed = ")
    make_folder(tmp_path, config(small_corpus), [])
    assert (tmp_path / "config.toml").is_file()


# --- what somebody has done to the files of a run folder


@pytest.fixture
def damaged(small_corpus, tmp_path, whole):
    """Give a copy of a run folder to damage, and a function that resumes it and returns the one error."""
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)

    def resume():
        with pytest.raises(CheckpointError) as error:
            Run.resume(folder, small_corpus).run()
        assert len(str(error.value).splitlines()) == 1
        return str(error.value)

    return folder, resume


def changed(folder, change):
    """Change the stored state, and store it."""
    state = torch.load(folder / "state.pt", weights_only=True)
    change(state)
    torch.save(state, folder / "state.pt")


def put(value, *path):
    def change(state):
        *tables, last = path
        for table in tables:
            state = state[table]
        if value is None:
            del state[last]
        else:
            state[last] = value

    return change


PROGRESS = ("trainer", "progress")
OPTIMIZER = ("trainer", "optimizer")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put(None, "stage"), "damaged"),
        (put("nonsense", "stage"), "its stage is none of the recipe's"),
        (put([], "stage"), "damaged"),
        (put(-1, "metrics_lines"), "damaged"),
        (put(None, "trainer", "model"), "model"),
        (put(None, "trainer", "optimizer"), "optimizer"),
        (put(None, "trainer", "average"), "average"),
        (put([], "trainer", "best"), "there are no weights"),
        (put(7, "trainer", "model"), "does not belong"),
        (put(torch.zeros(3), "trainer", "model", "readout.bias"), "readout.bias has the shape"),
        (put(torch.zeros(88, dtype=torch.int64), "trainer", "best", "readout.bias"), "has the type torch.int64"),
        (put(torch.full((88,), torch.nan), "trainer", "best", "readout.bias"), "readout.bias is not finite"),
        (put(torch.full((88,), torch.inf), "trainer", "model", "readout.bias"), "readout.bias is not finite"),
        (put(torch.zeros(1).expand(88), "trainer", "average", "module.nothing"), "there is no weight module.nothing"),
        (put(torch.zeros(88).to_sparse(), "trainer", "model", "readout.bias"), "no tensor"),
        (put({}, *PROGRESS), "is missing"),
        (put(None, *PROGRESS, "epoch"), "epoch is missing"),
        (put("often", *PROGRESS, "epoch"), "epoch"),
        (put(-3, *PROGRESS, "epoch"), "epoch"),
        (put(10**30, *PROGRESS, "batch"), "batch"),
        (put(3, *PROGRESS, "batch"), "3 batches cannot have 0 frames"),
        (put(float("nan"), *PROGRESS, "best_valid"), "best_valid"),
        (put(-1.0, *PROGRESS, "seconds"), "seconds"),
        (put(1e300, *PROGRESS, "learning_rate"), "learning_rate"),
        (put(1, *PROGRESS, "colour"), "colour"),
        (put([], *OPTIMIZER, "param_groups"), "does not belong"),
        (put(float("inf"), *OPTIMIZER, "param_groups", 0, "lr"), "the learning rate inf cannot be"),
        (put("fast", *OPTIMIZER, "param_groups", 0, "lr"), "the learning rate fast cannot be"),
        (put({}, *OPTIMIZER, "state", 99), "moments of no weight"),
        (put(torch.zeros(2, 2), *OPTIMIZER, "state", 0, "exp_avg"), "exp_avg has the shape"),
        (put(None, *OPTIMIZER, "state", 0, "step"), "step is missing"),
        (put(torch.tensor(torch.nan), *OPTIMIZER, "state", 0, "step"), "step is not finite"),
    ],
)
def test_a_state_with_absurd_values_is_refused(change, message, damaged):
    folder, resume = damaged
    changed(folder, change)
    error = resume()
    assert "state.pt" in error
    assert message in error


def test_what_the_optimiser_says_besides_its_moments_and_rates_is_not_believed(small_corpus, damaged, whole):
    folder, _ = damaged
    changed(folder, put("yes", *OPTIMIZER, "param_groups", 0, "amsgrad"))
    changed(folder, put(1e9, *OPTIMIZER, "param_groups", 0, "weight_decay"))
    assert Run.resume(folder, small_corpus).run()
    assert_as_if_nothing_had_been(folder, whole)


def test_a_state_that_claims_more_than_it_has_is_refused_before_room_is_made(damaged):
    folder, resume = damaged
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(50_000_000))
    (folder / "state.pt").write_bytes(packed.getvalue())
    assert len(packed.getvalue()) < 100_000
    assert "state.pt is damaged" in resume()


def test_a_state_that_runs_code_is_refused(damaged, tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "hacked"),)

    folder, resume = damaged
    torch.save({"stage": "lmn", "metrics_lines": 0, "trainer": Hostile()}, folder / "state.pt")
    assert "state.pt is damaged" in resume()
    assert not (tmp_path / "hacked").exists()


def test_a_recipe_too_large_for_the_state_is_refused_before_a_model_is_made(damaged):
    folder, resume = damaged
    text = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(text.replace("memory_size = 8", "memory_size = 65536"))  # 17 GB
    assert "has the shape" in resume()


@pytest.mark.parametrize("name", ["config.toml", "state.pt", "metrics.jsonl"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "socket of bytes"])
def test_what_is_no_file_is_refused_and_nothing_waits_for_it(name, kind, damaged):
    folder, resume = damaged
    (folder / name).unlink()
    if kind == "pipe":
        os.mkfifo(folder / name)
    elif kind == "folder":
        (folder / name).mkdir()
    else:
        (folder / name).symlink_to("/dev/zero")
    assert name in resume() or name == "config.toml"


def test_a_log_that_is_no_text_is_nobodys_concern(small_corpus, damaged, whole):
    folder, _ = damaged
    log = (folder / "metrics.jsonl").read_bytes()
    (folder / "metrics.jsonl").write_bytes(b"\xff\xfe" + log)
    assert Run.resume(folder, small_corpus).run()
    assert (folder / "metrics.jsonl").read_bytes() == b"\xff\xfe" + log
    assert_as_if_nothing_had_been(folder, whole)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = 5", f"seed = {10**30}", "seed"),
        ("seed = 5", "seed = -1", "seed"),
        ("seed = 5", f"seed = {'9' * 5000}", "damaged"),
        ("seed = 5", f"seed = {'[' * 5000}{']' * 5000}", "too many tables or lists in one another"),
        ("frames_per_quarter = 1", "frames_per_quarter = 0", "frames_per_quarter"),
        ("hidden_size = 6", "hidden_size = 66666", "hidden_size"),
        ("epochs = 3", f"epochs = {10**400}", "epochs"),
        ("learning_rate = 0.002", "learning_rate = nan", "learning_rate"),
        ("metre = []", f"metre = [{'2, ' * 100}]", "metre"),
        ("seed = 5", "seed = 5\ncolour = '\x00'", "damaged"),
        ("seed = 5", "seed = 5\n# " + "x" * 1_000_000, "config.toml"),
    ],
)
def test_a_configuration_with_absurd_values_is_refused(old, new, message, damaged):
    folder, resume = damaged
    text = (folder / "config.toml").read_text()
    assert old in text
    (folder / "config.toml").write_text(text.replace(old, new))
    error = resume()
    assert message in error
    assert len(error) < 600


def test_a_change_of_a_recipe_may_be_any_text():
    for value in ("9" * 5000, "[" * 5000, "{a=" * 5000, "\x00", '"""', "1e999"):
        with pytest.raises(UsageError, match=r"training\.epochs"):
            parse_recipe("", [f"training.epochs={value}"])
    with pytest.raises(ValueError, match="too many tables"):
        parse_toml("a=" + "[" * 5000)


def test_a_song_of_silence_is_a_corpus(small_corpus, tmp_path):
    """Kept here because a corpus_info without a mean top key is stored and read."""
    silent = small_corpus.train[0].__class__(small_corpus.train[0].frames & False, 1)
    corpus = Corpus("silence", (silent,), (silent,), (silent,), 1, "", content_sha256([silent]), False, "", "")
    make_folder(tmp_path / "run", config(corpus), [])
    assert read_config(tmp_path / "run").corpus.mean_top_key is None
