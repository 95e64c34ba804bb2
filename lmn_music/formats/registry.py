"""The formats that music is read from and written to: one table, from which help texts and error messages are made.

A new format is one file beside this one and one entry in `FORMATS`. Importing this file is cheap: each format's own
file is imported when the format is first used.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lmn_music.music.piece import Piece


@dataclass(frozen=True)
class Format:
    """What can be done with the files of one suffix.

    Attributes:
        label: what a help text calls such a file.
        read: `read(data, title)` returns the Piece in the bytes `data`, with that title unless the file holds one; it
            raises ScoreError. None if such files are not read.
        write: `write(roll, path, **options)` writes the file; it raises LmnMusicError. None if they are not written.
        check: `check(frames, frames_per_quarter, **options)` raises LmnMusicError if `write` would refuse a roll of so
            many frames. None if `write` refuses none.
        options: the names of those options of `write_roll` that `write` accepts. `check` receives its `tempo`, if it
            is one of them.
        max_bytes: the size of the largest file that is read: ten times the largest file of ordinary music. Beyond it
            a reader takes minutes and gigabytes.
        write_piece: `write_piece(piece, path)` writes the file with all that a Piece says; it raises LmnMusicError.
            None if the format cannot hold it.
    """

    label: str
    read: Callable[[bytes, str], Piece] | None = None
    write: Callable[..., None] | None = None
    check: Callable[..., None] | None = None
    options: tuple[str, ...] = ()
    max_bytes: int = 2_000_000
    write_piece: Callable[[Piece, Path], None] | None = None

    def accepted(self, **options: Any) -> dict[str, Any]:
        """Return the options that the format has a use for, without the others."""
        return {name: value for name, value in options.items() if name in self.options}


def _later(name: str) -> Callable[..., Any]:
    """Return the function `name` ("file:function" of this package), whose file is imported when it is first called."""

    def call(*arguments: Any, **options: Any) -> Any:
        return pkgutil.resolve_name(f"{__package__}.{name}")(*arguments, **options)

    return call


_MIDI = _later("midi:read_midi")
_MUSICXML = _later("musicxml:read_musicxml")
XML_BYTES = 8_000_000  # music21 takes about a minute for a score of this size
_PLAYED = ("tempo", "repeat_notes")
TEMPO = 90.0  # quarter notes per minute, wherever no other tempo is given

FORMATS: dict[str, Format] = {
    ".mid": Format(
        "MIDI",
        _MIDI,
        _later("midi_writer:write_midi"),
        _later("midi_writer:check_midi"),
        options=_PLAYED,
        write_piece=_later("midi_writer:write_piece"),
    ),
    ".midi": Format("MIDI", _MIDI),
    ".smf": Format("MIDI", _MIDI),
    ".musicxml": Format("MusicXML", _MUSICXML, max_bytes=XML_BYTES),
    ".xml": Format("MusicXML", _MUSICXML, max_bytes=XML_BYTES),
    ".mxl": Format("MusicXML", _later("musicxml:read_mxl")),
    ".wav": Format(
        "sound",
        None,
        _later("audio:write_wav"),
        _later("audio:check_wav"),
        options=_PLAYED,
        write_piece=_later("audio:write_wav"),
    ),
    ".png": Format("picture", None, _later("picture:write_png"), options=("bars", "marked")),
    ".npz": Format("piano-roll", _later("npz:read_npz"), _later("npz:write_npz"), max_bytes=20_000_000),
}


def format_of(path: Path) -> Format | None:
    """Return the format that the suffix of `path` names, in small or capital letters; None if there is no such."""
    return FORMATS.get(Path(path).suffix.lower())


def written_pieces() -> str:
    """Return the suffixes that can hold a Piece, for an error message: ".mid (MIDI), ..."."""
    return ", ".join(f"{suffix} ({entry.label})" for suffix, entry in FORMATS.items() if entry.write_piece)


def written() -> str:
    """Return the suffixes that can be written, for a help text: ".mid (MIDI), .wav (sound), ..."."""
    return ", ".join(f"{suffix} ({entry.label})" for suffix, entry in FORMATS.items() if entry.write)


def readable() -> str:
    """Return what can be read, for a help text: "MIDI (.mid, .midi, .smf), MusicXML (...) or piano-roll (.npz)"."""
    return _either([f"{label} ({', '.join(suffixes)})" for label, suffixes in _readable().items()])


def readable_labels() -> str:
    """Return what can be read, in short: "MIDI, MusicXML or piano-roll"."""
    return _either(list(_readable()))


def _readable() -> dict[str, list[str]]:
    suffixes: dict[str, list[str]] = {}
    for suffix, entry in FORMATS.items():
        if entry.read:
            suffixes.setdefault(entry.label, []).append(suffix)
    return suffixes


def _either(words: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
