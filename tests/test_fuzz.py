"""The inputs that the fuzzer has found to reach the most, read again: no exception but ours, in bounded time."""

import time

import pytest

from tests.fuzz.targets import TARGETS, load

SECONDS = 2


@pytest.mark.parametrize("name", TARGETS)
def test_no_reader_is_surprised(name):
    target = TARGETS[name]
    target.prepare()
    inputs = load(name)
    assert inputs, "python benchmarks/fuzz.py run"
    for data in inputs:
        began = time.process_time()
        target(data)
        assert time.process_time() - began < SECONDS
