"""Where songs are written: the extensions that exist."""

from __future__ import annotations

import os
from pathlib import Path

from lmn_music.errors import UsageError

FORMATS = {
    ".mid": "MIDI",
    ".wav": "sound",
    ".png": "picture",
    ".npz": "piano-roll",
}


def check_output(path: Path) -> None:
    """Raise UsageError unless a song can be written to `path`: a known extension, in a folder that can be written to.

    Meant to be called before a long job, not after it.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(f"{extension} ({name})" for extension, name in FORMATS.items())
        raise UsageError(f"Cannot tell from the name {path.name!r} what to write: end it with one of {known}.")
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder: name a file.")
        if not path.parent.is_dir():
            raise UsageError(f"The folder {path.parent} does not exist: make it first, or name another.")
    except OSError as error:  # a name too long, a folder that may not be looked into
        raise UsageError(f"Cannot write {path} ({error.strerror}): choose another place.") from error
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"The folder {path.parent} cannot be written to: name another.")


def as_utf8(text: str) -> str:
    """Return the text with question marks for what UTF-8 cannot write, as file names that are no text have it."""
    return text.encode("utf-8", "replace").decode()
