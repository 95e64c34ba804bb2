"""A process that does what it is asked for: it sums, takes time, takes memory, or ends."""

import time
from typing import Any

from lmn_music.errors import ScoreError
from lmn_music.formats.bounded import serve


def answer(request: list[Any]) -> Any:
    what, number = request
    if what == "work":
        start = time.process_time()
        while time.process_time() - start < number:
            pass
    if what == "take":
        return len(bytearray(number))
    if what == "refuse":
        raise ScoreError("no more", "refused")
    if what == "end":
        raise SystemExit
    return number


if __name__ == "__main__":
    serve(answer)
