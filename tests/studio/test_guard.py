"""Who may ask the studio: its own page on this machine, and nobody else."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lmn_music.studio.answers import MOST_BYTES
from lmn_music.studio.words import without_paths
from tests.cli.helpers import lmn_music


def test_the_page_is_there_for_whom_the_address_was_printed(client):
    page = client.ask("/")
    assert "<h1>lmn-music" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "server" not in page.headers
    assert client.ask("/api/about").json()["models"][:4] == ["jsb", "muse", "nottingham", "piano"]


@pytest.mark.parametrize("token", [None, "", "wrong", "ü"])
def test_without_the_token_nothing_is_answered(client, token):
    given = {"X-Studio-Token": None if token is None else token.encode("utf-8")}
    assert "open the whole address" in client.error("/api/about", code=403, headers=given)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "[::1]", ""])
def test_a_name_that_was_made_to_lead_here_is_refused(client, host):
    assert "only at the address" in client.error("/", code=403, headers={"Host": host})


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_is_refused(client, headers):
    assert "only its own page" in client.error("/api/about", code=403, headers=headers)


def test_the_own_page_is_not_refused(client):
    client.ask("/api/about", headers={"Origin": client.host, "Sec-Fetch-Site": "same-origin"})


@pytest.mark.parametrize("path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/%2e%2e%2fserver.py"])
def test_no_other_file_is_given_away(client, path):
    # requests would tidy the path up, so the request is written by hand
    host = urlsplit(client.host)
    with socket.create_connection((host.hostname, host.port), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host.netloc}\r\nConnection: close\r\n\r\n".encode())
        assert b" 404 " in connection.makefile("rb").readline()


def test_a_request_is_bounded(client):
    assert "20 MB" in client.error("/api/read?name=a.mid", b"M" * (MOST_BYTES + 1), code=413)

    def endless():
        for _ in range(100):
            yield b"M" * 1_000_000

    answer = client.session.post(
        client.host + "/api/read?name=a.mid", data=endless(), headers=client.headers, timeout=60
    )
    assert answer.status_code == 413  # also without a Content-Length


def test_the_studio_is_bound_to_this_machine_alone(client):
    port = urlsplit(client.host).port
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in addresses - {"127.0.0.1"}:
        with socket.socket() as connection:
            connection.settimeout(2)
            assert connection.connect_ex((address, port)) != 0


def test_a_port_in_use_is_named(client):
    port = urlsplit(client.host).port
    assert f"--port {port} is in use" in lmn_music("studio", "--port", port, "--no-open", code=2)


def test_words_have_no_paths():
    assert without_paths(f"{Path.home()}/runs/mine/a.mid: the file is empty") == "a.mid: the file is empty"
    assert without_paths("cannot read C:\\Users\\me\\tune.mid") == "cannot read tune.mid"
    assert without_paths("3/4 and 6/8, quarter/eighth, https") == "3/4 and 6/8, quarter/eighth, https"
