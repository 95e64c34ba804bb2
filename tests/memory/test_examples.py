"""The examples in the docstrings of the memories."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("module", ["capacity", "history", "laes"])
def test_examples(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"lmn_music.memory.{module}"))
    assert result.attempted
    assert not result.failed
