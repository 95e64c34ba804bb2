"""A sample of what `make soak` does a thousand times."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).resolve().parent.parent / "benchmarks" / "soak.py"


@pytest.mark.slow
def test_twenty_kills_change_nothing(tmp_path):
    arguments = [sys.executable, str(SOAK), "run", "--kills", "20", "--out", str(tmp_path / "soak.json")]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    counts = json.loads((tmp_path / "soak.json").read_text())
    assert sum(each["kills"] for each in counts.values()) >= 20
    assert all(each["resumed"] for each in counts.values())
