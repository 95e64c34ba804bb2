"""The allocator's switch, in a process of its own, as it can't be taken back."""

import subprocess
import sys

import pytest

# A tensor of a size that glibc would give back, and what the process keeps once it is freed.
CODE = """
import torch
from lmn_music.allocator import keep_freed_memory
{}
def resident():
    return int(open("/proc/self/status").read().partition("VmRSS:")[2].split()[0])
torch.ones(2**26)
before = resident()
torch.ones(2**26)
print(before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told")
def test_freed_memory_is_kept() -> None:
    kept, given_back = (
        int(subprocess.run([sys.executable, "-c", CODE.format(call)], capture_output=True, check=True).stdout)
        for call in ("keep_freed_memory()", "")
    )
    assert kept - given_back > 200_000  # KiB of the 256 MiB
