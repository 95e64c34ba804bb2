"""The formats that music is read from and written to: one table, from which help texts and error messages are made.

A new format is one file beside this one and one entry in `FORMATS`. Importing this file is cheap: each format's own
file is imported when the format is first used.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
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
        write: `write(piece, path, **options)` writes the file; it raises LmnMusicError. None if they are not written.
        rolls: whether `write` takes a PianoRoll instead of a Piece, as the format knows no more than frames.
        options: which of "bars", "key" and "marked" `write` accepts: the bars of the roll, the name of its key, and
            the stretch that is new, in quarter notes.
        check: `check(frames, frames_per_quarter, tempo=...)` raises LmnMusicError if `write` would refuse a roll of so
            many frames. None if `write` refuses none.
        max_bytes: the size of the largest file that is read: ten times the largest file of ordinary music. Beyond it
            a reader takes minutes and gigabytes.
        losses: `losses(piece)` yields what a file lacks of a piece's notes, such as "drums". None if it lacks none.
        repeats: whether a file says by signs what is repeated. `read` then accepts `as_written`, whether to read each
            bar once; otherwise it plays repeats out.
        split: `split(data)` returns the songs in the bytes `data` by their names, each as `read` takes it. None if a
            file is one song.
    """

    label: str
    read: Callable[..., Piece] | None = None
    write: Callable[..., None] | None = None
    rolls: bool = False
    options: tuple[str, ...] = ()
    check: Callable[..., None] | None = None
    max_bytes: int = 2_000_000
    losses: Callable[[Piece], Iterator[str]] | None = None
    repeats: bool = False
    split: Callable[[bytes], dict[str, bytes]] | None = None

    def accepted(self, **options: Any) -> dict[str, Any]:
        """Return the options that the format has a use for, without the others."""
        return {name: value for name, value in options.items() if name in self.options}


def _later(name: str) -> Callable[..., Any]:
    """Return the function `name` ("file:function" of this package), whose file is imported when it is first called."""

    def call(*arguments: Any, **options: Any) -> Any:
        return pkgutil.resolve_name(f"{__package__}.{name}")(*arguments, **options)

    return call


_READ_MIDI = _later("midi:read_midi")
_MUSICXML = _later("musicxml:read_musicxml")
_SCORE_LENGTH = _later("musicxml_writer:check_musicxml")
_PICTURE = _later("picture:write_picture")
_SHOWN = ("bars", "key", "marked")
_OF_FRAMES = _later("losses:of_frames")
_OF_SCORES = _later("losses:of_scores")
MIDI_BYTES = 1_500_000  # at worst 500,000 notes, which take two seconds; a concert takes 500,000 bytes
_MIDI = Format("MIDI", _READ_MIDI, max_bytes=MIDI_BYTES)
XML_BYTES = 11_000_000  # of XML, unpacked: what an hour of a string quartet has, and what is read in a second
_SCORE = Format("MusicXML", _MUSICXML, repeats=True, max_bytes=XML_BYTES)
_ENGRAVED = Format(
    "engraved score", None, _later("engraving:write_score"), check=_later("engraving:check_score"), losses=_OF_SCORES
)
_SHOWN_ROLL = Format("picture of the roll", None, _PICTURE, rolls=True, options=_SHOWN, losses=_OF_FRAMES)
TEMPO = 90.0  # quarter notes per minute, wherever no other tempo is given

FORMATS: dict[str, Format] = {
    ".mid": replace(_MIDI, write=_later("midi_writer:write_midi"), check=_later("midi_writer:check_midi")),
    ".midi": _MIDI,
    ".smf": _MIDI,
    ".kar": _MIDI,
    ".rmi": _MIDI,
    ".musicxml": replace(
        _SCORE, write=_later("musicxml_writer:write_musicxml"), check=_SCORE_LENGTH, losses=_OF_SCORES
    ),
    ".xml": _SCORE,
    ".mxl": _SCORE,
    ".krn": Format("Humdrum", _later("kern:read_kern"), max_bytes=200_000, repeats=True),
    ".abc": Format(
        "ABC",
        _later("abc:read_abc"),
        _later("abc_writer:write_abc"),
        losses=_OF_SCORES,
        repeats=True,
        split=_later("abc:split_abc"),
    ),
    ".score.svg": _ENGRAVED,
    ".score.png": _ENGRAVED,
    ".wav": Format("sound", None, _later("audio:write_wav"), check=_later("audio:check_wav")),
    ".png": _SHOWN_ROLL,
    ".svg": _SHOWN_ROLL,
    ".npz": Format(
        "piano-roll",
        _later("npz:read_npz"),
        _later("npz:write_npz"),
        rolls=True,
        losses=_OF_FRAMES,
        max_bytes=20_000_000,
    ),
}


def suffix_of(path: Path) -> str:
    """Return the suffix of `path` that chooses its format, in small letters: two of them, as .score.png, if need be."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes[-2:]]
    both = "".join(suffixes)
    return both if both in FORMATS else "".join(suffixes[-1:])


def format_of(path: Path) -> Format | None:
    """Return the format that the suffix of `path` names; None if there is no such."""
    return FORMATS.get(suffix_of(path))


def writable() -> str:
    """Return the suffixes that can be written, for a help text: ".mid (MIDI), .png, .svg (picture), ..."."""
    suffixes: dict[str, list[str]] = {}
    for suffix, entry in FORMATS.items():
        if entry.write:
            suffixes.setdefault(entry.label, []).append(suffix)
    return ", ".join(f"{', '.join(found)} ({label})" for label, found in suffixes.items())


def readable() -> str:
    """Return what can be read, for a help text: "MIDI (.mid, .midi, ...), MusicXML (...) or piano-roll (.npz)"."""
    return _either([f"{label} ({', '.join(suffixes)})" for label, suffixes in _readable().items()])


def readable_labels() -> str:
    """Return what can be read, in short: "MIDI, MusicXML, Humdrum, ABC or piano-roll"."""
    return _either(list(_readable()))


def _readable() -> dict[str, list[str]]:
    suffixes: dict[str, list[str]] = {}
    for suffix, entry in FORMATS.items():
        if entry.read:
            suffixes.setdefault(entry.label, []).append(suffix)
    return suffixes


def _either(words: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
