"""The measurements for a GPU, of which a machine without one can only say that they run."""

import ast
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "speed" / "gpu.py"


def test_the_script_runs_without_a_gpu_on_tiny_shapes() -> None:
    command = [sys.executable, str(SCRIPT), "--device", "cpu", "--smoke"]
    found = ast.literal_eval(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found["layers"][0]["lmn / lstm"] > 0
    assert [row["precision"] for row in found["training"]] == ["float32", "bf16"]
    assert all(row["frames_per_second"] > 0 for row in found["training"])
