"""Every command, as a user types it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import mido
import pytest

from lmn_music.formats import read_score, write_roll
from lmn_music.models.checkpoint import load_checkpoint, shipped_names
from tests.cli.helpers import TINY, WHOLE, command, lmn_music
from tests.helpers import make_roll


@pytest.mark.slow
def test_from_a_folder_of_tunes_to_a_new_one(tunes):
    output = lmn_music("train", tunes, *WHOLE)
    assert "left out: 1 file: 1 unreadable; all of them: " in output
    assert "hand-over: a memory of 8 keeps" in output
    assert "lmn-music evaluate runs/tunes" in output
    assert {path.name for path in Path("runs/tunes").iterdir()} == {
        "config.toml", "left_out.txt", "metrics.jsonl", "best.safetensors", "last.safetensors", "state.pt",
    }  # fmt: skip
    assert "NOT comparable" in lmn_music("evaluate", "runs/tunes")
    output = lmn_music(
        "generate", "--model", "runs/tunes", "--out", "a.mid", "--out", "a.wav", "--out", "a.png", "--out", "a.npz"
    )
    assert "seed " in output
    assert read_score(Path("a.mid"), 2) == read_score(Path("a.npz"), 2)
    assert Path("a.png").stat().st_size > 1000
    assert Path("a.wav").stat().st_size > 1000


def test_a_second_run_gets_a_folder_of_its_own(tunes):
    lmn_music("train", tunes, *TINY)
    assert "runs/tunes-2" in lmn_music("train", tunes, *TINY)
    assert "not empty" in lmn_music("train", tunes, *TINY, "--out", "runs/tunes", code=2)


@pytest.mark.parametrize("init", ["laes", "orthogonal", "random"])
def test_the_memory_starts_as_asked(tunes, init):
    lmn_music("train", tunes, "--start", init, "--out", "run", "--seed", 4, *TINY)
    header = load_checkpoint("run").header
    assert header.recipe["start"] == init
    assert header.seed == 4
    assert header.corpus.name == "tunes"
    assert not header.corpus.comparable


def test_a_finished_run_can_be_resumed(run_folder):
    assert "done" in lmn_music("train", "--resume", run_folder)


def test_evaluation_as_json(run_folder):
    result = json.loads(lmn_music("evaluate", run_folder, "--json", "--split", "valid").splitlines()[-1])
    names = (
        "model corpus provenance split frames songs nll nll_first_frame_excluded accuracy_sampled accuracy_thresholded"
    )
    assert set(names.split()) <= result.keys()
    assert result["split"] == "valid"
    assert result["corpus"] == "tunes"
    assert 0 < result["accuracy_sampled"] < 1


def test_json_is_all_that_is_printed(run_folder):
    json.loads(lmn_music("evaluate", run_folder, "--json"))


def test_several_songs_are_numbered_and_repeat_by_seed(run_folder):
    lmn_music("generate", "--model", run_folder, "--out", "s.mid", "--count", 3, "--seed", 5, "--bars", 2)
    assert sorted(path.name for path in Path().glob("s-*.mid")) == ["s-1.mid", "s-2.mid", "s-3.mid"]
    assert len(read_score(Path("s-1.mid"), 2)) == 16
    lmn_music("generate", "--model", run_folder, "--out", "t.mid", "--seed", 6, "--frames", 16)
    assert Path("t.mid").read_bytes() == Path("s-2.mid").read_bytes()


def test_the_best_songs_are_numbered_by_rank(run_folder):
    arguments = ["generate", "--model", run_folder, "--bars", 2, "--seed", 5, "--count", 4]
    output = lmn_music(*arguments, "--best", 2, "--out", "b.mid")
    assert sorted(path.name for path in Path().glob("b-*.mid")) == ["b-1.mid", "b-2.mid"]
    assert "rank 1 of 4: seed " in output
    assert "shared with a training song" in output
    seed = output.partition("rank 2 of 4: seed ")[2].partition(":")[0]
    lmn_music("generate", "--model", run_folder, "--bars", 2, "--seed", seed, "--out", "again.mid")
    assert Path("again.mid").read_bytes() == Path("b-2.mid").read_bytes()


def test_without_the_songs_of_the_training_the_likelihood_alone_ranks(run_folder, tunes):
    tunes.rename("elsewhere")
    output = lmn_music("generate", "--model", run_folder, "--bars", 2, "--count", 2, "--best", 1, "--out", "b.mid")
    assert "ranked by their likelihood alone" in output
    assert "shared with" not in output
    assert Path("b.mid").is_file()


def test_a_song_continues_one_of_ones_own(run_folder, tunes):
    output = lmn_music("generate", "--model", run_folder, "--out", "s.npz", "--prime", tunes / "3.mid", "--frames", 10)
    assert "33 frames" in output
    assert read_score(Path("s.npz"), 2)[:23] == read_score(tunes / "3.mid", 2)


def test_tempo_and_repeated_notes_reach_the_file(run_folder):
    arguments = ["generate", "--model", run_folder, "--seed", 1, "--tempo", 60]
    lmn_music(*arguments, "--out", "held.mid")
    lmn_music(*arguments, "--out", "struck.mid", "--repeat-notes")
    held, struck = mido.MidiFile("held.mid"), mido.MidiFile("struck.mid")
    assert held.length == pytest.approx(64)  # 16 bars of 4 seconds
    count = [sum(message.type == "note_on" and message.velocity > 0 for message in file) for file in (held, struck)]
    song = read_score(Path("held.mid"), 2)
    assert count == [song.notes, song.frames.sum()]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train"], 2, "name a corpus"),
        (["train", "nonsense"], 2, "nonsense"),
        (["train", "tunes", "--set", "model.size=3"], 2, "unknown key 'model.size'"),
        (["train", "tunes", "--recipe", "nonsense"], 2, "there is no recipe"),
        (["train", "--resume", "tunes"], 1, "not a run folder"),
        (["evaluate", "nonsense"], 1, "there is no model"),
        (["evaluate", "tunes"], 1, "no best.safetensors"),
        (["generate", "--out", "song.ogg"], 2, "song.ogg"),
        (["generate", "--out", "no/song.mid"], 2, "does not exist"),
        (["generate", "--out", "song.mid", "--bars", "2", "--frames", "9"], 2, "not both"),
        (["generate", "--out", "song.mid", "--model", "nonsense"], 1, "there is no model"),
        (["generate", "--out", "song.mid", "--count", "2", "--best", "3"], 2, "raise --count"),
        (["recipes", "nonsense"], 2, "there is no recipe"),
        (["train", ""], 2, "no corpus ''"),
        (["train", "x" * 5000], 2, "no corpus"),
        (["train", "tunes", "--seed", 2**64], 2, "--seed is a whole number from 0 to"),
        (["generate", "--out", "song.mid", "--seed", 2**63 - 2, "--count", 3], 2, "--seed is a whole number from 0 to"),
        (["train", "jsb", "--frames-per-quarter", "4"], 2, "--frames-per-quarter"),
        (["train", "chorales", "--to-c"], 2, "--to-c"),
        # The recipe is wrong, and that is said before the corpus is looked for.
        (["train", "nonsense", "--set", "start=nonsense"], 2, "--set: start"),
        (["train", "nonsense", "--set", "training.epochs=many"], 2, "--set: training.epochs"),
        (["train", "nonsense", "--set", "model=3"], 2, "--set: model is a table, not a value"),
        (["train", "nonsense", "--recipe", "nonsense.toml"], 2, "--recipe: there is no recipe file"),
        (["corpora", "show", "nonsense", "--out", "x.png"], 2, "nonsense"),
        (["corpora", "show", "nonsense", "--out", "roll.txt"], 2, "roll.txt"),
    ],
)
@pytest.mark.usefixtures("tunes")
def test_what_cannot_be_done_is_said_in_one_line(arguments, code, message):
    output = lmn_music(*arguments, code=code)
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert message in line
    assert output.rstrip().endswith(line)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "tunes", "--device", "tpu"], "'--device'"),
        (["train", "tunes", "--start", "nonsense"], "--start: start"),
        (["evaluate", "run", "--split", "dev"], "'--split'"),
    ],
)
def test_choices(arguments, message):
    assert message in lmn_music(*arguments, code=2)


def test_a_bad_prime_is_refused(run_folder, tunes):
    output = lmn_music("generate", "--model", run_folder, "--out", "s.mid", "--prime", tunes / "broken.mid", code=1)
    assert "error: " in output
    assert not Path("s.mid").exists()


def test_recipes_are_shown_and_can_be_used(tunes):
    assert {"lmn", "lmn-nade", "tied"} <= set(lmn_music("recipes").split())
    Path("mine.toml").write_text(lmn_music("recipes", "tied"))
    lmn_music("train", tunes, "--recipe", "mine.toml", *TINY)


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_here")
def test_without_the_benchmark_the_chorales_stand_in_loudly():
    small = ["--recipe", "lmn", "--start", "random", "--epochs", "1", "--set", "model.hidden_size=4"]
    output = lmn_music("train", "jsb", "--out", "run", *small)
    assert "NOT the benchmark" in output
    assert "NOTE: JSB Chorales could not be downloaded (127.0.0.1:9: no connection" in output
    header = load_checkpoint("run").header
    assert (header.corpus.name, header.corpus.source, header.corpus.comparable) == ("chorales", "chorales", False)
    output = lmn_music("evaluate", "run")
    assert "NOT comparable" in output
    assert "Boulanger" not in output
    assert "error" in lmn_music("train", "nottingham", *small, code=1)


@pytest.mark.slow
def test_the_chorales_are_evaluated_beside_the_published_figures(benchmark_folder):
    small = ["--recipe", "lmn", "--start", "random", "--epochs", "1", "--set", "model.hidden_size=4"]
    lmn_music("train", "jsb", "--data", benchmark_folder, "--out", "run", *small)
    output = lmn_music("evaluate", "run", "--data", benchmark_folder)
    assert "NOT comparable" not in output
    assert "unverified" in output
    assert "this model" in output
    # A model of the benchmark on other music is not comparable either.
    assert "NOT comparable" in lmn_music("evaluate", "run", "--corpus", "chorales")


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_models_compose(name):
    lmn_music("generate", "--model", name, "--out", "song.mid", "--bars", 4, "--seed", 1)
    assert read_score(Path("song.mid"), 2).notes > 10
    header = load_checkpoint(name).header
    assert header.command.startswith("lmn-music train ")
    assert header.corpus.comparable


@pytest.mark.slow
def test_as_a_process_and_without_torch():
    """The installed command starts, and its help loads no torch."""
    result = subprocess.run([command(), "--version"], capture_output=True, text=True, check=True)
    assert result.stdout.startswith("lmn-music ")
    script = "import sys; from lmn_music.cli.main import app; print(not {'torch', 'numpy', 'scipy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "True"
    result = subprocess.run([command(), "train", "nonsense"], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr


def test_help_shows_no_types_of_python():
    for arguments in (["report"], ["surprise"], ["corpora", "show"], ["experiment", "run"]):
        assert not re.search(r"<(str|Path|file|list)\b", lmn_music(*arguments, "--help"))


def test_every_command_has_help():
    for arguments in ([], ["train"], ["evaluate"], ["generate"], ["recipes"], ["corpora"], ["corpora", "fetch"]):
        output = lmn_music(*arguments, "--help")
        assert "Usage" in output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["recipes"]])
def test_a_full_disk_is_said_in_one_line(arguments):
    with Path("/dev/full").open("w") as full:
        result = subprocess.run([command(), *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith("error: cannot use the standard output")
    assert len(result.stderr.splitlines()) == 1


def test_a_reader_that_leaves_is_no_error():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        result = subprocess.run([command(), "recipes"], stdout=pipe, stderr=subprocess.PIPE, text=True)
    assert result.stderr == ""


def test_a_song_too_long_to_write_is_refused_before_any_is_drawn(run_folder):
    write_roll(make_roll(99_000, frames_per_quarter=2), Path("long.npz"))
    for arguments, message in (
        (["--frames", 100_001], "100001 frames"),
        (["--frames", 1001, "--prime", "long.npz"], "100001 frames"),
        (["--frames", 20_000, "--out", "s.wav"], "more than an hour"),
    ):
        output = lmn_music("generate", "--model", run_folder, "--out", "s.mid", *arguments, code=1)
        assert message in output
        assert "seed" not in output
    assert not list(Path().glob("s.*"))
