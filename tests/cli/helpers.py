"""The command itself, in this process or as one of its own."""

import sys
from pathlib import Path

from typer.testing import CliRunner

from lmn_music.cli.main import app

TINY = ["--set", "model.hidden_size=6", "--set", "model.memory_size=8", "--set", "model.window=3"]
TINY += ["--set", "model.output_hidden_size=8", "--set", "pretraining.epochs=1", "--epochs", "2"]
# Without the two last stages, which take longer than all others of so small a training.
TINY += ["--set", "model.copies=false", "--set", "model.own_past=false"]
WHOLE = [*TINY, "--set", "model.copies=true", "--set", "model.own_past=true"]


def lmn_music(*arguments, code=0):
    """Run the command and return what it printed; a traceback fails the test."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result.output


def command():
    return str(Path(sys.executable).with_name("lmn-music"))
