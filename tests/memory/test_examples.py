"""The examples in the docstrings of the memories."""

import doctest
import importlib
from pathlib import Path

import pytest

from lmn_music import memory

FILES = sorted(Path(memory.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("module", [file.stem for file in FILES if ">>>" in file.read_text()])
def test_examples(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"lmn_music.memory.{module}"))
    assert result.attempted
    assert not result.failed
