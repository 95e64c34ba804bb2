"""What the page says of an error: plain words, without a path of this machine."""

from __future__ import annotations

import re

from pydantic import ValidationError

_PATH = re.compile(r"(?<![\w.:/])(?:[A-Za-z]:)?(?:[/\\][^\s/\\:,;\"'`]+){2,}[/\\]?")


def without_paths(text: str) -> str:
    """Return a text in which each path is only its last name.

    Args:
        text: such as the message of an error.

    Example:
        >>> without_paths("/home/me/runs/tune.mid: the file is empty")
        'tune.mid: the file is empty'
    """
    return _PATH.sub(lambda found: re.split(r"[/\\]", found[0].rstrip("/\\"))[-1], text)


def misfit(error: ValidationError) -> str:
    """Return in one line what does not fit in a request.

    Args:
        error: what pydantic found; its first finding is named.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    names = [str(name) for name in first["loc"] if not isinstance(name, int)]
    where = names[-1].replace("_", " ") if names else "the request"
    what = first["msg"].removeprefix("Value error, ")
    return f"{where}: {what[:1].lower()}{what[1:]}"
