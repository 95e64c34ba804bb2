"""A file is written whole or not at all: through refusals, kills and power cuts. What is read ends."""

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmn_music import files
from lmn_music.errors import LmnMusicError, WritingError
from lmn_music.files import alone, append, as_utf8, clean, is_leftover, printable, read_regular, replacing

OLD, NEW = b"the old song", b"the new song, which is longer"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, content: bytes = NEW) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def test_new_files_have_the_permissions_that_the_user_wants(tmp_path: Path) -> None:
    for umask in (0o022, 0o077, 0o002):
        before = os.umask(umask)
        try:
            write(tmp_path / "song")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "song").stat().st_mode) == 0o666 & ~umask


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    write(tmp_path / ("x" * 255))
    assert (tmp_path / ("x" * 255)).read_bytes() == NEW


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_block_that_fails_changes_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "song").write_bytes(OLD)

    def fail() -> None:
        with replacing(tmp_path / "song") as temporary:
            temporary.write_bytes(NEW[:5])
            raise error

    with pytest.raises(error):
        fail()
    assert (tmp_path / "song").read_bytes() == OLD
    assert names(tmp_path) == ["song"]


WRITER = """
import sys
from collections.abc import Callable
from pathlib import Path
from lmn_music.files import replacing

with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half a s")
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_was_writing_is_swept_away_and_no_living_ones(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for name in ("killed", "alive")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
    (tmp_path / ".mine.tmp").touch()  # somebody else's
    write(tmp_path / "song")
    assert len(names(tmp_path)) == 4
    writers[0].send_signal(signal.SIGKILL)
    writers[0].communicate()
    write(tmp_path / "song")
    assert len(names(tmp_path)) == 3
    writers[1].communicate()
    assert names(tmp_path) == [".mine.tmp", "alive", "song"]
    assert (tmp_path / "alive").read_bytes() == b"half a s"


def test_what_older_versions_left_in_a_run_folder_goes_too(tmp_path: Path) -> None:
    for name in (".0123abc.tmp", ".tmpAbCdEf", ".lmn-music-0.tmp"):
        (tmp_path / name).touch()
        assert is_leftover(tmp_path / name)
    for name in ("config.toml", "best.safetensors", ".hidden"):
        (tmp_path / name).touch()
        assert not is_leftover(tmp_path / name)
    clean(tmp_path)
    assert names(tmp_path) == [".hidden", "best.safetensors", "config.toml"]


# --- refusals of the operating system, one after the other


class Refusing:
    """Lets the calls of the file layer through, but for one of them, which the system refuses."""

    def __init__(self, patch: pytest.MonkeyPatch, refused: int) -> None:
        self.calls, self.refused = 0, refused
        for holder, name in ((os, "open"), (os, "fsync"), (Path, "open"), (Path, "replace")):
            patch.setattr(holder, name, self.watched(getattr(holder, name)))

    def watched(self, real):  # type: ignore[no-untyped-def]
        def call(*arguments, **options):  # type: ignore[no-untyped-def]
            self.calls += 1
            if self.calls == self.refused:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments, **options)

        return call


def message_of(work: Callable[[], None]) -> str:
    """Return the message of the error that `work` ends with, or nothing."""
    try:
        work()
    except WritingError as error:
        return str(error)
    return ""


def test_whatever_is_refused_is_one_error_and_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    refused, done = 0, False
    while not done:
        refused += 1
        (tmp_path / "song").write_bytes(OLD)
        with pytest.MonkeyPatch.context() as patch:
            layer = Refusing(patch, refused)
            message = message_of(lambda: write(tmp_path / "song"))
            done = layer.calls < refused
        assert message == (
            "" if done else f"cannot write {tmp_path}/song (No space left on device): choose another place"
        )
        assert (tmp_path / "song").read_bytes() in (OLD, NEW)
        assert names(tmp_path) == ["song"]
    assert refused == 8  # a temporary file is made, written, opened, flushed and renamed, the folder opened and flushed


# --- a power cut at any moment


class Disk:
    """What is on the disk for sure: the content that was flushed, and the names that a flush of the folder wrote.

    Everything else may be there or not after a power cut, in any combination.
    """

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.folder, self.flushed = folder, {path.stat().st_ino: path.read_bytes() for path in folder.iterdir()}
        self.names = {"song": {path.stat().st_ino for path in folder.iterdir()}}
        self.found: list[set[bytes]] = []
        fsync, replace = os.fsync, Path.replace

        def flush(descriptor: int) -> None:
            fsync(descriptor)
            about = os.fstat(descriptor)
            if stat.S_ISDIR(about.st_mode):
                self.names["song"] = {(folder / "song").stat().st_ino}
            else:
                self.flushed[about.st_ino] = Path(f"/proc/self/fd/{descriptor}").read_bytes()
            self.cut()

        def rename(path: Path, target: Path) -> Path:
            self.names["song"].add(path.stat().st_ino)  # the old name and the new one are both possible now
            self.cut()
            return replace(path, target)

        patch.setattr(os, "fsync", flush)
        patch.setattr(Path, "replace", rename)

    def cut(self) -> None:
        """Note what could be read after a power cut at this moment; b"" for a file that was not flushed."""
        self.found.append({self.flushed.get(inode, b"") for inode in self.names["song"]})


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system has no /proc")
def test_a_power_cut_at_any_moment_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "song").write_bytes(OLD)
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch, tmp_path)
        write(tmp_path / "song")
        disk.cut()
    assert disk.found == [{OLD}, {OLD, NEW}, {NEW}, {NEW}]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system has no /proc")
def test_this_test_of_power_cuts_finds_what_is_not_flushed(tmp_path: Path) -> None:
    for step in ("_flush", "_flush_folder"):
        (tmp_path / "song").write_bytes(OLD)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, step, lambda _: None)
            disk = Disk(patch, tmp_path)
            write(tmp_path / "song")
            disk.cut()
        assert disk.found[-1] == ({b""} if step == "_flush" else {OLD, NEW})


def test_lines_are_added_at_the_end(tmp_path: Path) -> None:
    for line in ("first\n", "second ü\n"):
        append(tmp_path / "log", line)
    assert (tmp_path / "log").read_text(encoding="utf-8") == "first\nsecond ü\n"
    with pytest.raises(WritingError, match="no/log"):
        append(tmp_path / "no" / "log", "third")


# --- locks, and what is read


def test_a_lock_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file"):
        with pytest.raises(WritingError, match=r"cannot write .*\.lock"), alone(place / ".lock", "busy"):
            pass
    busy = alone(tmp_path / "lock", "busy")
    with alone(tmp_path / "lock", "busy"), pytest.raises(LmnMusicError, match="busy: wait"), busy:
        pass
    assert not (tmp_path / "lock").exists()


def test_only_files_are_read_and_no_more_of_them_than_wanted(tmp_path: Path) -> None:
    (tmp_path / "song").write_bytes(NEW)
    assert read_regular(tmp_path / "song") == read_regular(tmp_path / "song", len(NEW)) == NEW
    with pytest.raises(OSError, match="more than 5 bytes"):
        read_regular(tmp_path / "song", 5)
    os.mkfifo(tmp_path / "pipe")  # nobody will ever write to it
    for place in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match="not a regular file"):
            read_regular(place, 100)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "nowhere")


@given(st.text(st.characters(categories=["C", "L", "Z", "P", "S"])))
def test_nothing_that_a_terminal_obeys_is_printed(name: str) -> None:
    shown = printable(name)
    assert len(shown) == len(name)
    assert all(character.isprintable() or ord(character) >= 0xA0 for character in shown)
    shown.encode()
    assert printable(shown) == shown
    assert as_utf8(shown) == shown


def test_colours_and_turned_text_are_not_printed() -> None:
    assert printable("\x1b[31mred\x1b[0m \u202egnos\r\n.mid \udcff") == "?[31mred?[0m ?gnos??.mid ?"
    assert printable("Für Elise 月光 \U0001f3b9") == "Für Elise 月光 \U0001f3b9"
