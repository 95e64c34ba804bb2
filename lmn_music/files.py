"""Files that are written whole or not at all, folders that one process uses at a time, and names that are no text."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lmn_music.errors import LmnMusicError, WritingError

if sys.platform != "win32":
    import fcntl

LOCK = ".lock"  # the name of the lock file of a folder
PATIENCE = 0.3  # seconds in which a process that only looks whether a lock is held, see `is_held`, lets go of it
_PREFIX, _SUFFIX = ".lmn-music-", ".tmp"
# Characters that move the cursor, change colours or turn the direction of reading, and what is no character.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_NO_FLUSH = {errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOTSUP}  # what a system says that cannot flush a folder


def as_utf8(text: str) -> str:
    """Return the text with a question mark for each character that UTF-8 cannot write.

    A file name that is no text has such characters, and so does a title made from the name.
    """
    return text.encode("utf-8", "replace").decode()


def printable(text: str) -> str:
    """Return the text with a question mark for each character that a terminal would obey instead of showing it.

    File names, titles and the headers of checkpoints may come from strangers.
    """
    return _CONTROL.sub("?", text)


def is_leftover(path: Path) -> bool:
    """Return whether `path`, in a run folder, is a file that a killed process left behind: a temporary file, or a lock.

    Older versions wrote other names.
    """
    return path.name == LOCK or (path.name.startswith(".") and _SUFFIX in path.name)


def clean(folder: Path) -> None:
    """Remove the temporary files of killed processes from a folder that nobody else is at work in.

    Args:
        folder: a run folder, whose lock this process has.
    """
    with suppress(OSError):
        for path in folder.iterdir():
            if is_leftover(path) and path.name != LOCK:
                path.unlink()


def read_regular(path: Path, most: int | None = None) -> bytes:
    """Return the content of a file that is no pipe and no device: reading one of these might never end.

    Args:
        path: the file.
        most: the number of bytes that it may have; any number if not given.

    Raises:
        OSError: it cannot be read, is no regular file, or is longer.
    """
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    with os.fdopen(opened, "rb") as file:
        data = file.read(-1 if most is None else most + 1)
    if most is not None and len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most} bytes", str(path))
    return data


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to. The file there replaces `path` if the block ends well, else it is removed.

    The content is on the disk before the name changes, and the new name is when the block has ended: a machine that
    loses power leaves the old file or the new one. What a killed process left in the folder is removed on the way.

    Args:
        path: the file to write.

    Yields:
        A path beside `path`, of an empty file.

    Raises:
        WritingError: the operating system refuses (no such folder, no room, no permission).
    """
    path = Path(path)
    temporary: Path | None = None
    with _saying_why(path):
        try:
            _sweep(path.parent)
            with _new(path.parent) as held:
                temporary = Path(held.name)
                yield temporary
                _flush(temporary)
                if sys.platform == "win32":  # where an open file cannot be renamed
                    held.close()
                temporary.replace(path)
            _flush_folder(path.parent)
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)


def append(path: Path, text: str) -> None:
    """Write text at the end of a file; it is on the disk when the function returns.

    Args:
        path: the file, which is made if there is none.
        text: what to add.

    Raises:
        WritingError: see `replacing`.
    """
    with _saying_why(path), path.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def alone(lock: Path, what: str, *, patience: float = PATIENCE) -> Iterator[None]:
    """Keep other processes out while the block runs.

    The lock ends with the process, however that ends: the lock file of a killed process locks nobody out.

    Args:
        lock: the lock file. Every process that names the same file takes its turn.
        what: what another process is doing, as the beginning of the error message.
        patience: how many seconds to wait for the other process.

    Raises:
        LmnMusicError: another process has the lock, or its file cannot be written.
    """
    from filelock import FileLock, Timeout  # only here, so that help is quick

    held = FileLock(lock)
    with _saying_why(lock):
        try:
            held.acquire(timeout=patience)
        except Timeout:  # an OSError, too
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
        with alone(lock, "", patience=0):
            return False
    except (LmnMusicError, OSError):
        return True


@contextmanager
def _saying_why(path: Path) -> Iterator[None]:
    """Turn a refusal of the operating system into an error of one line."""
    try:
        yield
    except OSError as error:
        raise WritingError(f"cannot write {path} ({error.strerror or error})") from None


def _new(folder: Path) -> BinaryIO:
    """Open a new temporary file, with the permissions that the user's new files have, marked as in use."""
    while True:
        file = (folder / f"{_PREFIX}{uuid.uuid4().hex}{_SUFFIX}").open("xb")
        if _is_free(file) and os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # another process has swept it away before it was marked


def _sweep(folder: Path) -> None:
    """Remove the temporary files in the folder that no living process is writing."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX):
                with suppress(OSError), Path(entry.path).open("rb") as file:
                    if _is_free(file):
                        Path(entry.path).unlink()


def _is_free(file: BinaryIO) -> bool:
    """Mark an open file as in use until it is closed or its process ends; return False if another process did."""
    if sys.platform != "win32":  # where nobody can remove an open file anyway
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _flush(path: Path) -> None:
    """Wait until the content of a file is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can say so."""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder to write to but not to look into; any folder, on Windows
        return
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in _NO_FLUSH:
            raise
    finally:
        os.close(opened)
