"""Every program of the tutorial runs, one after the other, and prints what the page shows under it."""

import contextlib
import io
import re
from pathlib import Path

import pytest
import torch

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "tutorial.md").read_text()
# A program and, where it prints something, its output right below.
PROGRAMS = re.findall(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", PAGE, re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"\d+(?:\.\d*)?")


def agree(shown, printed, units=0):
    """Whether the texts are the same but for spaces, and their numbers up to so many units of the last digit shown."""
    shown, printed = " ".join(shown.split()), " ".join(printed.split())
    if NUMBER.sub("#", shown) != NUMBER.sub("#", printed):
        return False
    for number, other in zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True):
        last_digit = 10.0 ** -len(number.partition(".")[2])
        if abs(float(number) - float(other)) > (units + 1e-6) * last_digit:
            return False
    return True


@pytest.mark.parametrize(
    ("shown", "printed", "units", "same"),
    [
        ("loss 0.57, right 74%", "loss  0.57, right 74%\n", 0, True),
        ("loss 0.57, right 74%", "loss 0.58, right 73%", 1, True),
        ("loss 0.57, right 74%", "loss 0.58, right 74%", 0, False),
        ("loss 0.57, right 74%", "loss 0.59, right 74%", 1, False),
        ("loss 0.57", "loss -0.57", 1, False),
        ("banana", "bandana", 1, False),
        ("1.0 0.9", "1.0", 1, False),
        ("", "printed all the same", 1, False),
    ],
)
def test_agreement(shown, printed, units, same):
    assert agree(shown, printed, units) == same


def test_every_block_is_a_program_or_an_output():
    outputs = [output for _, output in PROGRAMS if output]
    assert len(re.findall("^```", PAGE, re.MULTILINE)) == 2 * (len(PROGRAMS) + len(outputs))
    assert len(PROGRAMS) >= 6


@pytest.mark.slow
def test_programs():
    namespace = {}
    with torch.random.fork_rng():
        for number, (program, shown) in enumerate(PROGRAMS, 1):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(program, f"docs/tutorial.md, block {number}", "exec"), namespace)  # noqa: S102
            # Another machine rounds otherwise, and a training makes more of that.
            units = 3 if "train" in namespace else 0
            assert agree(shown, printed.getvalue(), units), (
                f"block {number} of docs/tutorial.md shows\n{shown}\nand prints\n{printed.getvalue()}"
            )
