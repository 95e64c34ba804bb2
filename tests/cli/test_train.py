"""Which corpus a run is trained on and goes on with, and what it shows meanwhile."""

import io
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from lmn_music.cli.progress import TrainingDisplay, counting
from lmn_music.formats import write_roll
from lmn_music.models.build import NETWORKS
from lmn_music.models.checkpoint import load_checkpoint
from lmn_music.training.progress import StageProgress
from lmn_music.training.recipe import load_recipe
from lmn_music.training.stages import FAMILIES, stages_of
from tests.cli.helpers import TINY, lmn_music
from tests.helpers import make_roll


@pytest.mark.parametrize("name", ["chorales", "jsb"])
def test_a_folder_that_is_called_like_a_corpus_is_a_folder(tunes, name):
    tunes.rename(name)
    lmn_music("train", f"./{name}", "--out", "run", *TINY)
    header = load_checkpoint("run").header
    assert header.corpus.source == str(Path(name).resolve())
    changes = [option for option in TINY if "=" in option]
    folder = load_recipe("tied", [*changes, "training.epochs=2"])
    assert header.recipe == folder.model_dump(mode="json")


def test_a_run_is_resumed_from_elsewhere(run_folder, monkeypatch):
    Path("away").mkdir()
    monkeypatch.chdir("away")
    assert "done" in lmn_music("train", "--resume", Path("..") / run_folder)
    assert "nats per frame" in lmn_music("evaluate", Path("..") / run_folder)


def test_a_folder_that_has_moved_is_named_anew(run_folder, tunes):
    tunes.rename("moved")
    assert "lmn-music train FOLDER --resume run" in lmn_music("train", "--resume", run_folder, code=2)
    assert "done" in lmn_music("train", "moved", "--resume", run_folder)
    assert "--corpus" in lmn_music("evaluate", run_folder, code=2)
    assert "nats per frame" in lmn_music("evaluate", run_folder, "--corpus", "moved")
    Path("moved/3.mid").unlink()
    assert "another" in lmn_music("train", "moved", "--resume", run_folder, code=2)


@pytest.mark.parametrize(
    "option",
    [
        "--epochs 3",
        "--seed 0",
        "--start laes",
        "--set start=laes",
        "--recipe tied",
        "--out new",
        "--frames-per-quarter 2",
        "--to-c",
    ],
)
def test_resuming_takes_no_options_that_it_would_ignore(option):
    option = option.split()
    assert f"leave out {option[0]}" in lmn_music("train", "--resume", "run", *option, code=2)


@pytest.mark.usefixtures("nothing_here")
def test_resuming_takes_no_stand_in(run_folder):
    config = run_folder / "config.toml"
    lines = config.read_text().splitlines()
    lines = ['source = "jsb"' if line.startswith("source = ") else line for line in lines]
    config.write_text("\n".join(lines))
    output = lmn_music("train", "--resume", run_folder, code=1)
    assert "NOTE" not in output
    assert "JSB Chorales could not be downloaded" in output


def test_names_that_are_no_text_are_shown_and_stored_with_question_marks(tunes):
    odd = os.fsdecode(b"t\xffnes")
    tunes.rename(odd)
    (Path(odd) / os.fsdecode(b"\xfe.txt")).touch()
    output = lmn_music("train", odd, "--out", "run", "--verbose", *TINY)
    assert "left out: ?.txt" in output
    assert load_checkpoint("run").header.corpus.name == "t?nes"
    assert "done" in lmn_music("train", odd, "--resume", "run")


def test_files_left_out_are_counted_by_reason_or_named(tunes):
    for number in range(3):
        write_roll(make_roll(3 + number, frames_per_quarter=2), tunes / f"short{number}.mid")
    write_roll(make_roll(20, frames_per_quarter=2), tunes / "again.mid")
    (line,) = [line for line in lmn_music("train", tunes, *TINY).splitlines() if "left out" in line]
    assert line.startswith("left out: 5 files: 3 too short, 1 same music as another file, 1 unreadable; all of them: ")
    assert line.endswith("runs/tunes/left_out.txt or --verbose")
    assert "short0.mid: too short (3 frames, fewer than 16)" in Path("runs/tunes/left_out.txt").read_text()
    lines = [line for line in lmn_music("train", tunes, "--verbose", *TINY).splitlines() if "left out" in line]
    assert len(lines) == 5
    assert "left out: short0.mid: too short (3 frames, fewer than 16)" in lines


def terminal():
    return Console(file=io.StringIO(), force_terminal=True, width=80, highlight=False)


def test_the_live_line_fits_and_shows_only_what_there_is():
    console = terminal()
    display = TrainingDisplay(console)
    display.batch("unrolled", StageProgress(batch=1, nll_sum=12.5, frames=1), 1234, 200)
    assert "inf" not in str(display._live.renderable)
    progress = StageProgress(epoch=198, batch=1233, nll_sum=12.5, frames=1, best_valid=12.345, best_epoch=190)
    display.batch("unrolled", progress, 1234, 200)
    assert "best 12.345, at most 0:00 left" in str(display._live.renderable)
    lines = console.render_lines(display._live.renderable)
    assert len(lines) == 1


def test_the_time_left_is_shown_on_a_terminal_only(monkeypatch):
    for is_terminal in (True, False):
        error = io.StringIO()
        error.isatty = lambda is_terminal=is_terminal: is_terminal
        monkeypatch.setattr("sys.stderr", error)
        with counting("reading", "files") as progress:
            assert error.getvalue() == ""
            progress(1, 2)
            progress(2, 2)
        assert ("reading:   0%" in error.getvalue()) is is_terminal


def test_the_time_left_counts_all_stages(monkeypatch):
    seconds = iter([0.0, 10.0, 20.0, 25.0])  # ten for an epoch of the unrolled model, five for one of the LMN
    monkeypatch.setattr("lmn_music.cli.progress.time", SimpleNamespace(monotonic=lambda: next(seconds)))
    display = TrainingDisplay(terminal())
    display.begin(stages_of(load_recipe("tied", ["pretraining.epochs=3", "training.epochs=7"])))
    shown = []
    for stage, epochs in (("unrolled", 3), ("lmn", 7)):
        for epoch in (0, 1):
            display.batch(stage, StageProgress(epoch=epoch, nll_sum=12.5, frames=1), 1, epochs)
        shown.append(str(display._live.renderable))
    assert shown[0].startswith("unrolled model 2/3")
    assert shown[0].endswith(", about 1:30 left")  # two epochs of this stage, and seven of the next
    assert shown[1].startswith("LMN 2/7")
    assert shown[1].endswith(", about 0:30 left")  # the stages that end a training have no epochs


def test_a_folder_may_be_called_like_markup():
    console = terminal()
    with TrainingDisplay(console) as display:
        display.note("run folder br/[/bold]x")
    assert "br/[/bold]x" in console.file.getvalue()


@pytest.mark.parametrize(
    "baseline", ["lmn-a", "gated-lmn", "lmn-legendre-frozen", "rnn", "rnn-laes", "gru", "lstm", "ms-lmn"]
)
def test_every_baseline_trains_evaluates_resumes_and_generates(baseline, tunes):
    scales = ["--set", "model.scales=2"] if baseline == "ms-lmn" else []
    lmn_music("train", tunes, "--baseline", baseline, "--out", "run", *TINY, *scales)
    assert "done" in lmn_music("train", "--resume", "run")
    assert "nats per frame" in lmn_music("evaluate", "run")
    lmn_music("generate", "--model", "run", "--bars", "2", "--seed", "1", "--out", "song.mid")
    assert Path("song.mid").is_file()


def test_the_help_names_every_start():
    text = lmn_music("train", "--help")
    for name, family in FAMILIES.items():
        assert all(start in text for start in (*family.starts, *NETWORKS[name].starts))


def test_a_baseline_that_does_not_exist_or_does_not_fit(tunes):
    assert "choose lmn-a, lmn-b, gated-lmn" in lmn_music("train", tunes, "--baseline", "transformer", code=2)
    assert 'start "magic" is not for network "lmn": choose laes, orth' in lmn_music(
        "train", tunes, "--start", "magic", code=2
    )
    assert "leave out --start" in lmn_music("train", tunes, "--baseline", "gru", "--start", "laes", code=2)
    fault = lmn_music("train", tunes, "--recipe", "lmn", "--set", "model.network=gru", "--start", "delay", code=2)
    assert 'error: --set: start "delay" is not for network "gru"' in fault
    fault = lmn_music("train", tunes, "--recipe", "lmn", "--baseline", "ms-lmn", "--epochs", "2", code=2)
    assert "error: --epochs: training.epochs must be at least model.scales" in fault
    fault = lmn_music("train", tunes, "--set", "training.epochs=3", "--baseline", "rnn", "--start", "delay", code=2)
    assert "leave out --start" in fault
    fault = lmn_music("train", tunes, "--recipe", "tied", "--set", "seed=3", "--start", "delay", code=2)
    assert "error: --set: unknown key 'seed'" in fault
    values = ("--set", "model.network=rnn", "--set", "start=random", "--start", "delay")
    fault = lmn_music("train", tunes, "--recipe", "lmn", *values, code=2)
    assert 'error: --start: start "delay" is not for network "rnn"' in fault
