"""Files that are written whole or not at all, folders that one process uses at a time, and names that are no text."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lmn_music.errors import LmnMusicError

_TEMPORARY = ".tmp"


def as_utf8(text: str) -> str:
    """Return the text with a question mark for each character that UTF-8 cannot write.

    A file name that is no text has such characters, and so does a title made from the name.
    """
    return text.encode("utf-8", "replace").decode()


def is_leftover(path: Path) -> bool:
    """Return whether `path` is a temporary file that `replacing` left behind when its process was killed."""
    return path.name.startswith(".") and path.suffix == _TEMPORARY


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to. The file there replaces `path` if the block ends well, else it is removed.

    Args:
        path: the file to write.

    Yields:
        A path beside `path`, where nothing is yet.

    Raises:
        LmnMusicError: the operating system refuses (no such folder, no room, no permission).
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}{_TEMPORARY}")  # hidden, and short enough for any file system
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise LmnMusicError(f"cannot write {path} ({error.strerror or error}): choose another place") from None
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def alone(lock: Path, what: str) -> Iterator[None]:
    """Keep other processes out while the block runs.

    The lock ends with the process, however that ends: the lock file of a killed process locks nobody out.

    Args:
        lock: the lock file. Every process that names the same file takes its turn.
        what: what another process is doing, as the beginning of the error message.

    Raises:
        LmnMusicError: another process has the lock.
    """
    from filelock import FileLock, Timeout  # only here, so that help is quick

    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise LmnMusicError(f"{what}: wait for it, or stop it") from None
    try:
        yield
    finally:
        with suppress(OSError):  # where an open file cannot be removed it stays
            lock.unlink()
        held.release()


def is_held(lock: Path) -> bool:
    """Return whether some process has the lock of `alone`. A lock file that a killed process has left is removed.

    Args:
        lock: the lock file.
    """
    if not lock.exists():
        return False
    try:
        with alone(lock, ""):
            return False
    except (LmnMusicError, OSError):
        return True
