"""A studio at work, in a process of its own."""

import re
import subprocess
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli.helpers import command
from tests.studio.helpers import Client


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Give the folder of the run folders that the studio shows."""
    return tmp_path_factory.mktemp("studio") / "runs"


@pytest.fixture(scope="session")
def address(runs):
    """Give the address that a studio prints."""
    runs.mkdir()
    arguments = [command(), "studio", "--port", "0", "--no-open", "--runs", str(runs)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        try:
            yield re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line)[0]
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=60)
    assert errors in ("", "stopped\n"), "the studio wrote to its terminal"


@pytest.fixture
def client(address):
    """Give a client of the studio."""
    parts = urlsplit(address)
    return Client(f"http://{parts.netloc}", parse_qs(parts.query)["token"][0])
