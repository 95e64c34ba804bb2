"""A client of the studio that speaks HTTP, and pieces as it sends them."""

import json
import re
import uuid

import requests

from lmn_music import api
from lmn_music.studio.documents import PieceData, data_of


class Client:
    """Asks a studio as its page does; each has a name of its own."""

    def __init__(self, host, token):
        self.host = host
        self.headers = {"X-Studio-Token": token, "X-Studio-Client": uuid.uuid4().hex}
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy between this machine and itself

    def ask(self, path, data=None, *, code=200, headers=None, stream=False):
        """Return the answer to GET, or to POST if there are data: bytes as they are, anything else as JSON."""
        kind = {"data": data} if isinstance(data, bytes) else {"json": data}
        method = "GET" if data is None else "POST"
        given = {name: text for name, text in (self.headers | (headers or {})).items() if text is not None}
        answer = self.session.request(method, self.host + path, headers=given, stream=stream, timeout=60, **kind)
        assert answer.status_code == code, answer.text
        return answer

    def error(self, path, data=None, *, code=400, headers=None):
        """Return the words of an error; a path of this machine in them fails."""
        words = self.ask(path, data, code=code, headers=headers).json()["error"]
        assert not re.search(r"[/\\]\w+[/\\]", words), words
        return words

    def lines(self, path, data):
        """Yield the lines of an answer that grows."""
        with self.ask(path, data, stream=True) as answer:
            for line in answer.iter_lines():
                if line:
                    yield json.loads(line)


def tune(name="old-hundredth"):
    """Return a tune as JSON."""
    return data_of(api.sample_tune(name))["piece"]


def piece_of(song):
    """Return the piece in an answer."""
    return PieceData.model_validate(song["piece"]).piece()
