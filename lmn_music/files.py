"""Whole files or none."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from lmn_music.errors import LmnMusicError

_TEMPORARY = ".tmp"


def is_leftover(path: Path) -> bool:
    """Whether `path` is what `replacing` was writing to when its process was killed."""
    return path.name.startswith(".") and path.suffix == _TEMPORARY


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; it replaces `path` if the block ends well, else it is removed.

    LmnMusicError: the operating system refuses (no such folder, no room, no permission).
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}{_TEMPORARY}")  # hidden, and short enough for any file system
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise LmnMusicError(f"Cannot write {path} ({error.strerror or error}): choose another place.") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def alone(lock: Path, what: str) -> Iterator[None]:
    """Keep other processes out of what the lock file stands for; LmnMusicError, which begins with `what`, if one is in.

    The lock goes with the process, however that ends; a file that a killed one has left over locks nobody out.
    """
    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout as error:
        raise LmnMusicError(f"{what}: wait for it, or stop it") from error
    try:
        yield
    finally:
        with suppress(OSError):  # where an open file cannot be removed it stays
            lock.unlink()
        held.release()
