"""Whatever ends a command, it is said in one line at most, and a training resumes: real processes, real signals."""

import os
import re
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from lmn_music.cli.printing import say
from lmn_music.formats import write_roll
from lmn_music.models.checkpoint import load_checkpoint
from tests.cli.helpers import TINY, command, lmn_music
from tests.helpers import make_roll, no_file_above

SMALL = [*TINY, "--epochs", "12", "--set", "training.stop=12", "--seed", "3"]
ENVIRONMENT = os.environ | {"PYTHONUNBUFFERED": "1"}
RESUME = "continue with:  lmn-music train --resume run"


@pytest.fixture(autouse=True)
def signals_as_in_a_terminal():
    """Under nohup a process, and what it starts, would not notice SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Give a folder of tunes."""
    folder = tmp_path_factory.mktemp("songs")
    for seed in range(12):
        write_roll(make_roll(20 + seed, seed, frames_per_quarter=2), folder / f"{seed}.mid")
    return folder


@pytest.fixture(scope="module")
def whole(songs, tmp_path_factory):
    """Give the run folder of a training that nothing disturbed."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    lmn_music("train", songs, "--out", folder, *SMALL)
    return folder


def train_and(send, songs, when="LMN epoch   2", **options):
    """Train in a process of its own, and do something to it after a line; return the process, and what it printed."""
    arguments = [command(), "train", str(songs), "--out", "run", *SMALL]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": ENVIRONMENT}
    with subprocess.Popen(arguments, **pipes | options) as process:
        printed = ""
        for line in process.stdout:
            printed += line
            if when in line:
                send(process)
                break
        rest, errors = process.communicate() if not process.stdout.closed else ("", process.stderr.read())
    return process, printed + (rest or ""), errors


def assert_resumes_to(whole):
    lmn_music("train", "--resume", "run")
    ours, theirs = (load_checkpoint(folder) for folder in ("run", whole))
    assert ours.header.figures["valid_nll"] == theirs.header.figures["valid_nll"]
    assert {path.name for path in Path("run").iterdir()} == {path.name for path in whole.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_training_that_is_asked_to_end_saves_and_says_how_to_resume(number, songs, whole):
    process, printed, errors = train_and(lambda process: process.send_signal(number), songs)
    assert errors == "stopping after this batch ...\n"
    assert printed.splitlines()[-1] == f"stopped and saved; {RESUME}"
    assert process.returncode == 128 + number
    assert_resumes_to(whole)


@pytest.mark.slow
def test_a_second_ctrl_c_ends_a_training_at_once(songs, whole):
    def twice(process):
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == "stopping after this batch ...\n"
        process.send_signal(signal.SIGINT)

    process, printed, errors = train_and(twice, songs)
    assert "Traceback" not in errors
    assert process.returncode == 130
    assert f"stopped at once, and what was saved before is kept; {RESUME}\n" == errors or RESUME in printed
    assert_resumes_to(whole)


@pytest.mark.slow
def test_a_training_whose_reader_has_left_saves_and_stops(songs, whole):
    process, _, errors = train_and(lambda process: process.stdout.close(), songs)
    assert process.returncode == 1
    assert errors == f"stopped and saved; {RESUME}\n"
    assert_resumes_to(whole)


@pytest.mark.slow
def test_nohup_and_a_closed_output_disturb_nobody(songs, whole):
    def nohup():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    script = f"exec {command()} train {songs} --out run {' '.join(SMALL)} >&- 2>&-"
    with subprocess.Popen(["/bin/sh", "-c", script], preexec_fn=nohup) as process:
        while process.poll() is None:
            process.send_signal(signal.SIGHUP)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
    assert process.returncode == 0
    assert_resumes_to(whole)


@pytest.mark.slow
def test_a_training_without_room_is_said_in_one_line(songs, whole):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    arguments = [command(), "train", str(songs), "--out", "run", *SMALL]
    done = subprocess.run(arguments, capture_output=True, text=True, preexec_fn=limit)
    assert done.returncode == 1
    assert re.fullmatch(
        r"error: cannot write run/\S+ \(File too large\): mend this, then --resume run\n", done.stderr
    ), done.stderr
    assert_resumes_to(whole)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_composing_is_ended_in_one_line_and_whole_songs_stay(number, whole):
    arguments = [command(), "generate", "--model", str(whole), "--out", "s.mid", "--count", "999", "--bars", "2"]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        for line in process.stdout:
            if "wrote s-003.mid" in line:
                process.send_signal(number)
        errors = process.stderr.read()
    assert process.returncode == 128 + number
    assert errors == "stopped\n"
    assert not list(Path().glob(".*"))
    assert len(list(Path().glob("s-*.mid"))) >= 3


@pytest.mark.slow
def test_ctrl_c_while_the_program_is_being_read_shows_no_traceback():
    script = "import sys; sys.argv = ['lmn-music', 'recipes']; sys.meta_path.insert(0, type('Slow', (), {'find_spec': "
    script += "lambda self, name, *more: signal.raise_signal(2) if name == 'typer' else None})()); "
    script = f"import signal; {script}from lmn_music.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_signals_go_back_to_who_had_them():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    lmn_music("--version")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


@pytest.mark.slow
def test_a_working_folder_that_is_gone_is_said_in_one_line():
    Path("gone").mkdir()
    script = f"cd gone && rmdir ../gone && exec {command()} generate --out /tmp/s.mid"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: the working folder is not there any more: change to another folder\n"


def test_too_little_memory_is_said_in_one_line(songs):
    """What torch says of 10^15 bytes, and of a recipe that a machine cannot hold."""
    changes = ["--set", "model.hidden_size=65536", "--set", "model.memory_size=65536"]
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**31, before[1]))
    try:
        printed = lmn_music("train", songs, "--recipe", "lmn", "--start", "random", *changes, code=1)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert printed.splitlines()[-1] == (
        "error: there is not enough memory: choose a smaller model, fewer songs or fewer frames"
    )


def test_no_name_of_a_file_reaches_the_terminal_raw(songs, capsys):
    odd = Path("\x1b[31mred\x1b[0m")
    odd.mkdir()
    for song in songs.iterdir():
        (odd / song.name).write_bytes(song.read_bytes())
    (odd / "\x1b]0;title\x07.txt").touch()
    output = lmn_music("train", odd, "--out", "run", "--verbose", *TINY)
    output += lmn_music("report", odd / "3.mid", "--model", "run")
    output += lmn_music("evaluate", odd / "nothing", code=1)
    output += lmn_music("generate", "--model", "run", "--bars", "1", "--out", "\x1b[2J.mid")
    assert "?[31mred?[0m" in output
    assert "\x1b" not in output
    assert "\x07" not in output
    say("a\x1b\nb")
    assert capsys.readouterr().out == "a?\nb\n"


def test_a_song_for_which_there_is_no_room_leaves_nothing_behind(whole):
    with no_file_above(20):
        printed = lmn_music("generate", "--model", whole, "--bars", "2", "--out", "song.mid", code=1)
    assert "error: cannot write song.mid (File too large): choose another place" in printed
    assert not [path for path in Path().iterdir() if "song" in path.name or path.name.startswith(".")]
